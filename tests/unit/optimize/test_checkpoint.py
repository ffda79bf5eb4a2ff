"""States as files: what comes back, and what is wrong with a file."""

import dataclasses
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy

from nst_jax.errors import CheckpointError
from nst_jax.optimize import begin, checkpoint, solvers

_START = np.random.default_rng(5).random((2, 4, 6, 3), np.float32)  # Two lanes.
_LBFGS = solvers.lbfgs(history=3)


def test_what_is_loaded_is_what_was_saved(tmp_path):
    """Bit for bit, of every kind of leaf, by shapes alone."""
    rng = np.random.default_rng(0)
    shapes = jax.eval_shape(lambda: begin.start(_LBFGS, jnp.asarray(_START)))
    state = jax.tree.map(
        lambda leaf: jnp.asarray(rng.uniform(-9, 9, leaf.shape), leaf.dtype), shapes
    )
    # No run counts downwards, or has steps longer than whole ones.
    counts = [x for x in jax.tree.leaves(state) if x.dtype == jnp.int32]
    state = jax.tree.map(lambda x: abs(x) if any(x is c for c in counts) else x, state)
    state = dataclasses.replace(state, step_scale=jnp.asarray([0.25, 0]))
    other = jax.eval_shape(lambda: begin.start(solvers.adam(), jnp.asarray(_START)))
    path = tmp_path / "run.state"
    path.write_bytes(b"".join(checkpoint.encode(state, "abc")))
    place, loaded = checkpoint.load(path, [other, shapes], "abc")
    assert place == 1
    assert jax.tree.structure(loaded) == jax.tree.structure(state)
    for found, expected in zip(
        jax.tree.leaves(loaded), jax.tree.leaves(state), strict=True
    ):
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
    assert b"".join(checkpoint.encode(loaded, "abc")) == path.read_bytes()


def test_passes_at_one_size_are_told_apart(tmp_path):
    state, path = begin.start(_LBFGS, jnp.asarray(_START)), tmp_path / "run.state"
    again = dataclasses.replace(state, again=True)
    began = dataclasses.replace(state, began=jnp.asarray(_START))
    likes = [state, again, began]
    for place, one in enumerate(likes):
        path.write_bytes(b"".join(checkpoint.encode(one, "abc")))
        found, loaded = checkpoint.load(path, likes, "abc")
        assert (found, loaded.again) == (place, one.again)
        assert (loaded.began is None) == (one.began is None)


@pytest.fixture
def like():
    return begin.start(_LBFGS, jnp.asarray(_START))


@pytest.fixture
def problem(tmp_path, like):
    """The line about the file `run.state`."""

    def of(*, like=like, digest="abc", path=tmp_path / "run.state") -> str:
        with pytest.raises(CheckpointError) as caught:
            checkpoint.load(path, [like], digest)
        line = str(caught.value)
        assert line.startswith(f"{path}: ")
        assert "\n" not in line
        return line.removeprefix(f"{path}: ")

    return of


@pytest.fixture
def whole(like) -> bytes:
    return b"".join(checkpoint.encode(like, "abc"))


def test_the_state_of_another_run(tmp_path, problem, like, whole):
    (tmp_path / "run.state").write_bytes(whole)
    checkpoint.load(tmp_path / "run.state", [like], "abc")
    other = "saved by a run with other pictures or options"
    assert problem(digest="xyz") == other
    for shape in [(2, 8, 6, 3), (1, 4, 6, 3)]:  # Larger; fewer lanes.
        assert problem(like=begin.start(_LBFGS, jnp.zeros(shape))) == other
    assert problem(like=begin.start(solvers.adam(), jnp.asarray(_START))) == other
    shapes = jax.eval_shape(lambda: like)
    halves = dataclasses.replace(
        shapes, image=jax.ShapeDtypeStruct(_START.shape, jnp.float16)
    )
    assert problem(like=halves) == other


def test_a_file_with_a_single_wrong_bit_is_no_state(tmp_path, problem, whole):
    path, rng = tmp_path / "run.state", np.random.default_rng(0)
    data = 8 + int.from_bytes(whole[:8], "little")
    for at in (*range(0, data, 7), *rng.integers(data, len(whole), 100)):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        assert problem().startswith("not a saved run ("), at


def test_a_file_cut_short_or_gone_on_with_is_no_state(tmp_path, problem, whole):
    path = tmp_path / "run.state"
    assert problem() == "nothing to resume from"
    for length in (0, 3, 8, 50, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert problem().startswith("not a saved run (")
    for more in (b"\0", whole, bytes(10_000)):
        path.write_bytes(whole + more)
        assert problem().startswith("not a saved run (")


@pytest.mark.parametrize(
    "content",
    [
        b"no state",
        b"\2\0\0\0\0\0\0\0{}",
        b"\2\0\0\0\0\0\0\0[]",
        b'\x13\0\0\0\0\0\0\0{"__metadata__":[0]}',
        (10**5).to_bytes(8, "little") + b"[" * 10**5,
        b"\xff" * 100,
    ],
)
def test_other_files_are_no_state(tmp_path, problem, content):
    (tmp_path / "run.state").write_bytes(content)
    assert problem().startswith("not a saved run (")


def test_what_would_keep_one_waiting_is_not_read(tmp_path, problem):
    path = tmp_path / "run.state"
    path.mkdir()
    assert problem() == "not a saved run (no regular file)"
    os.mkfifo(tmp_path / "pipe")
    for name in (tmp_path / "pipe", Path("/dev/zero")):
        assert problem(path=name) == "not a saved run (no regular file)"
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(2**34)
    assert problem(path=tmp_path / "sparse").startswith("not a saved run (")


def replaced(**values):
    return lambda like: dataclasses.replace(like, **values)


def solver_counts(value):
    def change(leaf):
        return jnp.full_like(leaf, value) if leaf.dtype == jnp.int32 else leaf

    return lambda like: dataclasses.replace(
        like, solver=jax.tree.map(change, like.solver)
    )


@pytest.mark.parametrize(
    "change",
    [
        replaced(iteration=jnp.int32(-5)),
        replaced(step_scale=jnp.asarray([1, np.nan])),
        replaced(step_scale=jnp.asarray([1.0, 1e9])),
        replaced(step_scale=jnp.asarray([-0.5, 1])),
        replaced(best_loss=jnp.asarray([np.nan, 1])),
        solver_counts(-1),
    ],
)
def test_numbers_that_no_run_has_are_no_state(tmp_path, problem, like, change):
    """A negative counter would keep the run going for two thousand million steps."""
    content = b"".join(checkpoint.encode(change(like), "abc"))
    (tmp_path / "run.state").write_bytes(content)
    assert problem() == "not a saved run (numbers that no run has)"


@pytest.mark.parametrize("metadata", [{"digest": "abc"}, {"fingerprint": "abc"}])
def test_states_of_before_the_checksum_are_told_apart(
    tmp_path, problem, like, metadata
):
    leaves = enumerate(map(np.asarray, jax.tree.leaves(like)))
    arrays = {f"{i:03d}": leaf for i, leaf in leaves}
    content = safetensors.numpy.save(arrays, metadata)
    (tmp_path / "run.state").write_bytes(content)
    assert problem().startswith("saved by an earlier version of nst_jax")


def test_others_can_read_it(like, whole):
    """It is a file of safetensors, whose library agrees on every array."""
    found = safetensors.numpy.load(whole)
    leaves = jax.tree.leaves(like)
    assert sorted(found) == [f"{i:03d}" for i in range(len(leaves))]
    for key, leaf in zip(sorted(found), leaves, strict=True):
        assert found[key].dtype == leaf.dtype
        np.testing.assert_array_equal(found[key], leaf)
