"""The library that JAX decomposes matrices with on CPUs."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from nst_jax.devices import suited

_lock = threading.Lock()
_limits: list[Any] = []  # One for each that asks; the first is the limit.


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """While it lasts, each decomposition is computed by one thread.

    JAX calls LAPACK of SciPy's OpenBLAS, whose threads wait for each other by spinning,
    beside XLA's own: eigenvalues of a 512x512 matrix take 3 to 10 times as long by two
    of them as by one wherever something else computes. The limit is of the process:
    it goes when the last of several that last at once ends. Nothing is limited where
    programs don't call LAPACK (`suited.lapack`), or threadpoolctl isn't installed, as
    on a bare machine: results are the same.
    """
    with _lock:
        _limits.append(_limits[0] if _limits else _limit())
    try:
        yield
    finally:
        with _lock:
            limit = _limits.pop()
            if not _limits and limit is not None:
                limit.restore_original_limits()


def _limit() -> Any:
    if not suited.lapack():
        return None
    import scipy.linalg.cython_lapack  # noqa: F401  Limits are of what is loaded.

    try:
        import threadpoolctl
    except ImportError:
        return None
    return threadpoolctl.threadpool_limits(1, "blas")
