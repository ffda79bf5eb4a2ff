"""What the C library keeps of freed memory."""

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


@pytest.mark.skipif(sys.platform != "linux", reason="of glibc")
def test_large_arrays_are_given_back_at_once():
    command = [sys.executable, "-c", _PROGRAM]
    found = [
        subprocess.run([*command, how], capture_output=True, text=True, check=True)
        for how in ("little", "as it is")
    ]
    little, as_it_is = (int(one.stdout.split()[0]) for one in found)
    assert little < 4 * 2**20
    assert as_it_is > 16 * 2**20
    assert [one.stdout.split()[1] for one in found] == ["False", "False"]
