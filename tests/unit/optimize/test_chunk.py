"""Lanes side by side against each alone, and how often their program is compiled."""

import functools
import re
import threading

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from nst_jax.optimize import chunk, engine, solvers

_RNG = np.random.default_rng(9)
_IMAGES = _RNG.random((3, 6, 5, 3), np.float32)
_SOLVERS = {
    "lbfgs": solvers.lbfgs(history=4),
    "adam": solvers.adam(0.02),
    "cosine": solvers.adam(0.02, decay_steps=25),
}


def valley(images, problem):
    """Not quadratic, neighbours coupled; each lane has its own centre and weight."""
    away = jnp.cosh(2 * (images - problem["centre"]))
    across = (images[:, :, 1:] * images[:, :, :-1]) ** 2
    terms = {
        "away": problem["weight"] * jnp.sum(away, (1, 2, 3)),
        "across": jnp.sum(across, (1, 2, 3)),
    }
    return terms["away"] + terms["across"], terms


PROBLEM = {
    "centre": jnp.asarray(_RNG.random((3, 6, 5, 3), np.float32)),
    "weight": jnp.array([0.5, 1.0, 2.0]),
}


def lane_of(tree, lane):
    return jax.tree.map(lambda leaf: leaf[lane : lane + 1], tree)


def run(images, problem, solver, *, steps=25, objective=valley):
    """Losses `[n, steps + 1]`, pictures, and the last state."""
    state = chunk.start(solver, jnp.asarray(images))
    losses = []
    for done in engine.run(objective, problem, solver, state, steps=steps):
        losses.append(np.stack([lane.losses for lane in done.lanes]))
    pictures = np.stack([lane.image() for lane in done.lanes])
    return np.concatenate(losses, axis=1), pictures, done.state


# XLA sums L-BFGS's products of a batch in another order: an ulp or two.
@pytest.mark.parametrize(("name", "ulps"), [("lbfgs", 8), ("adam", 0), ("cosine", 0)])
def test_lanes_are_runs_of_their_own(name, ulps):
    solver = _SOLVERS[name]
    losses, pictures, _ = run(_IMAGES, PROBLEM, solver)
    assert losses.shape == (3, 26)
    assert (losses[:, -1] < 0.9 * losses[:, 0]).all()
    tolerance = ulps * np.finfo(np.float32).eps
    for lane in range(3):
        alone, picture, _ = run(_IMAGES[lane][None], lane_of(PROBLEM, lane), solver)
        np.testing.assert_allclose(losses[lane], alone[0], rtol=tolerance, atol=0)
        np.testing.assert_allclose(pictures[lane], picture[0], rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", _SOLVERS)
def test_the_order_of_lanes_does_not_matter(name):
    losses, pictures, _ = run(_IMAGES, PROBLEM, _SOLVERS[name])
    turned = jax.tree.map(lambda leaf: leaf[::-1], PROBLEM)
    found, painted, _ = run(_IMAGES[::-1], turned, _SOLVERS[name])
    np.testing.assert_array_equal(found, losses[::-1])
    np.testing.assert_array_equal(painted, pictures[::-1])


def test_a_lane_keeps_its_own_best():
    solver = solvers.adam(0.3)  # Overshoots, and each lane at another step.
    losses, _, state = run(_IMAGES, PROBLEM, solver, steps=6)
    assert (losses.argmin(axis=1) < 6).any()
    np.testing.assert_array_equal(state.best_loss, losses.min(axis=1))
    totals, _ = valley(state.best_image, PROBLEM)
    np.testing.assert_allclose(totals, losses.min(axis=1), rtol=1e-5)


def test_records_are_filled_up_to_the_count():
    solver = _SOLVERS["adam"]
    state = chunk.start(solver, jnp.asarray(_IMAGES))
    totals, terms = valley(state.image, PROBLEM)
    state, records = chunk.run_chunk(valley, solver, state, PROBLEM, jnp.int32(5))
    assert {name: values.shape for name, values in records.items()} == dict.fromkeys(
        ("total", "away", "across"), (3, chunk.CAPACITY)
    )
    np.testing.assert_allclose(records["total"][:, 0], totals, rtol=1e-6)
    np.testing.assert_allclose(records["away"][:, 0], terms["away"], rtol=1e-6)
    assert (records["total"][:, :5] > 0).all()
    assert not np.any(records["total"][:, 5:])
    assert int(state.iteration) == 5


def test_a_start_may_count_earlier_iterations():
    state = chunk.start(_SOLVERS["lbfgs"], jnp.asarray(_IMAGES), np.int32(40))
    assert int(state.iteration) == 40
    np.testing.assert_array_equal(state.best_loss, [np.inf] * 3)
    np.testing.assert_array_equal(state.step_scale, [1] * 3)
    assert {leaf.shape[0] for leaf in jax.tree.leaves(state.solver)} == {3}


@pytest.mark.parametrize("name", _SOLVERS)
def test_restart_is_of_chosen_lanes(name):
    solver = _SOLVERS[name]
    _, _, state = run(_IMAGES, PROBLEM, solver, steps=6)
    before = jax.device_get(state)
    after = jax.device_get(chunk.restart(solver, state, jnp.array([1.0, 0.5, 0.0])))
    fresh = jax.device_get(chunk.start(solver, jnp.asarray(before.best_image)))
    # The schedule is the iterations', and goes on.
    schedules = [isinstance(s, optax.ScaleByScheduleState) for s in before.solver]
    assert any(schedules) == (name == "cosine")
    kept = [
        old if goes_on else new
        for goes_on, old, new in zip(
            *(schedules, before.solver, fresh.solver), strict=True
        )
    ]
    for found, old, new in zip(
        jax.tree.leaves((after.image, after.solver)),
        jax.tree.leaves((before.image, before.solver)),
        jax.tree.leaves((fresh.image, kept)),
        strict=True,
    ):
        np.testing.assert_array_equal(found[0], old[0])
        np.testing.assert_array_equal(found[1:], new[1:])
    assert not np.array_equal(before.image[1], after.image[1])
    np.testing.assert_array_equal(after.step_scale, [1, 0.5, 0])
    np.testing.assert_array_equal(after.best_loss, before.best_loss)
    assert after.iteration == before.iteration


def test_no_host_transfer_inside_a_chunk():
    solver = _SOLVERS["lbfgs"]
    state = chunk.start(solver, jnp.asarray(_IMAGES))
    hlo = chunk.program(valley, solver, state, PROBLEM).as_text()
    assert re.search(r"\bwhile\(", hlo)
    assert not re.search(r"\b(infeed|outfeed|send|recv)\(|callback", hlo)


def test_state_is_donated_and_the_callers_images_are_not():
    solver, images = _SOLVERS["lbfgs"], jnp.asarray(_IMAGES)
    state = chunk.start(solver, images)
    chunk.run_chunk(valley, solver, state, PROBLEM, jnp.int32(1))
    assert state.image.is_deleted()
    state = chunk.start(solver, images)
    advance = chunk.program(valley, solver, state, PROBLEM)
    advance(state, PROBLEM, jnp.int32(1))
    assert state.image.is_deleted()
    np.testing.assert_array_equal(images, _IMAGES)


# Programs.


class Counted:
    """An objective that counts how often it is traced."""

    def __init__(self):
        self.traces = 0

    def __call__(self, images, problem):
        self.traces += 1
        return valley(images, problem)


def test_new_data_does_not_recompile():
    objective, solver = Counted(), _SOLVERS["adam"]
    before = len(chunk._programs)
    run(_IMAGES, PROBLEM, solver, steps=4, objective=objective)
    assert len(chunk._programs) == before + 1
    traces = objective.traces
    assert traces > 0
    other = jax.tree.map(lambda leaf: 0.9 * leaf, PROBLEM)
    run(_IMAGES[::-1], other, solver, steps=9, objective=objective)
    assert len(chunk._programs) == before + 1
    assert objective.traces == traces
    # The counts do go up when they have to.
    run(_IMAGES, PROBLEM, solver, steps=1, objective=functools.partial(objective))
    assert len(chunk._programs) == before + 2
    assert objective.traces == 2 * traces


@pytest.mark.parametrize(
    "change",
    [
        lambda images, problem: (images[:2], lane_of(problem, 0)),
        lambda images, problem: (images[:, :4], problem | {"centre": 0.5}),
        lambda images, problem: (images, problem | {"weight": jnp.ones(1)}),
        lambda images, problem: (images, problem | {"other": None}),
    ],
    ids=["lanes", "size", "shape_of_data", "structure_of_data"],
)
def test_other_shapes_are_other_programs(change):
    solver = _SOLVERS["adam"]
    image, problem = change(_IMAGES, PROBLEM)
    problem = jax.tree.map(jnp.asarray, problem)
    first = chunk.program(
        valley, solver, chunk.start(solver, jnp.asarray(_IMAGES)), PROBLEM
    )
    state = chunk.start(solver, jnp.asarray(image))
    assert chunk.program(valley, solver, state, problem) is not first


def test_another_precision_of_products_is_another_program():
    solver = _SOLVERS["adam"]
    state = chunk.start(solver, jnp.asarray(_IMAGES))
    ordinary = chunk.program(valley, solver, state, PROBLEM)
    with jax.default_matmul_precision("tensorfloat32"):
        narrow = chunk.program(valley, solver, state, PROBLEM)
        assert narrow is not ordinary
        assert chunk.program(valley, solver, state, PROBLEM) is narrow
    assert chunk.program(valley, solver, state, PROBLEM) is ordinary


def in_thread(function):
    """Starts `function()`; the thread, and a list for what it returns."""
    results = []
    thread = threading.Thread(target=lambda: results.append(function()), daemon=True)
    thread.start()
    return thread, results


def test_a_program_compiled_ahead_in_a_thread_is_used(monkeypatch):
    objective, solver = Counted(), _SOLVERS["adam"]
    images = jax.ShapeDtypeStruct(_IMAGES.shape, jnp.float32)
    shapes = jax.eval_shape(lambda i: chunk.start(solver, i), images)
    thread, found = in_thread(lambda: chunk.program(objective, solver, shapes, PROBLEM))
    thread.join(60)
    assert len(found) == 1
    traces = objective.traces
    assert traces > 0

    def never(*_):
        raise AssertionError("compiled again")

    monkeypatch.setattr(chunk, "run_chunk", never)
    losses, _, _ = run(_IMAGES, PROBLEM, solver, steps=3, objective=objective)
    assert objective.traces == traces
    totals, _ = valley(jnp.asarray(_IMAGES), PROBLEM)
    np.testing.assert_allclose(losses[:, 0], totals, rtol=1e-6)


class Waiting(Counted):
    """Takes as long to compile as it is told."""

    def __init__(self):
        super().__init__()
        self.began, self.go_on = threading.Event(), threading.Event()

    def __call__(self, images, problem):
        self.began.set()
        assert self.go_on.wait(60)
        return super().__call__(images, problem)


def test_a_program_asked_for_twice_at_once_is_compiled_once():
    objective, solver = Waiting(), _SOLVERS["adam"]
    state = chunk.start(solver, jnp.asarray(_IMAGES))

    def compiled():
        return chunk.program(objective, solver, state, PROBLEM)

    first, found = in_thread(compiled)
    assert objective.began.wait(60)
    second, found_too = in_thread(compiled)
    second.join(0.2)
    assert second.is_alive()
    objective.go_on.set()
    first.join(60)
    traces = objective.traces
    second.join(60)
    assert found[0] is found_too[0]
    assert objective.traces == traces


def test_a_known_program_does_not_wait_for_anothers_compilation():
    solver = _SOLVERS["adam"]
    state = chunk.start(solver, jnp.asarray(_IMAGES))
    known = chunk.program(valley, solver, state, PROBLEM)
    slow = Waiting()
    compiling, _ = in_thread(lambda: chunk.program(slow, solver, state, PROBLEM))
    assert slow.began.wait(60)
    asking, found = in_thread(lambda: chunk.program(valley, solver, state, PROBLEM))
    asking.join(10)
    answers = list(found)
    slow.go_on.set()
    compiling.join(60)
    assert answers == [known]
