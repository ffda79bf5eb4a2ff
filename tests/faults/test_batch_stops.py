"""`nst-jax batch` stopped on its way, by a user or for good, and gone on with."""

import contextlib
import functools
import os
import re
import signal
from pathlib import Path

import pytest
from PIL import Image
from support.batch_folder import contents, working_in
from support.program import QUICK, Reader, installed, run, start

from nst_jax.collection import manifest
from nst_jax.images import files

COMMAND = ("batch", "--contents", "photos", "--styles", "paintings", *QUICK)
COMMAND = (*COMMAND, "--steps=8", "--output_dir=out", "--lanes=1")
NAMES = ["a_p.png", "a_q.png", "b_p.png", "b_q.png"]

ctrl_c = functools.partial(signal.raise_signal, signal.SIGINT)


def stopped(*, after="a_p.png", number=signal.SIGINT):
    """Stops the command when a picture is told of; the next one is begun then."""
    stop = functools.partial(signal.raise_signal, number)
    with contextlib.redirect_stdout(Reader((f"out/{after}: ", stop))) as output:
        status = run(*COMMAND)
    return status, output.getvalue()


def pictures():
    return {name: Path("out", name).read_bytes() for name in NAMES}


def states():
    return [name for name in os.listdir("out") if name.endswith(".state")]


def statuses():
    entries = manifest.read("out/manifest.jsonl")
    return {name: entry.status for name, entry in entries.items()}


@pytest.fixture(scope="module")
def whole(home, tmp_path_factory):
    """The pictures of a batch that nobody stops."""
    with working_in(tmp_path_factory.mktemp("whole"), home):
        assert run(*COMMAND) == 0
        return pictures()


@pytest.mark.parametrize(
    ("number", "status"),
    [
        (signal.SIGINT, 130),
        pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow),
    ],
)
def test_stopped_it_goes_on_to_the_same_pictures(folder, capsys, whole, number, status):
    found, output = stopped(number=number)
    assert found == status
    assert output.endswith("stopped early; the same command goes on from here\n")
    errors = capsys.readouterr().err
    assert errors == "nst-jax: stopping; Ctrl-C once more gives up without saving\n"
    assert len(states()) == 1
    assert statuses() == {"a_p.png": "done", "a_q.png": "stopped"}
    page = Path("out/index.html").read_text()
    assert all(f'"./{name}"' in page for name in NAMES[:2])
    # What there is can be looked at.
    assert files.read("out/a_q.png").shape == (32, 23, 3)
    finished = os.stat("out/a_p.png").st_mtime_ns

    assert run(*COMMAND) == 0
    assert statuses() == dict.fromkeys(NAMES, "done")
    assert states() == []
    assert pictures() == whole
    assert os.stat("out/a_p.png").st_mtime_ns == finished
    # It went on from the state: the first losses are not told again.
    losses = manifest.read("out/manifest.jsonl")["a_q.png"].losses
    assert losses[0][0] > 0
    assert losses[-1][0] == 8


def test_stopped_after_the_last_it_is_done(folder, whole):
    status, output = stopped(after="b_q.png")
    assert status == 0
    assert "stopped early" not in output
    assert pictures() == whole
    assert states() == []


def test_ctrl_c_twice_gives_up_at_once(folder, capsys, whole):
    again = Reader(("Ctrl-C once more", ctrl_c))
    with contextlib.redirect_stderr(again):
        status, _ = stopped()
    assert status == 130
    assert again.getvalue().endswith("\nnst-jax: stopped\n")
    assert statuses().items() <= {"a_p.png": "done"}.items()
    assert states() == []
    assert run(*COMMAND) == 0
    assert pictures() == whole


def test_terminated_before_the_work_it_leaves_nothing(folder):
    for name in ("a", "b"):
        with Image.open(f"photos/{name}.png") as photo:
            photo.putalpha(200)
            photo.save(f"photos/{name}.png")
    before = contents(folder)
    end = functools.partial(signal.raise_signal, signal.SIGTERM)
    with contextlib.redirect_stderr(Reader(("has transparency", end))) as errors:
        assert run(*COMMAND) == 143
    assert errors.getvalue().endswith("\nnst-jax: stopped\n")
    assert contents(folder) == before


def test_a_damaged_state_is_said_and_its_pictures_begun_anew(folder, capsys, whole):
    stopped()
    (state,) = states()
    Path("out", state).write_bytes(b"nothing")
    capsys.readouterr()
    assert run(*COMMAND) == 0
    done, line = capsys.readouterr().err.splitlines()
    assert done == "nst-jax: 1 of 4 is done already"
    told = rf"(nst-jax: )?out/{state}: not a saved run \(.*\); these .* begun anew"
    assert re.fullmatch(told, line)
    assert states() == []
    assert pictures() == whole


def test_stopped_in_a_folder_that_is_not_to_lose_files_it_goes_on(folder, whole):
    stopped()
    assert run(*COMMAND, "--overwrite=no") == 0
    assert pictures() == whole


def test_a_picture_that_cannot_be_saved_leaves_its_state(folder, capsys, whole):
    stopped()
    (state,) = states()

    def in_the_way():
        os.remove("out/a_q.png")
        os.mkdir("out/a_q.png")

    with contextlib.redirect_stderr(Reader(("1 of 4 is done", in_the_way))) as errors:
        assert run(*COMMAND) == 1
    assert errors.getvalue().splitlines()[1].startswith("nst-jax: out/a_q.png: is a f")
    assert states() == [state]
    os.rmdir("out/a_q.png")
    assert run(*COMMAND) == 0
    assert pictures() == whole
    assert states() == []
    # It went on from the state.
    assert manifest.read("out/manifest.jsonl")["a_q.png"].losses[0][0] > 0


def test_a_manifest_cut_by_a_crash_loses_its_last_line_alone(folder, capsys, whole):
    assert run(*COMMAND) == 0
    path = Path("out/manifest.jsonl")
    path.write_bytes(path.read_bytes()[:-20])
    capsys.readouterr()
    assert run(*COMMAND) == 0
    output, errors = capsys.readouterr()
    done, replaced = errors.splitlines()
    assert done == "nst-jax: 3 of 4 are done already"
    assert replaced == "nst-jax: out/b_q.png will be replaced"
    assert re.findall(r"^out/(\S+png): ", output, re.MULTILINE) == ["b_q.png"]
    assert statuses() == dict.fromkeys(NAMES, "done")
    assert pictures() == whole


@pytest.mark.slow  # A process of its own.
def test_killed_between_two_pictures_it_goes_on(folder, capsys, whole):
    process = start(installed("nst-jax"), *COMMAND)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("out/a_p.png: ")
    process.kill()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, errors
    finished = os.stat("out/a_p.png").st_mtime_ns
    kept = [name for name, status in statuses().items() if status == "done"]

    assert run(*COMMAND) == 0
    told = capsys.readouterr().err
    are = "is" if len(kept) == 1 else "are"
    assert told == f"nst-jax: {len(kept)} of 4 {are} done already\n"
    assert os.stat("out/a_p.png").st_mtime_ns == finished
    assert pictures() == whole
    left = {*NAMES, "contact_sheet.jpg", "index.html", "manifest.jsonl"}
    assert {*os.listdir("out")} == left
