"""A disk that is full, or files that may not grow: what matters is saved and said."""

import contextlib
import errno
import functools
import io
import os
import signal
from pathlib import Path

import pytest
from support.batch_folder import contents
from support.disks import no_file_beyond
from support.program import QUICK, Reader, run

from nst_jax.collection import manifest
from nst_jax.images import files

STYLIZE = ("stylize", "photos/a.png", "paintings/p.png", "-o", "out.png", *QUICK)
BATCH = ("batch", "--contents", "photos", "--styles", "paintings", *QUICK)
BATCH = (*BATCH, "--output_dir=out", "--lanes=1")

ctrl_c = functools.partial(signal.raise_signal, signal.SIGINT)


def test_a_trace_that_does_not_fit_ends_no_run(folder, capsys):
    assert run(*STYLIZE, "--trace=/dev/full") == 0
    output, errors = capsys.readouterr()
    assert output.startswith("out.png: ")
    assert errors == (
        "nst-jax: /dev/full: No space left on device; the trace ends here\n"
    )
    assert files.read_description("out.png")["iterations"] == 4


def test_pictures_on_the_way_that_cannot_be_written_end_no_run(folder):
    def in_the_way():
        (folder / "out_000002.png").mkdir()

    reader = Reader(("iteration     1", in_the_way))
    with contextlib.redirect_stderr(reader):
        assert run(*STYLIZE, "--snapshot_every=1", "--print_every=1") == 0
    lines = [line for line in reader.getvalue().splitlines() if "nst-jax" in line]
    assert len(lines) == 1
    assert lines[0].startswith("nst-jax: out_000002.png: is a folder")
    assert lines[0].endswith("; no more snapshots")
    assert files.read_description("out.png")["iterations"] == 4
    assert not list(folder.glob("out_00000[3-9].png"))


def test_a_state_that_does_not_fit_costs_no_picture(folder, capsys):
    stop = Reader(("iteration     2", ctrl_c))
    with no_file_beyond(20_000), contextlib.redirect_stderr(stop):
        assert run(*STYLIZE, "--print_every=2") == 130
    last = stop.getvalue().splitlines()[-1]
    assert "out.png.state: not written (" in last
    assert last.endswith("; what was stopped can't go on from there")
    output = capsys.readouterr().out
    assert "after 2 iterations" in output
    assert "--resume" not in output
    assert files.read_description("out.png")["iterations"] == 2
    assert sorted(os.listdir()) == ["out.png", "paintings", "photos"]


@pytest.mark.parametrize("before", [None, b"what was there before"])
def test_a_picture_that_does_not_fit_is_one_line(folder, capsys, before):
    if before:
        Path("out.png").write_bytes(before)
    there = contents(folder)
    with no_file_beyond(500):
        assert run(*STYLIZE) == 1
    output, errors = capsys.readouterr()
    assert output == ""
    *replaced, last = errors.splitlines()
    assert replaced == (["nst-jax: out.png will be replaced"] if before else [])
    assert last == "nst-jax: out.png: could not be written (File too large)"
    assert contents(folder) == there


def test_a_picture_that_does_not_fit_leaves_the_state(folder, capsys):
    assert run(*STYLIZE) == 0
    whole = Path("out.png").read_bytes()
    stop = Reader(("iteration     2", ctrl_c))
    with contextlib.redirect_stderr(stop):
        assert run(*STYLIZE, "--print_every=2") == 130
    state = Path("out.png.state").read_bytes()
    capsys.readouterr()
    with no_file_beyond(500):
        assert run(*STYLIZE, "--resume") == 1
    line = "nst-jax: out.png: could not be written (File too large); the same command "
    line += "with --resume goes on from its last state\n"
    assert capsys.readouterr().err == line
    assert Path("out.png.state").read_bytes() == state
    assert run(*STYLIZE, "--resume") == 0
    assert Path("out.png").read_bytes() == whole
    assert not Path("out.png.state").exists()


class Full(io.StringIO):
    """A stream of a full disk."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("stream", [Full(), pytest.param(None, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "redirect", [contextlib.redirect_stdout, contextlib.redirect_stderr]
)
def test_pictures_matter_more_than_lines(folder, stream, redirect):
    with redirect(stream):
        assert run(*BATCH) == 0
        assert run(*STYLIZE) == 0
        assert run(*BATCH, "--seed=1") == 0  # Says what it replaces.
    entries = manifest.read("out/manifest.jsonl").values()
    assert [entry.status for entry in entries] == ["done"] * 4
    assert files.read_description("out.png")["iterations"] == 4


def test_states_of_a_batch_that_do_not_fit_cost_no_picture(folder, capsys):
    stop = Reader(("out/a_p.png: ", ctrl_c))
    with no_file_beyond(20_000), contextlib.redirect_stdout(stop):
        assert run(*BATCH) == 130
    _, state, page, sheet = capsys.readouterr().err.splitlines()
    assert ".state: not written (" in state
    assert state.endswith("; what was stopped can't go on from there")
    assert page == "nst-jax: no index.html: could not be written (File too large)"
    assert sheet.startswith("nst-jax: no contact_sheet.jpg: ")
    assert files.read("out/a_q.png").shape == (32, 23, 3)
    assert not [name for name in os.listdir("out") if name.endswith((".state", "tmp"))]
    # The same command goes on, from the beginning of that picture.
    assert run(*BATCH) == 0
    entries = manifest.read("out/manifest.jsonl").values()
    assert [entry.status for entry in entries] == ["done"] * 4


def test_pictures_of_a_batch_that_do_not_fit_have_failed(folder, capsys):
    with no_file_beyond(2_500):
        assert run(*BATCH) == 1
    output, errors = capsys.readouterr()
    assert output == ""
    *pictures, last = errors.splitlines()
    for name, line in zip(("a_p", "a_q", "b_p", "b_q"), pictures, strict=False):
        told = f"nst-jax: out/{name}.png: could not be written (File too large)"
        assert line == told
    # Without a manifest there is no going on.
    assert last == "nst-jax: out/manifest.jsonl: could not be written (File too large)"
    assert os.listdir("out") == ["manifest.jsonl"]
    # With room again the same command makes what is missing.
    assert run(*BATCH) == 0
    entries = manifest.read("out/manifest.jsonl").values()
    assert [entry.status for entry in entries] == ["done"] * 4
