"""What the C library keeps of freed memory."""

import ctypes
import os
import subprocess
import sys

import pytest

_PROGRAM = """
import sys
import numpy as np, psutil
from nst_jax.devices import heap

def held():
    return psutil.Process().memory_info().rss

if sys.argv[1] == "little":
    heap.keep_little()
    heap.keep_little()  # Does no harm.
np.ones(31 * 2**17)  # 31 MB: from now on glibc keeps what is smaller.
before = held()
large, above = np.ones(20 * 2**17), np.ones(2**16)
del large  # Below what is still in use.
print(held() - before)
heap.trim()
print("jax" in sys.modules)
"""


def _of_glibc():
    return sys.platform == "linux" and hasattr(
        ctypes.CDLL(None), "gnu_get_libc_version"
    )


@pytest.mark.skipif(not _of_glibc(), reason="glibc's heap")
def test_large_arrays_are_given_back_at_once_unless_told_otherwise():
    plain = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MALLOC_", "GLIBC_TUNABLES", "LD_PRELOAD"))
    }
    told = plain | {"MALLOC_ARENA_MAX": "8"}
    kept = []
    for how, environment in (("little", plain), ("", plain), ("little", told)):
        command = [sys.executable, "-c", _PROGRAM, how]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        )
        held, loads_jax = done.stdout.split()
        assert loads_jax == "False"
        kept.append(int(held) > 16 * 2**20)
    assert kept == [False, True, True]
