"""`nst-jax train` given what it can't use: one line, and nothing is changed."""

import re

import pytest
import safetensors.numpy
from support.batch_folder import contents, picture
from support.program import QUICK, installed, run, start

from nst_jax.collection import lock
from nst_jax.images import files

GIVEN = ("--style=painting.png", "--images=photos")
HELD = "--heldout=photos"


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("photos", "three", "begun.training", "null"):
        (tmp_path / folder).mkdir()
    for number in range(4):
        files.write(f"photos/{number}.png", picture(number, 20, 16))
        if number:
            files.write(f"three/{number}.png", picture(number, 20, 16))
    files.write("painting.png", picture(9, 20, 16))
    (tmp_path / "begun.training/losses.jsonl").write_text("somebody's")
    (tmp_path / "null.safetensors").symlink_to("/dev/null")
    model = {"weights": picture(5, 4, 4)}
    safetensors.numpy.save_file(model, tmp_path / "model.safetensors")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((*GIVEN, "-o", "net.png"), "output=net.png: give a name that ends in .saf"),
        ((*GIVEN, "-o", "no/n.safetensors"), "output=no/n.safetensors: the folder do"),
        ((*GIVEN, "-o", "null.safetensors"), "null.safetensors: is no regular file; "),
        (
            (*GIVEN, "-o", "begun.safetensors"),
            "begun.training/losses.jsonl: exists, and was not made by nst-jax; move it",
        ),
        (
            (*GIVEN, "-o", "model.safetensors", "--overwrite=no"),
            "model.safetensors: exists; choose another name, or leave out --overwrite",
        ),
        (
            ("--style=painting.png", "--images=three", "-o", "n.safetensors"),
            "images=three: all are held out for the sheets; add photos, or name",
        ),
        (
            ("--style=painting.png,missing.png", "--images=photos", "-o", "n.safet"),
            "output=n.safet: give a name that ends in",
        ),
        (
            ("--style=missing.png", "--images=photos", "-o", "n.safetensors"),
            "missing.png: no such file; check the name",
        ),
        ((*GIVEN, "-o", "n.safetensors", "--minutes=-1"), "minutes=-1.0: give a num"),
        ((*GIVEN, "-o", "n.safetensors", "--steps=0"), "steps=0 is out of range"),
        (
            (*GIVEN, "-o", "n.safetensors", "--style_loss=neighbors"),
            "style_loss=neighbors looks for targets of one picture, and a network",
        ),
    ],
    ids=lambda value: str(value)[-40:],
)
def test_is_one_line_and_leaves_nothing(place, capsys, arguments, line):
    before = contents(place)
    assert run("train", *arguments) == 1
    output, errors = capsys.readouterr()
    assert output == ""
    assert re.fullmatch(rf"nst-jax: {re.escape(line)}[^\n]*\n", errors), errors
    assert contents(place) == before


def test_a_network_that_sees_nothing_leaves_no_folder(place, capsys, monkeypatch):
    monkeypatch.setenv("NST_JAX_HOME", str(place / "home"))
    before = contents(place)
    (place / "photos/3.png").write_text("notes")
    assert (
        run(
            "train",
            *GIVEN,
            "-o",
            "model.safetensors",
            "--offline",
            "--steps=9",
            "--minutes=1",
            "--tv=l1",
            "--tv_weight=0",
            "--precision=tf32",
        )
        == 1
    )
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "nst-jax: model.safetensors will be replaced"
    assert lines[1].startswith("nst-jax: left out: photos/3.png: is not an image")
    assert set(lines[2:-1]) == {
        "nst-jax: --tv has no effect with --tv_weight=0",
        "nst-jax: --precision=tf32 is --precision=float32 on this device",
        "nst-jax: --steps has no effect with --minutes",
    }
    assert "--offline forbids" in lines[-1]
    after = contents(place)
    assert {n for n in after if "training" in str(n)} == {
        n for n in before if "training" in str(n)
    }


def test_the_log_of_a_training_that_was_killed_is_in_nobody_s_way(
    place, capsys, monkeypatch
):
    monkeypatch.setenv("NST_JAX_HOME", str(place / "home"))
    log = place / "begun.training/losses.jsonl"
    log.write_text('{"step": 1, "total": 3.5}\n')
    command = ("train", *GIVEN, "-o", "begun.safetensors", "--offline")
    assert run(*command, "--heldout=three") == 1
    first, *_, last = capsys.readouterr().err.splitlines()
    assert first == "nst-jax: begun.training/losses.jsonl will be replaced"
    assert "--offline forbids fetching" in last


@pytest.mark.slow
def test_two_trainings_of_one_network_are_refused(place, home, capsys, monkeypatch):
    monkeypatch.setenv("NST_JAX_HOME", str(home))
    small = (
        "--size=32",
        "--style_size=32",
        "--width=4",
        "--blocks=1",
        "--steps=1",
        "--offline",
    )
    taps = [flag for flag in QUICK if "network" in flag or "taps" in flag]
    command = ("train", *GIVEN, "-o", "net.safetensors", "--batch=1", *small, *taps)
    with lock.held(place / "net.training"):
        assert run(*command) == 1
        line = capsys.readouterr().err
        assert re.fullmatch(r"nst-jax: net.training: another process .*\n", line), line
    assert not (place / "net.safetensors").exists()
    assert run(*command) == 0
    assert (place / "net.safetensors").exists()


@pytest.mark.slow
def test_a_device_that_is_not_there(place):
    program = start(
        installed("nst-jax"),
        "train",
        *GIVEN,
        "-o",
        "n.safetensors",
        JAX_PLATFORMS="nonsense",
    )
    output, errors = program.communicate()
    assert (program.returncode, output) == (1, "")
    assert re.fullmatch(r"nst-jax: JAX_PLATFORMS=nonsense: no such device .*\n", errors)


def test_defaults_in_the_help_are_the_default_recipe_s(capsys):
    assert run("train", "--help") == 0
    told = " ".join(capsys.readouterr().out.split())
    for flag, value in ("--content_weight", 7.5), ("--tv_weight", 200.0):
        assert re.search(rf"{flag} X [^-]*Default: {value}\.", told)
