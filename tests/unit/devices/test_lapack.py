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


def test_of_several_at_once_the_last_one_ends_it():
    before = threads()
    one, two = lapack.one_thread(), lapack.one_thread()
    one.__enter__()
    two.__enter__()
    one.__exit__(None, None, None)
    assert set(threads()) == {1}
    two.__exit__(None, None, None)
    assert threads() == before
