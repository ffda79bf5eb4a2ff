"""Solvers whose states are kept in the host's memory, beside those on the device."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax.optimize import begin, checkpoint, chunk, engine, hosted, solvers
from nst_jax.optimize.coordinates import laplacian
from nst_jax.optimize.preconditioner import multiscale

KINDS = {
    "lbfgs": lambda **how: solvers.lbfgs(history=4, **how),
    "preconditioned": lambda **how: solvers.lbfgs(
        history=4, preconditioner=multiscale, bounds=solvers.PIXEL_BOX, **how
    ),
    "adam": solvers.adam,
    "rmsprop": solvers.rmsprop,
    "laplacian": lambda **how: solvers.adam(
        coordinates=laplacian, laplacian_levels=2, **how
    ),
}
ALL = [
    kind if kind in ("lbfgs", "adam") else pytest.param(kind, marks=pytest.mark.slow)
    for kind in KINDS
]
IMAGE = np.random.default_rng(3).random((1, 12, 10, 3), np.float32)


def valley(images, problem, iteration):
    """Curved, in another way along each pixel, and not quadratic."""
    away = images - problem["to"]
    losses = problem["steep"] * away**2 + 0.1 * jnp.sin(9 * away)
    total = jnp.sum(losses, axis=(1, 2, 3))
    return total, {"all": total}


PROBLEM = {
    "to": jnp.asarray(np.random.default_rng(4).random((12, 10, 3), np.float32)),
    "steep": jnp.linspace(1, 9, 10)[:, None],
}


def run(solver, state=None, *, steps=9, objective=valley):
    state = begin.start(solver, jnp.asarray(IMAGE)) if state is None else state
    losses = []
    for made in engine.run(objective, PROBLEM, solver, state, steps=steps):
        losses += [*made.lanes[0].losses]
    return np.array(losses), made.state


def places(state):
    return jax.tree.map(lambda x: x.sharding, state)


@pytest.mark.parametrize("kind", ALL)
def test_it_is_the_same_run_by_the_hosts_memory(kind):
    wanted, plain = run(KINDS[kind]())
    losses, state = run(KINDS[kind](hosted=True))
    assert len(losses) == 10
    assert losses[-1] < 0.5 * losses[0]
    np.testing.assert_allclose(losses, wanted, rtol=2e-5)
    np.testing.assert_allclose(state.best_image, plain.best_image, atol=2e-5)
    opened = hosted.opened(jax.device_get(state))
    assert jax.tree.structure(opened) == jax.tree.structure(plain)
    for one, other in zip(*map(jax.tree.leaves, (opened, plain)), strict=True):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        np.testing.assert_allclose(one, other, atol=1e-3 * np.abs(other).max())


PICTURES = {
    "lbfgs": 8,
    "preconditioned": 8,
    "adam": 2,
    "rmsprop": 1,
    # Sides of 12 and 10 pixels, then 8 and 7, then 6 and 5.
    "laplacian": 2 * (1 + (8 * 7 + 6 * 5) / (12 * 10)),
}
"""Of the picture's size, in a solver's history or moments."""


@pytest.mark.parametrize("kind", ALL)
def test_history_and_moments_are_on_the_host_before_and_after(kind):
    solver = KINDS[kind](hosted=True)
    first = begin.start(solver, jnp.asarray(IMAGE))
    assert hosted.bytes_of(first) == PICTURES[kind] * IMAGE.nbytes
    assert places(first) == hosted.shardings(first)
    _, last = run(solver, first)
    assert hosted.bytes_of(last) == PICTURES[kind] * IMAGE.nbytes
    assert places(last) == hosted.shardings(last)
    assert hosted.bytes_of(begin.start(KINDS[kind](), jnp.asarray(IMAGE))) == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["lbfgs", "adam"])
@pytest.mark.parametrize("first", [True, False])
def test_a_run_goes_on_wherever_its_state_was_kept(kind, first, tmp_path):
    wanted, _ = run(KINDS[kind](hosted=True), steps=9)
    before, state = run(KINDS[kind](hosted=first), steps=4)
    path = tmp_path / "state"
    path.write_bytes(b"".join(checkpoint.encode(state, "this")))
    solver = KINDS[kind](hosted=not first)
    like = hosted.shapes(begin.start(solver, jnp.asarray(IMAGE)))
    place, state = checkpoint.load(path, [like], "this")
    assert place == 0
    assert hosted.found(state) is not first
    after, _ = run(solver, state, steps=9)
    np.testing.assert_allclose([*before, *after], wanted, rtol=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["lbfgs", "adam"])
def test_after_a_divergence_it_begins_anew(kind):
    def cliff(images, problem, iteration):
        total, _ = valley(images, problem, iteration)
        total = jnp.where(iteration == 3, jnp.inf, total)
        return total, {"all": total}

    wanted, plain = run(KINDS[kind](), objective=cliff)
    losses, state = run(KINDS[kind](hosted=True), objective=cliff)
    assert np.isinf(losses).sum() == 1
    np.testing.assert_allclose(losses, wanted, rtol=2e-5)
    assert state.step_scale == plain.step_scale == 0.5
    assert places(state) == hosted.shardings(state)


def test_several_lanes_have_no_state_on_the_host():
    two = jnp.zeros((2, 8, 8, 3))
    with pytest.raises(ValueError, match="one image at a time"):
        begin.start(solvers.adam(hosted=True), two)


def test_one_program_for_states_and_their_shapes():
    solver = solvers.lbfgs(history=7, hosted=True)
    state = begin.start(solver, jnp.asarray(IMAGE))
    like = hosted.placed(hosted.shapes(state))
    program = chunk.program(valley, solver, like, PROBLEM)
    given = jax.tree.leaves(program.input_shardings)
    assert [one.memory_kind for one in given].count("pinned_host") == 2
    state, *_ = program(state, PROBLEM, jnp.int32(3))
    assert state.iteration == 3
    before = state
    state, *_ = program(state, PROBLEM, jnp.int32(3))
    # Its memory was taken over.
    assert all(x.is_deleted() for x in jax.tree.leaves(before))


@pytest.mark.parametrize("kind", ["lbfgs", "adam"])
def test_what_was_fetched_stays_as_it_was(kind):
    """While the run goes on in the same memory."""
    solver = KINDS[kind](hosted=True)
    _, state = run(solver, steps=4)
    parts = [
        part.value
        for part in jax.tree.leaves(state, is_leaf=lambda x: hasattr(x, "row"))
        if isinstance(part, hosted.OnHost)
    ]
    fetched = hosted.get(state)
    assert all(isinstance(x, np.ndarray) for x in jax.tree.leaves(fetched))
    assert jax.tree.structure(fetched) == jax.tree.structure(state)
    copies = jax.tree.leaves(fetched, is_leaf=lambda x: hasattr(x, "row"))
    copies = [one.value for one in copies if isinstance(one, hosted.OnHost)]
    for part, copy in zip(parts, copies, strict=True):
        assert not np.shares_memory(np.asarray(part), copy)
    before = checkpoint.encode(fetched, "this")
    assert before == checkpoint.encode(state, "this")
    before = [bytes(part) for part in before]
    run(solver, state, steps=9)
    assert [bytes(part) for part in checkpoint.encode(fetched, "this")] == before
