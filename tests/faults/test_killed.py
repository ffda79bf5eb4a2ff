"""A few tries of killed.py, and whether it would find what it is for."""

import dataclasses

import pytest
from faults import killed
from faults.kill_cases import CASES, Case

_TRIES = {"batch": 2, "fetch": 3}
"""Of some programs; `killed.py` itself tries all of them, and more often."""


@pytest.mark.slow  # Programs that start and compile.
@pytest.mark.parametrize("what", _TRIES)
def test_killed_it_ends_as_if_it_had_not_been(what):
    tries = _TRIES[what]
    tally = killed.tried(what, CASES[what], tries, seed=7, cold=0, twice=False)
    assert tally.faults == []
    assert tally.tries == tries
    assert tally.begun > 0


# Writes 9 files of two halves, as a program does that minds being killed.
_GOOD = """
import os, time
for name in os.listdir():
    if name.endswith(".tmp"):
        os.remove(name)
for number in range(9):
    if os.path.exists(f"{number}.png"):
        continue
    with open(f"{number}.tmp", "w") as file:
        for half in ("half", "whole"):
            print(half, file=file, flush=True)
            time.sleep(0.01)
    os.rename(f"{number}.tmp", f"{number}.png")
"""


def _finished(run):
    return run.touched([name for name in run.left if name.endswith("png")])


GOOD = Case(_GOOD, (), lambda work: None, _finished)


def changed(before, after):
    assert before in _GOOD
    return dataclasses.replace(GOOD, program=_GOOD.replace(before, after))


@pytest.mark.slow  # Half a second each.
@pytest.mark.parametrize(
    ("case", "fault"),
    [
        (GOOD, None),
        (changed("{number}.tmp", "{number}.png"), ".png is another"),
        (changed("os.remove(name)", "raise OSError"), "the second run ends with 1"),
        (changed("        continue", "        pass"), ".png was made twice"),
        (changed("range(9)", "range(0 if os.listdir() else 9)"), "is missing"),
        (changed("os.remove(name)", "os.rename(name, 'x')"), "x stays"),
    ],
    ids=["good", "half", "fails", "again", "less", "stays"],
)
def test_it_sees_what_may_not_be(case, fault):
    tally = killed.tried("a test", case, tries=3, seed=3, cold=0, twice=False)
    assert tally.tries == 3
    if fault is None:
        assert tally.faults == []
    else:
        assert any(fault in one for one in tally.faults), tally.faults
