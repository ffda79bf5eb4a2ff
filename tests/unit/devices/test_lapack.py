"""The threads of JAX's decompositions."""

import threadpoolctl

from nst_jax.devices import lapack


def threads():
    return [
        found["num_threads"]
        for found in threadpoolctl.threadpool_info()
        if found["user_api"] == "blas"
    ]


def test_one_thread_while_it_lasts():
    before = threads()
    assert before  # SciPy's library is loaded.
    with lapack.one_thread():
        assert set(threads()) == {1}
    assert threads() == before
