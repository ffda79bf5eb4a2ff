"""The library that JAX decomposes matrices with on CPUs."""

import contextlib
from collections.abc import Iterator

import scipy.linalg.cython_lapack  # noqa: F401  Limits are of what is loaded.
import threadpoolctl


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """While it lasts, each decomposition is computed by one thread.

    JAX calls LAPACK of SciPy's OpenBLAS, whose threads wait for each other by spinning,
    beside XLA's own: eigenvalues of a 512x512 matrix take 3 to 10 times as long by two
    of them as by one wherever something else computes.
    """
    with threadpoolctl.threadpool_limits(1, user_api="blas"):
        yield
