"""The C library's heap, on Linux: what it keeps of freed memory. Imports no JAX."""

import contextlib
import ctypes
import os
import sys

# Of malloc.h, M_ before them.
_MMAP_THRESHOLD, _TRIM_THRESHOLD, _ARENA_MAX = -3, -1, -8
_LARGE = 8 * 2**20  # bytes


def keep_little() -> None:
    """Has the heap keep less of what is freed; to be called before threads begin.

    For programs that optimise. Arrays of 8 to 32 MB take longer then, as each asks for
    its memory anew, such as frames of a clip.

    glibc has a heap for each thread, and keeps arrays of up to 32 MB in them once one
    of that size was freed. By one heap, and with arrays from 8 MB on given back at
    once, a step at 512 pixels by VGG-19 needs 60 MB less and takes no longer. What is
    smaller stays: given back too, each product on a CPU asked for its memory anew,
    which took a tenth to half of the time. Whoever has set the C library up by its
    variables keeps that.
    """
    set_up = any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ)
    if sys.platform == "linux" and not set_up:
        with contextlib.suppress(OSError, AttributeError):
            library = ctypes.CDLL(None)
            library.mallopt(_ARENA_MAX, 1)
            library.mallopt(_MMAP_THRESHOLD, _LARGE)
            library.mallopt(_TRIM_THRESHOLD, 8 * _LARGE)


def trim() -> None:
    """Gives memory that was freed back to the system, where the C library keeps it.

    After compiling glibc keeps some hundred MB in pieces, for later.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
