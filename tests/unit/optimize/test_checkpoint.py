"""States as files: what comes back, and what is wrong with a file."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax.errors import CheckpointError
from nst_jax.optimize import checkpoint, chunk, solvers

_START = np.random.default_rng(5).random((2, 4, 6, 3), np.float32)  # Two lanes.
_LBFGS = solvers.lbfgs(history=3)


def test_what_is_loaded_is_what_was_saved(tmp_path):
    """Bit for bit, of every kind of leaf, by shapes alone."""
    rng = np.random.default_rng(0)
    shapes = jax.eval_shape(lambda: chunk.start(_LBFGS, jnp.asarray(_START)))
    state = jax.tree.map(
        lambda leaf: jnp.asarray(rng.uniform(-9, 9, leaf.shape), leaf.dtype), shapes
    )
    # No run counts downwards, or has steps longer than whole ones.
    counts = [x for x in jax.tree.leaves(state) if x.dtype == jnp.int32]
    state = jax.tree.map(lambda x: abs(x) if any(x is c for c in counts) else x, state)
    state = dataclasses.replace(state, step_scale=jnp.asarray([0.25, 0]))
    other = jax.eval_shape(lambda: chunk.start(solvers.adam(), jnp.asarray(_START)))
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


def test_what_can_be_wrong_with_the_file(tmp_path):
    like = chunk.start(_LBFGS, jnp.asarray(_START))
    path = tmp_path / "run.state"

    def problem(like=like, digest="abc") -> str:
        with pytest.raises(CheckpointError) as caught:
            checkpoint.load(path, [like], digest)
        line = str(caught.value)
        assert line.startswith(f"{path}: ")
        assert "\n" not in line
        return line

    assert "nothing to resume from" in problem()
    path.write_bytes(b"".join(checkpoint.encode(like, "abc")))
    checkpoint.load(path, [like], "abc")
    assert "other pictures or options" in problem(digest="xyz")
    for shape in [(2, 8, 6, 3), (1, 4, 6, 3)]:  # Larger; fewer lanes.
        other = chunk.start(_LBFGS, jnp.zeros(shape))
        assert "other pictures or options" in problem(like=other)
    adam = chunk.start(solvers.adam(), jnp.asarray(_START))
    assert "other pictures or options" in problem(like=adam)
    whole = path.read_bytes()
    for length in (0, 3, 8, 50, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert "not a saved run" in problem()
    path.write_text("no state")
    assert "not a saved run" in problem()
    path.unlink()
    path.mkdir()
    assert "not a saved run" in problem()
