import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax.optimize import checkpoint, chunk, engine, solvers

_START = np.random.default_rng(5).random((2, 4, 6, 3), np.float32)  # Two lanes.


def objective(images, problem):
    loss = jnp.sum(jnp.cosh(2 * (images - problem)), (1, 2, 3))
    return loss, {"cosh": loss}


def state_after(steps, solver, state=None):
    if state is None:
        state = chunk.start(solver, jnp.asarray(_START))
    problem = jnp.float32(0.3)
    return list(engine.run(objective, problem, solver, state, steps=steps))[-1].state


@pytest.fixture(params=["lbfgs", "adam"])
def solver(request):
    return {"lbfgs": solvers.lbfgs(history=3), "adam": solvers.adam(0.01)}[
        request.param
    ]


def test_a_resumed_run_is_the_uninterrupted_run(solver, tmp_path):
    path = tmp_path / "run.state"
    checkpoint.save(path, state_after(6, solver), "abc")
    like = chunk.start(solver, jnp.zeros((2, 4, 6, 3)))
    resumed = state_after(15, solver, checkpoint.load(path, like, "abc"))
    whole = state_after(15, solver)
    for found, expected in zip(
        jax.tree.leaves(resumed), jax.tree.leaves(whole), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def test_shapes_are_enough_to_load(solver, tmp_path):
    state = state_after(6, solver)
    checkpoint.save(tmp_path / "run.state", state, "abc")
    images = jax.ShapeDtypeStruct(_START.shape, jnp.float32)
    shapes = jax.eval_shape(lambda i: chunk.start(solver, i), images)
    loaded = checkpoint.load(tmp_path / "run.state", shapes, "abc")
    assert jax.tree.structure(loaded) == jax.tree.structure(state)
    for found, expected in zip(
        jax.tree.leaves(loaded), jax.tree.leaves(state), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def test_a_state_that_cant_be_kept_or_removed_is_a_line(tmp_path):
    (tmp_path / "folder.state").mkdir()
    for state in (None, chunk.start(solvers.adam(0.01), jnp.asarray(_START))):
        line = checkpoint.keep(tmp_path / "folder.state", state, "abc")
        assert line.startswith(f"{tmp_path}/folder.state: not ")
    assert list(tmp_path.iterdir()) == [tmp_path / "folder.state"]
    assert checkpoint.keep(tmp_path / "none.state", None, "abc") is None


def test_what_can_be_wrong_with_the_file(tmp_path):
    solver = solvers.lbfgs(history=3)
    like = chunk.start(solver, jnp.asarray(_START))
    path = tmp_path / "run.state"
    with pytest.raises(checkpoint.CheckpointError, match="nothing to resume from"):
        checkpoint.load(path, like, "abc")
    checkpoint.save(path, like, "abc")
    with pytest.raises(checkpoint.CheckpointError, match="other pictures or options"):
        checkpoint.load(path, like, "xyz")
    for shape in [(2, 8, 6, 3), (1, 4, 6, 3)]:  # Larger; fewer lanes.
        other = chunk.start(solver, jnp.zeros(shape))
        with pytest.raises(checkpoint.CheckpointError, match="other pictures or opti"):
            checkpoint.load(path, other, "abc")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(checkpoint.CheckpointError, match="not a saved run"):
        checkpoint.load(path, like, "abc")
    path.write_text("no state")
    with pytest.raises(checkpoint.CheckpointError, match="not a saved run"):
        checkpoint.load(path, like, "abc")


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    solver = solvers.lbfgs(history=3)
    state = chunk.start(solver, jnp.asarray(_START))
    path = tmp_path / "run.state"
    checkpoint.save(path, state, "abc")
    before = path.read_bytes()

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(checkpoint.os, "replace", full)
    with pytest.raises(OSError, match="no space"):
        checkpoint.save(path, state, "xyz")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
