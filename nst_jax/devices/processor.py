"""What this machine's processor can do."""

import functools
from pathlib import Path

_TOLD = Path("/proc/cpuinfo")  # On Linux.


@functools.cache
def multiplies_bfloat16() -> bool:
    """Whether it has instructions for products of bfloat16 numbers that XLA uses.

    AVX512-BF16, of AMD since Zen 4 and Intel since Cooper Lake. Where Linux doesn't
    tell it, it is taken to have none.
    """
    try:
        told = _TOLD.read_text()
    except OSError:
        return False
    flags = (line for line in told.splitlines() if line.startswith("flags"))
    return "avx512_bf16" in next(flags, "").split()
