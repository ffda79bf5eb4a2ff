import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from nst_jax.optimize import engine, solvers

_START = np.random.default_rng(3).random((6, 5, 3), np.float32)


def bowl(image, problem):
    """A quadratic around `problem["centre"]`, in two terms."""
    distance = jnp.sum((image - problem["centre"]) ** 2)
    flatness = problem["weight"] * jnp.sum(image**2)
    return distance + flatness, {"distance": distance, "flatness": flatness}


def cliff(image, problem):
    """Falls gently until the mean pixel passes `problem["edge"]`, then is NaN."""
    mean = jnp.mean(image)
    loss = jnp.where(mean > problem["edge"], jnp.nan, -mean)
    return loss, {"mean": loss}


def bowl_problem(weight=0.5):
    return {"centre": jnp.full((6, 5, 3), 0.25), "weight": jnp.float32(weight)}


def run(objective, problem, solver, *, steps, image=_START, **keywords):
    state = engine.start(solver, jnp.asarray(image))
    chunks = engine.run(objective, problem, solver, state, steps=steps, **keywords)
    return [(progress, progress.image()) for progress in chunks]


def losses(chunks):
    return np.concatenate([progress.losses for progress, _ in chunks])


@pytest.mark.parametrize("solver", [solvers.lbfgs(history=4), solvers.adam(0.02)])
def test_chunks_make_no_difference(solver):
    # Time decides the chunk lengths: 0 s means one iteration each, 1000 s the most.
    single = run(bowl, bowl_problem(), solver, steps=30, chunk_seconds=0.0)
    large = run(bowl, bowl_problem(), solver, steps=30, chunk_seconds=1e3)
    assert len(single) == 31
    assert len(large) < 8
    np.testing.assert_array_equal(losses(single), losses(large))
    np.testing.assert_array_equal(single[-1][1], large[-1][1])


def test_losses_are_of_the_start_and_of_each_update():
    solver = solvers.adam(0.02)
    chunks = run(bowl, bowl_problem(), solver, steps=3)
    assert losses(chunks).shape == (4,)
    centre, weight = 0.25, 0.5
    first = np.sum((_START - centre) ** 2) + weight * np.sum(_START**2)
    np.testing.assert_allclose(losses(chunks)[0], first, rtol=1e-5)
    assert chunks[-1][0].iteration == chunks[-1][0].steps == 3


def test_no_steps_score_the_start():
    ((progress, image),) = run(bowl, bowl_problem(), solvers.lbfgs(), steps=0)
    assert progress.iteration == 0
    np.testing.assert_array_equal(image, _START)


def test_terms_add_up():
    for progress, _ in run(bowl, bowl_problem(), solvers.lbfgs(), steps=5):
        assert set(progress.terms) == {"distance", "flatness"}
        assert sum(progress.terms.values()) == pytest.approx(progress.loss, rel=1e-5)


def test_result_is_the_best_image_even_if_the_last_is_worse():
    # A rate this large makes Adam overshoot and come back.
    chunks = run(bowl, bowl_problem(), solvers.adam(0.3), steps=4)
    all_losses = losses(chunks)
    assert all_losses[-1] > all_losses.min()
    progress, image = chunks[-1]
    assert progress.best_loss == all_losses.min()
    total, _ = bowl(jnp.asarray(image), bowl_problem())
    np.testing.assert_allclose(total, all_losses.min(), rtol=1e-5)


def test_finds_the_minimum():
    chunks = run(bowl, bowl_problem(), solvers.lbfgs(), steps=30)
    # d/dx [(x - 1/4)^2 + x^2 / 2] = 0
    np.testing.assert_allclose(chunks[-1][1], np.full((6, 5, 3), 1 / 6), atol=1e-4)


def test_picture_is_clipped_but_the_iterate_is_not():
    problem = bowl_problem(0.0) | {"centre": jnp.full((6, 5, 3), 1.5)}
    progress, image = run(bowl, problem, solvers.lbfgs(), steps=20)[-1]
    np.testing.assert_allclose(progress.state.image, 1.5, atol=1e-3)
    assert image.max() == 1


def test_chunks_end_at_the_multiples_asked_for():
    chunks = run(bowl, bowl_problem(), solvers.lbfgs(), steps=40, every=(7, 0, 10))
    ends = [progress.iteration for progress, _ in chunks]
    assert ends == sorted(ends)
    assert {7, 10, 14, 20, 21, 28, 30, 35, 40} <= set(ends)


def test_new_data_does_not_recompile():
    solver = solvers.lbfgs(history=3)
    run(bowl, bowl_problem(0.5), solver, steps=4)
    before = engine.run_chunk._cache_size()
    run(bowl, bowl_problem(0.9), solver, steps=9)
    assert engine.run_chunk._cache_size() == before
    # The count does go up when it has to.
    run(functools.partial(bowl), bowl_problem(0.5), solver, steps=1)
    assert engine.run_chunk._cache_size() == before + 1


def test_no_host_transfer_inside_a_chunk():
    solver = solvers.lbfgs(history=3)
    state = engine.start(solver, jnp.asarray(_START))
    arguments = (bowl, solver, state, bowl_problem(), jnp.int32(5))
    hlo = engine.run_chunk.lower(*arguments).compile().as_text()
    assert re.search(r"\bwhile\(", hlo)
    assert not re.search(r"\b(infeed|outfeed|send|recv)\(|callback", hlo)


def test_a_run_makes_no_implicit_transfer():
    solver = solvers.lbfgs(history=3)
    problem = bowl_problem()
    state = engine.start(solver, jnp.asarray(_START))
    with jax.transfer_guard("disallow"):
        for progress in engine.run(bowl, problem, solver, state, steps=5):
            progress.image()
        with pytest.raises(Exception, match=r"[Dd]isallowed host-to-device"):
            jnp.float32(1) + 1  # the guard is on


def test_state_is_donated_and_the_callers_image_is_not():
    solver = solvers.lbfgs()
    image = jnp.asarray(_START)
    state = engine.start(solver, image)
    engine.run_chunk(bowl, solver, state, bowl_problem(), jnp.int32(1))
    assert state.image.is_deleted()
    np.testing.assert_array_equal(image, _START)


def test_nan_goes_back_to_the_best_image_and_stops_in_the_end():
    solver = solvers.adam(0.05)
    image = np.full((6, 5, 3), 0.5, np.float32)
    chunks = run(cliff, {"edge": jnp.float32(0.62)}, solver, steps=400, image=image)
    events = [progress.event for progress, _ in chunks if progress.event]
    assert len(events) == 4
    assert "no longer finite" in events[0]
    assert "half the step size" in events[0]
    assert "stopped" in events[-1]
    assert chunks[-1][0].event == events[-1]
    assert 0.6 < chunks[-1][1].mean() <= 0.62


def test_retry_takes_half_steps_from_the_best_image():
    solver = solvers.adam(0.05)
    image = np.full((6, 5, 3), 0.5, np.float32)
    problem = {"edge": jnp.float32(0.62)}
    state = engine.start(solver, jnp.asarray(image))
    for progress in engine.run(cliff, problem, solver, state, steps=400):
        if progress.event:
            break
    assert float(progress.state.step_scale) == 0.5
    np.testing.assert_array_equal(progress.state.image, progress.state.best_image)
    assert np.isfinite(progress.best_loss)


def test_explosion_is_noticed():
    # The bowl's curvature is 3, so each step of rate 5 is 14 times worse than the last.
    chunks = run(bowl, bowl_problem(), optax.sgd(5.0), steps=200)
    events = [progress.event for progress, _ in chunks if progress.event]
    assert events
    assert "exploded" in events[0] or "no longer finite" in events[0]
    assert chunks[-1][0].best_loss <= losses(chunks)[0]


def test_a_start_without_a_loss_is_an_error():
    with pytest.raises(engine.DivergenceError, match="starting image is not finite"):
        run(cliff, {"edge": jnp.float32(0.0)}, solvers.lbfgs(), steps=5)
