"""What a running command shows, of progress that is made up here."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nst_jax.commands.screen import BatchScreen, RunScreen
from nst_jax.commands.trace import is_trace
from nst_jax.transfer.results import BatchProgress, Progress


def progress(iteration: int, **changes: Any) -> Progress:
    numbers = {
        "iteration": iteration,
        "steps": 4,
        "loss": 3.0,
        "terms": {"content/relu4_2": 1.0, "style/relu1_1": 0.5, "style/relu2_1": 1.5},
        "losses": np.zeros(1, np.float32),
        "best_loss": 3.0,
        "seconds": 1.25,
        "compile_seconds": 0.5,
        "iterations_per_second": 2.0,
        "event": None,
    }
    # A screen looks at numbers only.
    unseen = dict.fromkeys(("lane", "place", "state", "pictures"))
    return Progress(**numbers | unseen | changes)


def test_a_batch_says_events_by_name(capsys):
    with BatchScreen(16, done=4, name=lambda place: f"{place}.png") as screen:
        assert screen.side_by_side(2) == 1
        lanes = progress(1), progress(1, event="the loss exploded")
        screen.show(BatchProgress((1, 2), lanes, 1, 4))
        assert screen.side_by_side(2) == 2
    assert capsys.readouterr() == ("", "nst-jax: 2.png: the loss exploded\n")


def test_losses_are_printed_at_multiples_with_terms_of_a_kind_as_one(capsys):
    with RunScreen(4, print_every=2) as screen:
        for iteration in range(5):
            event = "the loss exploded" if iteration == 3 else None
            screen.show(progress(iteration, event=event))
    assert capsys.readouterr().err.splitlines() == [
        "iteration     2  loss 3  (content 1  style 2)  2 it/s",
        "nst-jax: the loss exploded",
        "iteration     4  loss 3  (content 1  style 2)  2 it/s",
    ]


def test_a_trace_has_a_line_for_each_chunk_and_goes_on(tmp_path: Path):
    path = tmp_path / "trace.jsonl"
    path.write_text("of an earlier run\n")
    with RunScreen(4, trace=path) as screen:
        screen.show(progress(0))
        screen.show(progress(1, loss=float("nan"), event="back to the best"))
    with RunScreen(4, trace=path, resumed=True) as screen:
        screen.show(progress(2))
    first, second, third = map(json.loads, path.read_text().splitlines())
    assert first == {
        "iteration": 0,
        "loss": 3.0,
        "content/relu4_2": 1.0,
        "style/relu1_1": 0.5,
        "style/relu2_1": 1.5,
        "seconds": 1.25,
        "iterations_per_second": 2.0,
    }
    assert (second["loss"], second["event"]) == (None, "back to the best")
    assert third["iteration"] == 2


def test_a_trace_that_goes_on_has_every_iteration_once_and_no_half_line(tmp_path: Path):
    path = tmp_path / "trace.jsonl"
    with RunScreen(4, trace=path) as screen:
        for iteration in (1, 2, 3):
            screen.show(progress(iteration))
    path.write_bytes(path.read_bytes()[:-20])  # The run was killed after its 3rd.
    for begins in (3, 2):
        with RunScreen(4, trace=path, resumed=True) as screen:
            screen.show(progress(begins, loss=5.0))
            screen.show(progress(4))
        records = [json.loads(line) for line in path.read_text().splitlines()]
        made = [record["iteration"] for record in records]
        assert made == [*range(1, begins + 1), 4]
        assert records[-2]["loss"] == 5.0


@pytest.mark.parametrize(
    "content",
    [
        b"notes\n",
        b'{"iteration": 3}\n',
        b'{"iteration": 3, "loss": 1}',  # Half of a line.
        b"[" * 100_000 + b"\n",
        b"\xff\xd8\xff",
        b"12\n",
        b"",
    ],
    ids=lambda content: str(content[:20]),
)
def test_what_is_no_trace(tmp_path: Path, content):
    path = tmp_path / "trace.jsonl"
    path.write_bytes(content)
    assert not is_trace(path)
    assert not is_trace(tmp_path / "missing.jsonl")
    with RunScreen(4, trace=path) as screen:
        screen.show(progress(0))
    assert is_trace(path)


@pytest.mark.parametrize(
    ("name", "reason"), [("/dev/full", "No space left"), (".", "Is a directory")]
)
def test_a_trace_that_cannot_be_written_is_one_line(name, reason, capsys):
    with RunScreen(4, trace=Path(name)) as screen:
        screen.show(progress(0))
        screen.show(progress(1))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"nst-jax: {name}: {reason}")
    assert line.endswith("; the trace ends here")
