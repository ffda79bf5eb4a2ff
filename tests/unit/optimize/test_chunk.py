"""A chunk of iterations, what a restart changes, and when programs are compiled."""

import dataclasses
import threading

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from support.compilations import compilations

from nst_jax.optimize import begin, chunk, engine, solvers

_RNG = np.random.default_rng(9)
_IMAGES = _RNG.random((3, 6, 5, 3), np.float32)
_SOLVERS = {
    "lbfgs": solvers.lbfgs(history=4),
    "adam": solvers.adam(0.02),
    "cosine": solvers.adam(solvers.cosine(0.02, 25)),
}


def valley(images, problem, iteration=0):
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


def run(solver, *, steps):
    """Losses `[n, steps + 1]` and the last state."""
    state = begin.start(solver, jnp.asarray(_IMAGES))
    losses = []
    for done in engine.run(valley, PROBLEM, solver, state, steps=steps):
        losses.append(np.stack([lane.losses for lane in done.lanes]))
    return np.concatenate(losses, axis=1), done.state


def test_a_lane_keeps_its_own_best():
    solver = solvers.adam(0.3)  # Overshoots, and each lane at another step.
    losses, state = run(solver, steps=6)
    assert (losses.argmin(axis=1) < 6).any()
    np.testing.assert_array_equal(state.best_loss, losses.min(axis=1))
    totals, _ = valley(state.best_image, PROBLEM)
    np.testing.assert_allclose(totals, losses.min(axis=1), rtol=1e-5)


def test_records_are_filled_up_to_the_count():
    solver = _SOLVERS["adam"]
    state = begin.start(solver, jnp.asarray(_IMAGES))
    totals, terms = valley(state.image, PROBLEM)
    advance = chunk.program(valley, solver, state, PROBLEM)
    state, records, _ = advance(state, PROBLEM, jnp.int32(5))
    assert {name: values.shape for name, values in records.items()} == dict.fromkeys(
        ("total", "away", "across"), (3, chunk.CAPACITY)
    )
    np.testing.assert_allclose(records["total"][:, 0], totals, rtol=1e-6)
    np.testing.assert_allclose(records["away"][:, 0], terms["away"], rtol=1e-6)
    assert (records["total"][:, :5] > 0).all()
    assert not np.any(records["total"][:, 5:])
    assert int(state.iteration) == 5


def test_a_chunk_ends_where_a_lane_diverges():
    """At the first such iteration, of a lane that isn't given up."""
    solver = optax.sgd(5.0)  # The valley's slopes throw it far away.
    for scale in (1.0, 0.0):
        state = begin.start(solver, jnp.asarray(_IMAGES))
        scales = jnp.array([0.0, scale, 0.0])
        state = dataclasses.replace(state, step_scale=scales)
        advance = chunk.program(valley, solver, state, PROBLEM)
        state, records, diverged = advance(state, PROBLEM, jnp.int32(9))
        totals = np.asarray(records["total"][1])
        made = int(state.iteration)
        np.testing.assert_array_equal(diverged, [False, scale > 0, False])
        assert (made == 9) == (scale == 0)
        bad = ~(totals[:made] <= chunk.limit(np.minimum.accumulate(totals[:made])))
        np.testing.assert_array_equal(bad, np.arange(made) == made - 1 + (scale == 0))
        assert not totals[made:].any()


def test_a_start_may_count_earlier_iterations():
    state = begin.start(_SOLVERS["lbfgs"], jnp.asarray(_IMAGES), np.int32(40))
    assert int(state.iteration) == 40
    np.testing.assert_array_equal(state.best_loss, [np.inf] * 3)
    np.testing.assert_array_equal(state.step_scale, [1] * 3)
    assert {leaf.shape[0] for leaf in jax.tree.leaves(state.solver)} == {3}


def test_a_schedule_goes_on_where_an_earlier_size_ended():
    state = begin.start(_SOLVERS["cosine"], jnp.asarray(_IMAGES), np.int32(24))
    adam, schedule, _ = state.solver
    assert (adam.count[0], schedule.count[0]) == (0, 24)  # Adam's own begins anew.
    moved = {}
    for done in (0, 24):
        state = begin.start(_SOLVERS["cosine"], jnp.asarray(_IMAGES), np.int32(done))
        after, *_ = chunk.program(valley, _SOLVERS["cosine"], state, PROBLEM)(
            state, PROBLEM, jnp.int32(1)
        )
        moved[done] = np.abs(after.image - _IMAGES).max()
    assert moved[24] < 0.01 * moved[0]


def test_a_moving_average_is_that_of_the_iterates():
    """`v <- d v + (1 - d) x` from 0, divided by `1 - d^n`; lanes each by their own."""
    solver, decay = _SOLVERS["adam"], 0.8
    state = begin.start(solver, jnp.asarray(_IMAGES), 0, decay)
    advance = chunk.program(valley, solver, state, PROBLEM)
    value, iterates = np.zeros_like(_IMAGES), 7
    for n in range(1, iterates + 1):
        value = decay * value + (1 - decay) * np.asarray(state.image)
        state, records, _ = advance(state, PROBLEM, jnp.int32(1))
        np.testing.assert_allclose(
            state.best_image, value / (1 - decay**n), rtol=1e-4, atol=1e-5
        )
    assert (records["total"][:, 0] > 0).all()
    assert not np.allclose(state.best_image, state.image)


def test_what_is_no_number_stays_out_of_the_average():
    state = begin.start(_SOLVERS["adam"], jnp.asarray(_IMAGES), 0, 0.5)
    state = dataclasses.replace(
        state, image=state.image.at[1].set(jnp.nan), best_image=state.image
    )
    advance = chunk.program(valley, _SOLVERS["adam"], state, PROBLEM)
    state, *_ = advance(state, PROBLEM, jnp.int32(1))
    np.testing.assert_array_equal(state.best_image[1], _IMAGES[1])
    assert np.isfinite(state.best_image).all()


def test_what_exploded_stays_out_of_the_average():
    state = begin.start(_SOLVERS["adam"], jnp.asarray(_IMAGES), 0, 0.5)
    totals, _ = valley(state.image, PROBLEM)
    state = dataclasses.replace(
        state,
        best_loss=totals.at[1].divide(200),
        best_image=state.image + 1,
    )
    advance = chunk.program(valley, _SOLVERS["adam"], state, PROBLEM)
    state, *_ = advance(state, PROBLEM, jnp.int32(1))
    np.testing.assert_array_equal(state.best_image[1], _IMAGES[1] + 1)
    np.testing.assert_allclose(state.best_image[0], _IMAGES[0], rtol=1e-5)


@pytest.mark.parametrize("name", _SOLVERS)
def test_restart_is_of_chosen_lanes(name):
    solver = _SOLVERS[name]
    state = begin.start(solver, jnp.asarray(_IMAGES))
    rng = np.random.default_rng(0)
    before = jax.tree.map(lambda x: rng.uniform(1, 9, x.shape).astype(x.dtype), state)
    before = dataclasses.replace(before, step_scale=np.ones(3, np.float32))
    state = jax.tree.map(jnp.asarray, before)
    after = jax.device_get(begin.restart(solver, state, jnp.array([1.0, 0.5, 0.0])))
    fresh = jax.device_get(begin.start(solver, jnp.asarray(before.best_image)))
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


class Traced:
    """`valley`, which counts how often it is traced."""

    def __init__(self):
        self.times = 0

    def __call__(self, *given):
        self.times += 1
        return valley(*given)


class Named(Traced):
    names = ("away", "across")


def test_an_objective_that_says_its_names_is_traced_once_less():
    times, shapes = [], []
    for objective in (Traced(), Named()):
        solver = solvers.adam(0.02)
        state = begin.start(solver, jnp.asarray(_IMAGES))
        traced = chunk.run_chunk.trace(objective, solver, state, PROBLEM, np.int32(1))
        times.append(objective.times)
        shapes.append(traced.out_info)
    assert times[1] == times[0] - 1
    assert shapes[0] == shapes[1]


def test_state_is_donated_and_the_callers_images_are_not():
    solver, images = _SOLVERS["adam"], jnp.asarray(_IMAGES)
    state = begin.start(solver, images)
    advance = chunk.program(valley, solver, state, PROBLEM)
    advance(state, PROBLEM, jnp.int32(1))
    assert state.image.is_deleted()
    np.testing.assert_array_equal(images, _IMAGES)


# Programs.


def objective_of_its_own():
    """`valley`, which nothing is compiled for yet."""
    return lambda images, problem, iteration: valley(images, problem)


@pytest.fixture
def state():
    return begin.start(_SOLVERS["adam"], jnp.asarray(_IMAGES))


def test_a_program_is_compiled_once_for_all_data(state):
    objective, solver = objective_of_its_own(), _SOLVERS["adam"]
    other = jax.tree.map(lambda leaf: 0.9 * leaf, PROBLEM)
    third = begin.start(solver, state.image[::-1])
    with compilations() as compiled:
        program = chunk.program(objective, solver, state, PROBLEM)
        assert len(compiled) == 1
        assert chunk.program(objective, solver, third, other) is program
        program(third, other, jax.device_put(np.int32(9)))
        program(state, PROBLEM, jax.device_put(np.int32(4)))
        assert len(compiled) == 1
        # As often as it has to be: an objective that isn't equal is another.
        chunk.program(objective_of_its_own(), solver, state, PROBLEM)
        assert len(compiled) == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda images, problem: (images[:2], lane_of(problem, 0)),
        pytest.param(
            lambda images, problem: (images[:, :4], problem | {"centre": 0.5}),
            marks=pytest.mark.slow,
        ),
        lambda images, problem: (images, problem | {"weight": jnp.ones(1)}),
        lambda images, problem: (images, problem | {"other": None}),
    ],
    ids=["lanes", "size", "shape_of_data", "structure_of_data"],
)
def test_other_shapes_are_other_programs(state, change):
    solver = _SOLVERS["adam"]
    first = chunk.program(valley, solver, state, PROBLEM)
    images, problem = jax.tree.map(jnp.asarray, change(_IMAGES, PROBLEM))
    other = begin.start(solver, images)
    with compilations() as compiled:
        assert chunk.program(valley, solver, other, problem) is not first
    assert len(compiled) == 1


def test_another_precision_of_products_is_another_program(state):
    solver = _SOLVERS["adam"]
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


def test_a_program_compiled_ahead_in_a_thread_is_used(state):
    """From shapes alone."""
    objective, solver = objective_of_its_own(), _SOLVERS["adam"]
    shapes = jax.eval_shape(lambda: state)
    totals, _ = valley(state.image, PROBLEM)
    with compilations() as compiled:
        thread, found = in_thread(
            lambda: chunk.program(objective, solver, shapes, PROBLEM)
        )
        thread.join(60)
        assert len(found) == len(compiled) == 1
        first, *_ = engine.run(objective, PROBLEM, solver, state, steps=3)
        assert len(compiled) == 1
    losses = [lane.losses[0] for lane in first.lanes]
    np.testing.assert_allclose(losses, totals, rtol=1e-6)


class Waiting:
    """An objective that takes as long to compile as it is told."""

    def __init__(self):
        self.began, self.go_on = threading.Event(), threading.Event()

    def __call__(self, images, problem, iteration=0):
        self.began.set()
        assert self.go_on.wait(60)
        return valley(images, problem)


def test_a_program_asked_for_twice_at_once_is_compiled_once(state):
    objective, solver = Waiting(), _SOLVERS["adam"]

    def program():
        return chunk.program(objective, solver, state, PROBLEM)

    with compilations() as compiled:
        first, found = in_thread(program)
        assert objective.began.wait(60)
        second, found_too = in_thread(program)
        second.join(0.2)
        assert second.is_alive()
        objective.go_on.set()
        first.join(60)
        second.join(60)
        assert len(compiled) == 1
    assert found[0] is found_too[0]


def test_a_known_program_does_not_wait_for_anothers_compilation(state):
    solver = _SOLVERS["adam"]
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
