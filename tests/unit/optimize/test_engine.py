"""The engine: what it tells of a run, where chunks end, and lanes that diverge."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from nst_jax.errors import DivergenceError
from nst_jax.optimize import begin, engine, solvers

_START = np.random.default_rng(3).random((6, 5, 3), np.float32)
_GREY = np.full((6, 5, 3), 0.5, np.float32)
_NEVER = np.inf
_LBFGS = solvers.lbfgs(history=4)
_PIXELS = (1, 2, 3)


def bowl(images, problem, iteration=0):
    """A quadratic around each lane's `problem["centre"]`, in two terms."""
    distance = jnp.sum((images - problem["centre"]) ** 2, _PIXELS)
    flatness = problem["weight"] * jnp.sum(images**2, _PIXELS)
    return distance + flatness, {"distance": distance, "flatness": flatness}


def cliff(images, problem, iteration=0):
    """Falls gently until a lane's mean passes `problem["edge"]`, then is NaN."""
    mean = jnp.mean(images, _PIXELS)
    loss = jnp.where(mean > problem["edge"], jnp.nan, -mean)
    return loss, {"mean": loss}


def fenced(images, problem, iteration=0):
    """A bowl that is NaN where a lane's mean is above `problem["edge"]`."""
    total, terms = bowl(images, problem)
    outside = jnp.mean(images, _PIXELS) > problem["edge"]
    return jnp.where(outside, jnp.nan, total), terms


def bowl_problem(*weights):
    """Of a lane for each weight; 0.5 for one."""
    weights = jnp.array(weights or (0.5,), jnp.float32)
    return {"centre": jnp.full((len(weights), 6, 5, 3), 0.25), "weight": weights}


def edges(*values):
    return {"edge": jnp.array(values, jnp.float32)}


def run_lanes(objective, problem, solver, images, *, steps, **keywords):
    """Of each chunk the lanes' numbers and their best images."""
    state = begin.start(solver, jnp.asarray(np.stack(images)))
    chunks = engine.run(objective, problem, solver, state, steps=steps, **keywords)
    return [
        list(zip(done.lanes, np.array(done.state.best_image), strict=True))
        for done in chunks
    ]


def run(objective, problem, solver, *, steps, image=_START, **keywords):
    """Of each chunk the numbers and the best image of a lane alone."""
    chunks = run_lanes(objective, problem, solver, [image], steps=steps, **keywords)
    return [lane for (lane,) in chunks]


def losses(chunks):
    return np.concatenate([numbers.losses for numbers, _ in chunks])


def of_lane(chunks, lane):
    return [lanes[lane] for lanes in chunks]


def events(chunks):
    return [numbers.event for numbers, _ in chunks if numbers.event]


def test_losses_are_of_the_start_and_of_each_update():
    solver = solvers.adam(0.02)
    chunks = run(bowl, bowl_problem(), solver, steps=3)
    assert losses(chunks).shape == (4,)
    centre, weight = 0.25, 0.5
    first = np.sum((_START - centre) ** 2) + weight * np.sum(_START**2)
    np.testing.assert_allclose(losses(chunks)[0], first, rtol=1e-5)
    assert chunks[-1][0].iteration == chunks[-1][0].steps == 3


def test_no_steps_score_the_start():
    ((numbers, image),) = run(bowl, bowl_problem(), solvers.adam(), steps=0)
    assert numbers.iteration == 0
    np.testing.assert_array_equal(image, _START)


def test_terms_add_up():
    for numbers, _ in run(bowl, bowl_problem(), solvers.adam(), steps=5):
        assert set(numbers.terms) == {"distance", "flatness"}
        assert sum(numbers.terms.values()) == pytest.approx(numbers.loss, rel=1e-5)


def test_result_is_the_best_image_even_if_the_last_is_worse():
    # A rate this large makes Adam overshoot and come back.
    chunks = run(bowl, bowl_problem(), solvers.adam(0.3), steps=4)
    all_losses = losses(chunks)
    assert all_losses[-1] > all_losses.min()
    numbers, image = chunks[-1]
    assert numbers.best_loss == all_losses.min()
    (total,), _ = bowl(jnp.asarray(image)[None], bowl_problem())
    np.testing.assert_allclose(total, all_losses.min(), rtol=1e-5)


def test_chunks_end_at_the_stops_asked_for():
    problem, stops = bowl_problem(), (10, 0, 7, 33, 90)
    chunks = run(
        *(bowl, problem, solvers.adam()), steps=40, stops=stops, chunk_seconds=1e3
    )
    ends = [numbers.iteration for numbers, _ in chunks]
    assert ends == sorted(set(ends))
    assert {0, 7, 10, 33, 40} <= set(ends)
    assert len(ends) < 12


def test_nan_goes_back_to_the_best_image_and_stops_in_the_end():
    solver = solvers.adam(0.05)
    chunks = run(cliff, edges(0.62), solver, steps=400, image=_GREY)
    told = events(chunks)
    assert len(told) == 4
    assert "no longer finite" in told[0]
    assert "half the step size" in told[0]
    assert "stopped" in told[-1]
    assert chunks[-1][0].event == told[-1]
    assert chunks[-1][0].iteration < 400
    assert 0.6 < chunks[-1][1].mean() <= 0.62


def test_retry_takes_half_steps_from_the_best_image():
    solver = solvers.adam(0.05)
    state = begin.start(solver, jnp.asarray(_GREY)[None])
    for done in engine.run(cliff, edges(0.62), solver, state, steps=400):
        if done.lanes[0].event:
            break
    assert float(done.state.step_scale[0]) == 0.5
    np.testing.assert_array_equal(done.state.image, done.state.best_image)
    assert np.isfinite(done.lanes[0].best_loss)


def test_explosion_is_noticed():
    # The bowl's curvature is 3, so each step of rate 5 is 14 times worse than the last.
    chunks = run(bowl, bowl_problem(), optax.sgd(5.0), steps=200)
    told = events(chunks)
    assert told
    assert "exploded" in told[0] or "no longer finite" in told[0]
    assert chunks[-1][0].best_loss <= losses(chunks)[0]


def test_a_start_without_a_loss_is_an_error():
    with pytest.raises(DivergenceError, match="starting image is not finite"):
        run(cliff, edges(0.0), solvers.adam(), steps=5)


# Lanes.


def test_each_lane_is_told_of_its_own():
    problem, images = bowl_problem(0.2, 2.0), [_START, _GREY]
    chunks = run_lanes(bowl, problem, _LBFGS, images, steps=12)
    for lane, (image, weight) in enumerate(zip(images, (0.2, 2.0), strict=True)):
        numbers, picture = chunks[-1][lane]
        first = np.sum((image - 0.25) ** 2) + weight * np.sum(image**2)
        told = losses(of_lane(chunks, lane))
        np.testing.assert_allclose(told[0], first, rtol=1e-5)
        assert numbers.loss == told[-1]
        assert numbers.best_loss == pytest.approx(told.min(), rel=1e-6)
        assert sum(numbers.terms.values()) == pytest.approx(numbers.loss, rel=1e-5)
        total, _ = bowl(jnp.asarray(picture)[None], bowl_problem(weight))
        np.testing.assert_allclose(total, [told.min()], rtol=1e-4)
        # d/dx [(x - 1/4)^2 + weight x^2] = 0
        np.testing.assert_allclose(picture, 0.25 / (1 + weight), atol=1e-3)


def diverging(*lanes_edges, steps=40, solver=None, **keywords):
    """Bowls that draw to 0.2 and to 0.8, fenced at these means."""
    problem = fenced_problem(*lanes_edges)
    solver = solver or solvers.adam(0.05)
    images = [_START, _GREY]
    return run_lanes(fenced, problem, solver, images, steps=steps, **keywords)


def fenced_problem(*lanes_edges):
    centres = jnp.stack([jnp.full((6, 5, 3), 0.25), jnp.full((6, 5, 3), 1.0)])
    return bowl_problem(0.25, 0.25) | {"centre": centres} | edges(*lanes_edges)


@pytest.mark.parametrize("solver", [_LBFGS, solvers.adam(0.05)])
@pytest.mark.parametrize(
    "chunk_seconds", [0.0, pytest.param(1e3, marks=pytest.mark.slow)]
)
def test_a_lane_that_diverges_leaves_the_others_alone(chunk_seconds, solver):
    keywords = {"chunk_seconds": chunk_seconds, "solver": solver}
    whole = diverging(_NEVER, _NEVER, **keywords)
    fallen = diverging(_NEVER, 0.62, **keywords)
    assert not events(of_lane(whole, 1))
    assert len(events(of_lane(fallen, 1))) > 1
    expected, found = of_lane(whole, 0), of_lane(fallen, 0)
    assert not events(found)
    np.testing.assert_array_equal(losses(found), losses(expected))
    # A divergence ends a chunk: others end at other iterations.
    pictures = {numbers.iteration: picture for numbers, picture in expected}
    both = [(one, numbers) for numbers, one in found if numbers.iteration in pictures]
    assert both[-1][1].iteration == 40
    assert len(both) == 41 or chunk_seconds
    for picture, numbers in both:
        np.testing.assert_array_equal(picture, pictures[numbers.iteration])


def test_a_lane_restarts_alone():
    problem, solver = fenced_problem(_NEVER, 0.62), solvers.adam(0.05)
    state = begin.start(solver, jnp.asarray(np.stack([_START, _GREY])))
    for done in engine.run(fenced, problem, solver, state, steps=40):
        if done.lanes[1].event:
            break
    np.testing.assert_array_equal(done.state.step_scale, [1, 0.5])
    first, second = done.state.solver[0].count
    assert int(first) == int(done.state.iteration)
    assert int(second) == 0
    np.testing.assert_array_equal(done.state.image[1], done.state.best_image[1])
    assert not np.array_equal(done.state.image[0], done.state.best_image[0])


def test_the_schedule_goes_on_after_a_restart():
    """The rate of the decay is that of the iteration, in the lane that restarts too."""
    problem, solver = (
        fenced_problem(_NEVER, 0.62),
        solvers.adam(solvers.cosine(0.05, 40)),
    )
    state = begin.start(solver, jnp.asarray(np.stack([_START, _GREY])))
    diverged = False
    for done in engine.run(fenced, problem, solver, state, steps=40):
        diverged |= done.lanes[1].event is not None
        adam, schedule, _ = done.state.solver
        np.testing.assert_array_equal(schedule.count, int(done.state.iteration))
    assert diverged
    assert int(adam.count[1]) < int(adam.count[0])


@pytest.mark.parametrize("solver", [_LBFGS, solvers.adam(0.05)])
def test_what_follows_a_divergence_is_the_same_whatever_chunks_are(solver):
    """Of one iteration each, of some, and as long as they can be; to the last bit."""
    problem, runs = fenced_problem(_NEVER, 0.62), []
    for keywords in (
        {"chunk_seconds": 0.0},
        {"chunk_seconds": 0.0, "stops": range(0, 40, 5)},
        {"chunk_seconds": 1e3},
        {"chunk_seconds": 1e3, "stops": (3, 17, 18)},
    ):
        state = begin.start(solver, jnp.asarray(np.stack([_START, _GREY])))
        chunks = []
        for done in engine.run(fenced, problem, solver, state, steps=40, **keywords):
            chunks.append([(lane, None) for lane in done.lanes])
        told = [(n.iteration, n.event) for n, _ in of_lane(chunks, 1) if n.event]
        runs.append((len(chunks), told, chunks, jax.device_get(done.state)))
    many, told, first, last = runs[0]
    assert len(told) > 1
    assert all(number < many for number, *_ in runs[2:])
    for _, same, chunks, state in runs[1:]:
        assert same == told
        for lane in (0, 1):
            expected, found = of_lane(first, lane), of_lane(chunks, lane)
            np.testing.assert_array_equal(losses(found), losses(expected))
        jax.tree.map(np.testing.assert_array_equal, state, last)


def test_a_peak_between_two_ends_of_chunks_is_a_divergence_too():
    """Such as one that is over when a longer chunk would have ended."""

    def peak(images, problem, iteration):
        loss = jnp.sum(images**2, _PIXELS) + jnp.where(iteration == 6, 1e6, 0)
        return loss, {"peak": loss}

    for seconds in (0.0, 1e3):
        (told,) = events(
            run(peak, None, solvers.adam(0.01), steps=20, chunk_seconds=seconds)
        )
        assert told.startswith("the loss exploded by iteration 6; back to the best")


def test_a_lane_given_up_stays_at_its_best_and_the_rest_go_on():
    chunks = diverging(_NEVER, 0.62, steps=150, stops=range(0, 150, 5))
    told = events(of_lane(chunks, 1))
    assert len(told) == 4
    assert "stopped" in told[-1]
    given_up = [lanes[1][0].event for lanes in chunks].index(told[-1])
    assert given_up < len(chunks) - 3
    assert chunks[-1][0][0].iteration == chunks[-1][1][0].iteration == 150
    best, picture = chunks[given_up][1]
    assert 0.6 < picture.mean() <= 0.62
    for numbers, later in of_lane(chunks, 1)[given_up + 1 :]:
        np.testing.assert_array_equal(later, picture)
        np.testing.assert_allclose(numbers.losses, best.best_loss, rtol=1e-6)
    np.testing.assert_allclose(chunks[-1][0][1], 0.2, atol=0.01)


@pytest.mark.slow
def test_a_lane_given_up_stays_even_where_no_step_is_a_number():
    """At 0 the root has a value and no slope."""

    def root(images, shift, iteration=0):
        loss = jnp.sum(jnp.sqrt(images + shift), _PIXELS)
        return loss, {"root": loss}

    solver = solvers.lbfgs(history=2)
    images = jnp.asarray(np.stack([_START, np.zeros_like(_START)]))
    state, shift = begin.start(solver, images), jnp.array([10.0, 0.0])
    shift = shift.reshape(2, 1, 1, 1)
    told = []
    for done in engine.run(root, shift, solver, state, steps=12, chunk_seconds=0.0):
        told.append(done.lanes[1].event)
    assert sum(map(bool, told)) == 4
    assert done.lanes[0].iteration == 12
    assert done.lanes[0].event is None
    np.testing.assert_array_equal(done.state.image[1], 0)
    assert done.lanes[1].loss == done.lanes[1].best_loss == 0


def test_the_run_ends_when_every_lane_is_given_up():
    solver = solvers.adam(0.05)
    images = [_GREY, _GREY - 0.1]
    chunks = run_lanes(cliff, edges(0.7, 0.62), solver, images, steps=400)
    told = [events(of_lane(chunks, lane)) for lane in (0, 1)]
    assert [len(lines) for lines in told] == [4, 4]
    assert chunks[-1][0][0].iteration < 400
    last = [numbers.event for numbers, _ in chunks[-1]]
    assert any(event and "stopped" in event for event in last)
    assert 0.68 < chunks[-1][0][1].mean() <= 0.7
    assert 0.6 < chunks[-1][1][1].mean() <= 0.62


def test_a_lane_without_a_first_loss_stays_and_the_rest_go_on():
    solver = solvers.adam()
    both = run_lanes(cliff, edges(0.9, 0.0), solver, [_GREY, _GREY], steps=5)
    alone = run(cliff, edges(0.9), solver, steps=5, image=_GREY)
    np.testing.assert_array_equal(losses(of_lane(both, 0)), losses(alone))
    assert not events(of_lane(both, 0)) + events(of_lane(both, 1))
    for numbers, picture in of_lane(both, 1):
        assert numbers.best_loss == np.inf
        np.testing.assert_array_equal(picture, _GREY)
    assert both[-1][1][0].iteration == 5


def test_no_lane_with_a_first_loss_is_an_error():
    with pytest.raises(DivergenceError, match="starting image is not finite"):
        run_lanes(cliff, edges(0.0, 0.1), solvers.adam(), [_GREY, _GREY], steps=5)


def test_a_resumed_lane_that_was_given_up_says_so():
    solver, problem = solvers.adam(0.05), bowl_problem(0.5, 0.5)
    images = jnp.asarray(np.stack([_START, _GREY]))

    def resumed(*scales):
        """From a state as it is after so much, of two lanes."""
        state = begin.start(solver, images)
        first = next(engine.run(bowl, problem, solver, state, steps=9)).state
        state = begin.restart(solver, first, jnp.array(scales, jnp.float32))
        return list(engine.run(bowl, problem, solver, state, steps=9))

    done = resumed(0.5, 0)
    assert [chunk.lanes[0].event for chunk in done] == [None] * len(done)
    first, *rest = [chunk.lanes[1].event for chunk in done]
    assert first.startswith("given up before")
    assert not any(rest)
    assert done[-1].lanes[0].iteration == 9
    # With nothing to go on with it ends at once, but says why.
    (only,) = resumed(0, 0)
    assert all("given up before" in lane.event for lane in only.lanes)
    np.testing.assert_array_equal(only.state.best_image[1], _GREY)


def test_a_resumed_lane_has_the_retries_that_are_left():
    solver = solvers.adam(0.05)
    state = begin.start(solver, jnp.asarray(_GREY)[None])
    state = dataclasses.replace(state, step_scale=jnp.array([0.25]))
    told = []
    for done in engine.run(cliff, edges(0.62), solver, state, steps=400):
        told += [done.lanes[0].event] if done.lanes[0].event else []
    assert len(told) == 2
    assert "stopped there, after 3 retries" in told[1]


@pytest.mark.parametrize(("step", "explodes"), [(0.05, False), (1.0, True)])
def test_a_loss_a_hundred_times_the_best_has_exploded(step, explodes):
    """36 times, of a step to six times the distance, is no more than a bad step."""

    def distance(images, _, iteration=0):
        return jnp.sum(jnp.square(images), (1, 2, 3)), {}

    away = optax.stateless(lambda updates, params: jnp.full_like(params, step))
    state = begin.start(away, jnp.full((1, 1, 1, 1), 0.01))
    (first, *_) = [
        done.lanes[0]
        for done in engine.run(distance, None, away, state, steps=1, chunk_seconds=0.0)
        if done.lanes[0].iteration == 1
    ]
    assert (first.event is not None) == explodes
    if explodes:
        assert first.event.startswith("the loss exploded by iteration 1; back to the")


def test_an_objective_is_told_the_iteration():
    """Of the whole run, whatever its chunks are, and where it began."""

    def counted(images, problem, iteration):
        loss = jnp.sum(images, _PIXELS) + iteration
        return loss, {"iteration": jnp.zeros(len(images)) + iteration}

    state = begin.start(_LBFGS, jnp.zeros((1, 2, 2, 3)), 7)
    told = [
        (done.lanes[0].iteration, done.lanes[0].terms["iteration"])
        for done in engine.run(
            *(counted, None, _LBFGS, state), steps=12, chunk_seconds=0.0
        )
    ]
    assert told == [(n, n) for n in range(7, 13)]
