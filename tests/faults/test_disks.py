"""Every command on a disk that is full, and in a folder that can only be read."""

import json
import os
from pathlib import Path

import pytest
from support import disks, stylizers
from support.batch_folder import contents, picture
from support.program import QUICK, run, run_weights
from support.stored_weights import SMALL

from nst_jax.collection import manifest
from nst_jax.images import files

STYLIZE = ("stylize", "photos/a.png", "paintings/p.png", *QUICK)
BATCH = ("batch", "--contents", "photos", "--styles", "paintings", *QUICK, "--lanes=1")
APPLY = ("apply", "--model=net.safetensors", "--style=1", "--compilation_cache_dir=off")
TRAIN = (
    *("train", "--style=paintings/p.png", "--images=photos", "--heldout=paintings"),
    *("--size=32", "--style_size=32", "--width=4", "--blocks=1", "--batch=1"),
    *("--steps=4", "--save_every=2", "--offline"),
    *(f for f in QUICK if "network" in f or "taps" in f or "cache" in f),
)


@pytest.fixture
def place(folder):
    """The working folder, with a style network and a clip."""
    from support import clips

    stylizers.put(folder / "net.safetensors")
    clips.make(folder / "clip.mp4", clips.Kind(sound=""))
    return folder


def one_line(capsys) -> str:
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.count("\n") == 1, errors
    return errors


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (STYLIZE, "out.png"),
        pytest.param((*APPLY, "photos/a.png"), "out.png", marks=pytest.mark.slow),
        pytest.param((*APPLY, "clip.mp4"), "out.mp4", marks=pytest.mark.slow),
    ],
)
def test_a_full_disk_is_one_line_and_leaves_nothing(place, capsys, command, name):
    with disks.small(place / "disk", 65_536) as disk:
        with disk.left(0):
            assert run(*command, "-o", f"disk/{name}") == 1
        assert os.listdir("disk") == []
    line = one_line(capsys)
    assert line == f"nst-jax: disk/{name}: could not be written ({disk.words})\n"


def test_a_batch_goes_on_once_there_is_room(folder, capsys):
    with disks.small(folder / "disk", 2_000_000) as disk:
        with disk.left(9_000):
            assert run(*BATCH, "--output_dir=disk/out") == 1
        assert disk.words in capsys.readouterr().err
        left = contents(folder / "disk/out")
        assert not [name for name in left if "tmp" in name]
        pictures = [name for name in left if name.endswith("png")]
        assert 0 < len(pictures) < 4
        for name in pictures:
            assert files.read(f"disk/out/{name}").shape == (32, 23, 3)
        entries = manifest.read("disk/out/manifest.jsonl").values()
        done = [e.output for e in entries if e.status == manifest.DONE]
        times = [Path("disk/out", name).stat().st_mtime_ns for name in done]
        assert run(*BATCH, "--output_dir=disk/out") == 0
        assert times == [Path("disk/out", name).stat().st_mtime_ns for name in done]
        entries = manifest.read("disk/out/manifest.jsonl").values()
        assert [entry.status for entry in entries] == [manifest.DONE] * 4


@pytest.mark.slow  # A program of its own.
def test_a_training_ends_with_a_line_and_goes_on_once_there_is_room(folder, capsys):
    command = (*TRAIN, "-o", "disk/net.safetensors")
    with disks.small(folder / "disk", 10_000_000) as disk:
        with disk.left(4096):
            assert run(*command) == 1
        *lines, last = capsys.readouterr().err.splitlines()
        told = "nst-jax: disk/net.training: no checkpoint of step"
        for step in (2, 4):
            assert f"{told} {step} ({disk.words}); the training goes on" in lines
        assert last.startswith("nst-jax: disk/net.safetensors: ")
        assert "the disk is full" in last or disk.words in last
        left = [path.name for path in Path("disk").rglob("*") if path.is_file()]
        assert left == ["losses.jsonl"]
        assert run(*command) == 0
        log = Path("disk/net.training/losses.jsonl").read_text().splitlines()
        assert [json.loads(line)["step"] for line in log] == [1, 2, 3, 4]


def test_weights_have_no_room(folder, capsys, monkeypatch):
    source = Path(os.environ["NST_JAX_HOME"], f"weights/{SMALL}.safetensors")
    monkeypatch.setenv("NST_JAX_HOME", str(folder / "disk"))
    with disks.small(folder / "disk", 2_000_000) as disk:
        with disk.left(500_000):
            assert run_weights("convert", source, "--to", SMALL) == 1
        assert not [path for path in Path("disk").rglob("*") if path.is_file()]
    line = one_line(capsys)
    path = folder / f"disk/weights/{SMALL}.safetensors"
    assert line.startswith(f"nst-weights: {path}: ")
    assert "the disk is full; free some space" in line or disk.words in line


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ((*STYLIZE, "-o", "closed/out.png"), "closed/out.png: no permission to write"),
        ((*BATCH, "--output_dir=closed"), "closed/a_p.png: no permission to write in"),
        ((*BATCH, "--output_dir=closed/out"), "output_dir=closed/out: can't be made ("),
        (
            (*APPLY, "photos/a.png", "-o", "closed/out.png"),
            "closed/out.png: no permission to write",
        ),
        (
            (*APPLY, "clip.mp4", "-o", "closed/out.mp4"),
            "closed/out.mp4: no permission to write",
        ),
        (
            (*TRAIN, "-o", "closed/net.safetensors"),
            "closed/net.safetensors: no permission to write",
        ),
    ],
)
def test_a_folder_that_can_only_be_read_is_one_line(place, capsys, command, problem):
    closed = place / "closed"
    closed.mkdir()
    files.write(closed / "a_p.png", picture(0))
    before = contents(place)
    with disks.read_only(closed):
        assert run(*command) == 1
        assert one_line(capsys).startswith(f"nst-jax: {problem}")
    assert contents(place) == before


def test_a_store_that_can_only_be_read_is_read(folder, capsys):
    home = Path(os.environ["NST_JAX_HOME"])
    before = contents(home)
    with disks.read_only(home):
        assert run(*STYLIZE, "-o", "out.png", "--offline") == 0
        assert capsys.readouterr().err == ""
        assert run_weights("verify", SMALL) == 0
        assert run_weights("fetch", SMALL) == 0
        capsys.readouterr()
        assert run_weights("fetch", "vgg16") == 1
        line = one_line(capsys)
        assert line.startswith(f"nst-weights: {home}/downloads/vgg16.lock: cannot be w")
        assert "set NST_JAX_HOME to a folder where you may write" in line
    assert contents(home) == before
