"""Folders that version 0.1.0 made: what is done there stays so."""

import dataclasses
import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest
from support.classic import classic

from nst_jax.collection import earlier, manifest
from nst_jax.collection.folder import Folder
from nst_jax.collection.wanted import Wanted
from nst_jax.images import files
from nst_jax.images.source import Source
from nst_jax.options import Options
from nst_jax.transfer.jobs import Job

DEFAULTS = {
    "size": 512,
    "crop": None,
    "steps": 500,
    "pyramid": 1,
    "network": "vgg19",
    "content_taps": ["relu4_2"],
    "style_taps": ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"],
    "content_weight": 5.0,
    "style_weight": 100.0,
    "content_tap_weights": [],
    "style_tap_weights": [],
    "style_blend": [],
    "style_scale": 1.0,
    "content_loss": "mean",
    "gram": "chw",
    "tv": "l2",
    "tv_range": 1.0,
    "tv_weight": 0.0,
    "color": "style",
    "color_after": "none",
    "init": "content",
    "seed": 0,
    "pooling": "max",
    "input_gain": 1.0,
    "precision": "auto",
    "solver": "lbfgs",
    "learning_rate": None,
    "learning_rate_decay": None,
    "history": 20,
    "preconditioner": "multiscale",
    "bounds": "box",
    "adam_epsilon": 1e-8,
}
"""All options of 0.1.0, as its manifests have them."""

WEIGHTS = "3" * 64
ONE = Job(Source("a.png"), (Source("p.png"),), classic(size=32, steps=4))


def key_of_0_1_0(content: str, style: str, weights: str, **options: object) -> str:
    """What 0.1.0 wrote into a line of its manifest; `content` and so on are digests."""
    start = options.pop("start", "")
    fields = json.dumps(DEFAULTS | options, sort_keys=True)
    made_of = [content, style, start, weights]
    return hashlib.sha256("\n".join([*made_of, fields]).encode()).hexdigest()


def test_the_formula_is_that_of_0_1_0():
    # As `Pair.key` of commit 686b7ac gave it.
    key = "aafade2030eddfdf6b0572d9e2db332afc6cf68617079d8056db401fc71c776a"
    assert key_of_0_1_0("1" * 64, "2" * 64, WEIGHTS, size=32, steps=4) == key
    contents = {"a.png": "1" * 64, "p.png": "2" * 64}
    assert earlier.key(ONE, contents, WEIGHTS) == key


def test_names_of_files_need_not_be_text():
    """One that can't be read stands for itself."""
    bad = dataclasses.replace(ONE, content=Source(os.fsdecode(b"na\xef.png")))
    contents = {bad.content.key: "", "p.png": "2" * 64}
    key = earlier.key(bad, contents, WEIGHTS)
    assert key not in (None, earlier.key(ONE, contents | {"a.png": "1"}, WEIGHTS))


def test_what_it_could_not_make_has_no_key():
    contents = dict.fromkeys(("a.png", "p.png", "q.png"), "1" * 64)
    two = dataclasses.replace(ONE, styles=(*ONE.styles, Source("q.png")))
    assert earlier.key(two, contents, WEIGHTS) is None


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The working folder, with a photo, a painting and a start."""
    for shade, name in ((0.2, "a"), (0.4, "p"), (0.6, "s")):
        files.write(tmp_path / f"{name}.png", np.full((9, 9, 3), shade, np.float32))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def left_by_0_1_0(status: str, **options: object) -> str:
    """A folder with a picture of it; returns the line of the manifest."""
    digests = {n: hashlib.sha256(Path(f"{n}.png").read_bytes()) for n in "aps"}
    start = digests["s"].hexdigest() if options.get("init") == "s.png" else ""
    key = key_of_0_1_0(
        *(digests["a"].hexdigest(), digests["p"].hexdigest(), WEIGHTS),
        **options,
        start=start,
    )
    entry = manifest.Entry(
        "a_p.png",
        "a.png",
        "p.png",
        key,
        status,
        options=DEFAULTS | options,
        loss=2.0,
        iterations=4,
        losses=[[0, 3.0], [4, 2.0]],
        size=[9, 9],
        versions={"nst_jax": "0.1.0"},
        device="cpu",
    )
    Path("out").mkdir()
    files.write("out/a_p.png", np.full((9, 9, 3), 0.5, np.float32))
    Path("out", "0" * 32 + ".state").write_bytes(b"a state of 0.1.0")
    manifest.append("out/manifest.jsonl", entry)
    return Path("out/manifest.jsonl").read_text()


def opened(options: Options, weights: str = WEIGHTS) -> tuple[Folder, Job, list[str]]:
    said: list[str] = []

    def say(line: str, **_: object) -> None:
        said.append(line)

    job = dataclasses.replace(ONE, options=options)
    wanted = [Wanted(job, "a_p.png", {})]
    return Folder(Path("out"), wanted, weights={"vgg19": weights}, say=say), job, said


@pytest.mark.parametrize(
    "changes",
    [
        {"size": 32, "steps": 4},
        {"style_weight": 3.0, "seed": 7, "init": "noise"},
        {"init": "s.png", "color": "linear"},
        {"init": "style", "style_taps": ["relu1_1"], "crop": "3:2"},
    ],
)
def test_its_pictures_count_as_done(place, changes):
    line = left_by_0_1_0("done", **changes)
    options = classic(
        **{n: tuple(v) if isinstance(v, list) else v for n, v in changes.items()}
    )
    folder, job, said = opened(options)
    assert folder.is_done(job)
    assert said == ["nst-jax: 1 of 1 is done already"]
    folder.finish()
    assert '"./a_p.png"' in Path("out/index.html").read_text()
    assert Path("out/manifest.jsonl").read_text() == line
    # Nothing is left that could go on from its states.
    assert not list(Path("out").glob("*.state"))


def test_by_other_options_weights_or_pictures_they_do_not(place):
    left_by_0_1_0("done")
    for options in (
        *(classic(seed=1), classic(steps=501), classic(pooling="avg")),
        *(classic(style_loss="w2"), classic(style_tap_decay=0.65)),
        classic(content_weight_at=256),
    ):
        folder, job, _ = opened(options)
        assert not folder.is_done(job)
    folder, job, _ = opened(classic(), weights="4" * 64)
    assert not folder.is_done(job)
    files.write("p.png", np.full((9, 9, 3), 0.9, np.float32))
    folder, job, _ = opened(classic())
    assert not folder.is_done(job)


def test_what_it_stopped_is_begun_anew_and_said(place):
    left_by_0_1_0("stopped", size=32)
    folder, job, said = opened(classic(size=32))
    assert not folder.is_done(job)
    (line,) = said
    assert line.startswith("nst-jax: 1 picture stopped by an earlier version")
    assert line.endswith(": begun anew")
    # Of other options there is nothing to go on from, and nothing to say.
    *_, said = opened(classic(size=33))
    assert said == ["nst-jax: out/a_p.png will be replaced"]


def test_names_that_are_no_text_have_keys():
    """Of a file that can't be read the name is part of the key."""
    odd = os.fsdecode(b"\xff.png")
    job = Job(Source(odd), (Source("p.png"),), classic())
    keys = {earlier.key(job, {odd: "", "p.png": ""}, digest) for digest in "12"}
    assert len(keys) == 2
