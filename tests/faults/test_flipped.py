"""A byte that a disk flipped in what is kept: it is found, and costs no picture.

States of runs are flipped bit by bit in `unit/optimize/test_checkpoint.py`, records of
weights in `unit/weights_convert/test_verified.py`, compiled programs in
`unit/devices/`.
"""

import os
import re
import shutil
from pathlib import Path

import pytest
from support.batch_folder import contents, working_in
from support.program import QUICK, run, run_weights
from support.stored_weights import SMALL

from nst_jax.collection import manifest

STYLIZE = ("stylize", "photos/a.png", "paintings/p.png", "-o", "out.png", *QUICK)
BATCH = ("batch", "--contents", "photos", "--styles", "paintings", *QUICK)
BATCH = (*BATCH, "--output_dir=out", "--lanes=1")
NAMES = ["a_p.png", "a_q.png", "b_p.png", "b_q.png"]


def flip(path: Path, place: int, bit: int = 1) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= bit
    path.write_bytes(content)


@pytest.mark.parametrize("place", [9, 500, 5000, -1])
def test_weights_of_which_a_byte_is_another_are_not_used(
    folder, tmp_path, monkeypatch, capsys, place
):
    home = tmp_path / "home"
    shutil.copytree(os.environ["NST_JAX_HOME"], home)
    monkeypatch.setenv("NST_JAX_HOME", str(home))
    flip(home / f"weights/{SMALL}.safetensors", place)
    before = contents(folder)
    assert run(*STYLIZE, "--offline") == 1
    output, errors = capsys.readouterr()
    assert (output, errors.count("\n")) == ("", 1)
    assert f"the weights of {SMALL} are damaged (" in errors
    assert f"run `nst-weights fetch {SMALL}` with a network" in errors
    assert contents(folder) == before
    assert run_weights("verify", SMALL) == 1
    output, errors = capsys.readouterr()
    assert (output, errors.count("\n")) == ("", 1)
    assert f"replace them with `nst-weights fetch {SMALL} --force`" in errors


@pytest.fixture(scope="module")
def whole(home, tmp_path_factory) -> Path:
    """A folder with a finished batch in it."""
    place = tmp_path_factory.mktemp("whole")
    with working_in(place, home):
        assert run(*BATCH) == 0
    return place


@pytest.mark.parametrize(
    ("field", "offset"),
    [(b'"output": "b_q', 13), (b'"key": "', 10), (b'"status', 0), (b"\n", 0)],
    ids=["output", "key", "status", "end"],
)
def test_a_flipped_last_line_of_a_manifest_is_made_anew(
    whole, tmp_path, home, monkeypatch, capsys, field, offset
):
    place = tmp_path / "work"
    shutil.copytree(whole, place)
    monkeypatch.chdir(place)
    monkeypatch.setenv("NST_JAX_HOME", str(home))
    path = Path("out/manifest.jsonl")
    flip(path, path.read_bytes().rfind(field) + offset)
    capsys.readouterr()
    assert run(*BATCH) == 0
    output, errors = capsys.readouterr()
    # Of b_q.png: with the lowest bit of its last letter flipped it is b_p.png.
    mistaken = field.startswith(b'"output')
    made = ["b_p.png", "b_q.png"] if mistaken else ["b_q.png"]
    assert re.findall(r"^out/(\S+png): ", output, re.MULTILINE) == made
    assert errors.startswith(f"nst-jax: {4 - len(made)} of 4 are done already\n")
    for name in NAMES:
        assert Path("out", name).read_bytes() == (whole / "out" / name).read_bytes()
    entries = manifest.read(path)
    assert {entries[name].status for name in NAMES} == {manifest.DONE}


def test_no_flip_in_a_manifest_makes_one_picture_another(whole, tmp_path):
    """A line whose name is another's has a key that isn't: that one is made anew."""
    content = (whole / "out/manifest.jsonl").read_bytes()
    right = manifest.read(whole / "out/manifest.jsonl")
    last = content.rstrip(b"\n").rfind(b"\n") + 1
    path = tmp_path / "manifest.jsonl"
    damaged = 0
    for place in range(last, len(content), 12):
        path.write_bytes(content)
        flip(path, place, 1 << place % 8)
        found = manifest.read(path)
        damaged += found.get("b_q.png") != right["b_q.png"]
        for name in NAMES[:3]:
            same = found[name] == right[name]
            assert same or found[name].key != right[name].key
    assert damaged > 50
