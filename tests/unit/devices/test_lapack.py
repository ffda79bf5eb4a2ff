"""The threads of JAX's decompositions."""

import sys

import pytest
import scipy.linalg.cython_lapack  # noqa: F401  Its library is to be loaded.
import threadpoolctl

from nst_jax.devices import backend, lapack


def threads():
    return [
        found["num_threads"]
        for found in threadpoolctl.threadpool_info()
        if found["user_api"] == "blas"
    ]


def test_one_thread_while_it_lasts():
    before = threads()
    assert before
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


@pytest.mark.parametrize("kind", ["gpu", "tpu"])
def test_nothing_is_limited_where_programs_call_no_lapack(kind):
    before = threads()
    with backend.made_for(kind), lapack.one_thread():
        assert threads() == before


def test_a_bare_machine_does_without(monkeypatch):
    before = threads()
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    with lapack.one_thread(), lapack.one_thread():
        assert threads() == before
