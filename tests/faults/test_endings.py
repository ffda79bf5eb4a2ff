"""How a program ends that fails or is stopped while XLA compiles in the background."""

import subprocess
import sys
import time

import pytest

_PROGRAM = """
import atexit, sys, threading, time
from nst_jax.errors import leaving
threading.Thread(target=time.sleep, args=(30,)).start()
atexit.register(print, "in the regular course")
with leaving():
    print("all that was printed")
    print("and told", file=sys.stderr)
    sys.exit({status})
"""


@pytest.mark.parametrize("status", [1, 130, 143])
def test_it_ends_at_once_and_loses_no_line(status):
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM.format(status=status)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == status
    assert (done.stdout, done.stderr) == ("all that was printed\n", "and told\n")
    assert time.monotonic() - began < 20


def test_what_is_done_ends_in_the_regular_course():
    program = _PROGRAM.format(status=0).replace("30", "0")
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert done.stdout == "all that was printed\nin the regular course\n"
