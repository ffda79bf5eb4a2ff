"""A disk that is full, or files that may not grow: what matters is saved and said."""

import contextlib
import functools
import os
import resource
import signal
from pathlib import Path

import pytest
from support.batch_folder import contents
from support.program import QUICK, Reader, run

from nst_jax.collection import manifest
from nst_jax.images import files

STYLIZE = ("stylize", "photos/a.png", "paintings/p.png", "-o", "out.png", *QUICK)
BATCH = ("batch", "--contents", "photos", "--styles", "paintings", *QUICK)
BATCH = (*BATCH, "--output_dir=out", "--lanes=1")

ctrl_c = functools.partial(signal.raise_signal, signal.SIGINT)


@contextlib.contextmanager
def no_file_beyond(size: int):
    """Files can't grow beyond this; the system says so as it does of a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_trace_that_does_not_fit_ends_no_run(folder, capsys):
    assert run(*STYLIZE, "--trace=/dev/full") == 0
    output, errors = capsys.readouterr()
    assert output.startswith("out.png: ")
    assert errors == (
        "nst-jax: /dev/full: No space left on device; the trace ends here\n"
    )
    assert files.read_description("out.png")["iterations"] == 4


def test_pictures_on_the_way_that_cannot_be_written_end_no_run(folder, capsys):
    (folder / "out_000001.png").mkdir()
    assert run(*STYLIZE, "--snapshot_every=1") == 0
    errors = capsys.readouterr().err
    assert errors.startswith("nst-jax: out_000001.png: is a folder")
    assert errors.endswith("; no more snapshots\n")
    assert errors.count("\n") == 1
    assert files.read_description("out.png")["iterations"] == 4
    assert not list(folder.glob("out_00000[2-9].png"))


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
    assert errors == "nst-jax: out.png: could not be written (File too large)\n"
    assert contents(folder) == there


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
