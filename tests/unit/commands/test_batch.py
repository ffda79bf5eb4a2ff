"""`nst-jax batch` as a user runs it, in this process."""

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import stored_weights
from support.batch_folder import contents, picture, working_in, write_csv
from support.program import QUICK, run

from nst_jax.collection import lock, manifest
from nst_jax.images import files
from weights_convert import architectures, store

SMALL = ("batch", *QUICK, "--output_dir=out", "--lanes=1")
ALL = (*SMALL, "--contents", "photos", "--styles", "paintings")
ONE = (*SMALL, "--contents", "photos/a.png", "--styles", "paintings/p.png")
NAMES = ["a_p.png", "a_q.png", "b_p.png", "b_q.png"]
NAMES_OF_WEBP = ["a_webp_p.png", "a_webp_q.png"]


@pytest.fixture(scope="module")
def made(home, tmp_path_factory):
    """A folder where all of `ALL` was made; not to be changed."""
    place = tmp_path_factory.mktemp("made")
    with working_in(place, home):
        assert run(*ALL) == 0
    return place


@pytest.fixture
def copied(made, folder):
    """The working folder, a copy of `made`."""
    shutil.copytree(made, folder, dirs_exist_ok=True)
    return folder


def statuses():
    entries = manifest.read("out/manifest.jsonl")
    return {name: entry.status for name, entry in entries.items()}


def new(capsys):
    """The pictures that the command says it made."""
    return re.findall(r"^out/(\S+png): ", capsys.readouterr().out, re.MULTILINE)


def test_every_photo_in_every_style(folder, capsys):
    assert run(*ALL) == 0
    output, errors = capsys.readouterr()
    assert errors == ""
    *lines, last = output.splitlines()
    for name, line in zip(NAMES, lines, strict=True):
        told = rf"out/{name}: 23x32, loss [\d.e+-]+ after 4 iterations"
        assert re.fullmatch(told, line)
    assert last == "out/index.html: 4 pictures"
    others = ["contact_sheet.jpg", "index.html", "manifest.jsonl"]
    assert sorted(os.listdir("out")) == [*NAMES, *others]
    assert statuses() == dict.fromkeys(NAMES, "done")
    page = Path("out/index.html").read_text()
    assert all(f'"./{name}"' in page for name in NAMES)
    with Image.open("out/contact_sheet.jpg") as sheet:
        assert sheet.width > 3 * 184
        assert sheet.height > 3 * 256


@pytest.mark.slow
def test_side_by_side_they_are_what_the_single_command_makes(folder):
    assert run(*ALL, "--lanes=2") == 0
    alone = ("stylize", "photos/b.png", "paintings/q.jpg", "-o", "alone.png")
    assert run(*alone, *QUICK) == 0
    single, together = (
        files.read_description(name) for name in ("alone.png", "out/b_q.png")
    )
    assert together["options"] == single["options"]
    assert together["loss"] == pytest.approx(single["loss"], rel=1e-3)
    image = files.read("out/b_q.png")
    np.testing.assert_allclose(image, files.read("alone.png"), atol=0.01)


def test_one_after_the_other_they_are_exactly_what_the_single_command_makes(copied):
    # Of another shape, whose frame the others would share.
    files.write("photos/c.png", picture(5, 66, 47))
    assert run(*ALL) == 0
    for photo, painting, name in (
        ("photos/b.png", "paintings/q.jpg", "b_q.png"),
        ("photos/c.png", "paintings/p.png", "c_p.png"),
    ):
        assert run("stylize", photo, painting, "-o", "alone.png", *QUICK) == 0
        assert Path("alone.png").read_bytes() == Path("out", name).read_bytes()


def test_a_known_stem_renames_nothing(copied, capsys):
    shutil.copy("photos/b.png", "photos/a.webp")
    assert run(*ALL) == 0
    assert new(capsys) == ["a_webp_p.png", "a_webp_q.png"]
    assert statuses() == dict.fromkeys([*NAMES, *NAMES_OF_WEBP], "done")


def test_another_process_is_at_work(copied, capsys):
    with lock.held(Path("out")):
        assert run(*ALL, "--seed=2") == 1
    output, errors = capsys.readouterr()
    assert output == ""
    line = f"nst-jax: out: another process ({os.getpid()}) is at work in this folder; "
    assert errors == line + "wait for its end, or choose another folder\n"


def test_file_names_that_are_no_text(folder, capsys):
    odd = os.fsdecode(b"photos/\xff.png")
    os.rename("photos/a.png", odd)
    os.rename("paintings/p.png", "paintings/\u201cp\u201d.png")
    # One is missing; its name too is said.
    missing = os.fsdecode(b"photos/\xfe.png")
    output = os.fsdecode(b"o\xff")
    what = ("--contents", odd, missing, "--styles", "paintings")
    assert run(*SMALL, *what, f"--output_dir={output}") == 1
    assert sorted(p.suffix for p in Path(output).iterdir()) == sorted(
        [".html", ".jpg", ".jsonl", ".png", ".png"]
    )
    assert run("stylize", odd, "paintings/q.jpg", f"--init={odd}", *QUICK) == 0
    assert files.read_description(os.fsdecode(b"\xff_q.png"))["iterations"] == 4


def test_again_nothing_is_made(copied, capsys, monkeypatch, tmp_path):
    # Of the weights there is only the header: whoever loads them fails.
    digest = store.stored_digest(architectures.find(stored_weights.SMALL))
    monkeypatch.setenv("NST_JAX_HOME", str(tmp_path / "header"))
    stored_weights.put(stored_weights.SMALL, digest)
    before = contents(copied / "out")
    times = [os.stat(f"out/{name}").st_mtime_ns for name in NAMES]
    assert run(*ALL) == 0
    output, errors = capsys.readouterr()
    assert errors == "nst-jax: 4 of 4 are done already\n"
    assert output == "out/index.html: 4 pictures\n"
    assert contents(copied / "out") == before
    assert [os.stat(f"out/{name}").st_mtime_ns for name in NAMES] == times


def test_what_has_changed_is_made_anew(copied, capsys):
    files.write("paintings/p.png", picture(9, 40, 33))
    assert run(*ALL) == 0
    assert new(capsys) == ["a_p.png", "b_p.png"]
    assert run(*ALL, "--style_weight=3") == 0
    assert new(capsys) == NAMES
    assert files.read_description("out/a_p.png")["options"]["style_weight"] == 3.0
    assert statuses() == dict.fromkeys(NAMES, "done")


def test_by_other_weights_all_is_made_anew(copied, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("NST_JAX_HOME", str(tmp_path / "other"))
    stored_weights.put_random(seed=1)
    assert run(*ALL) == 0
    assert new(capsys) == NAMES


def test_lists_are_swept(folder):
    assert run(*ONE, "--style-weight=1,10,1", "--seed=7") == 0
    names = ["a_p_style_weight=1.png", "a_p_style_weight=10.png"]
    assert statuses() == dict.fromkeys(names, "done")
    for name, weight in zip(names, (1.0, 10.0), strict=True):
        options = files.read_description(f"out/{name}")["options"]
        assert (options["style_weight"], options["seed"]) == (weight, 7)


def test_pairs_of_a_file(folder):
    write_csv(
        "pairs.csv",
        ["content", "style", "style_weight"],
        ["photos/a.png", "paintings/p.png", ""],
        ["photos/b.png", "paintings/q.jpg", "3"],
    )
    assert run(*SMALL, "--pairs=pairs.csv") == 0
    names = ["a_p.png", "b_q_style_weight=3.png"]
    assert statuses() == dict.fromkeys(names, "done")
    weights = [
        files.read_description(f"out/{name}")["options"]["style_weight"]
        for name in names
    ]
    assert weights == [1e6, 3.0]  # The one of the command, and its own.


def test_names_by_a_template(folder):
    template = "--name={style}/{index}_{content}_{seed}.webp"
    assert run(*ALL, template, "--seed=5") == 0
    names = ["p/0000_a_5.webp", "q/0001_a_5.webp", "p/0002_b_5.webp", "q/0003_b_5.webp"]
    assert statuses() == dict.fromkeys(names, "done")
    with Image.open("out/q/0003_b_5.webp") as picture_made:
        assert picture_made.format == "WEBP"
    assert '"./q/0003_b_5.webp"' in Path("out/index.html").read_text()
