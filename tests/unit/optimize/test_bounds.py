"""L-BFGS within a box, against SciPy's L-BFGS-B and by hand."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from nst_jax.optimize import begin, engine, solvers
from nst_jax.optimize.lbfgs import scale_by_lbfgs
from nst_jax.optimize.preconditioner import multiscale

_SHAPE = (6, 5, 2)
_RNG = np.random.default_rng(4)
_FACTOR = _RNG.normal(size=(60, 60))
_MATRIX = _FACTOR @ _FACTOR.T / 60 + 0.1 * np.eye(60)
# Outside of the box, and well within it.
_CENTRES = np.stack([_RNG.uniform(-0.5, 1.5, 60), _RNG.uniform(0.4, 0.6, 60)])


def quadratic(images, centres, iteration=0):
    """Convex; least at `centres`, `[n, 60]`."""
    away = images.reshape(len(images), -1) - centres
    loss = 0.5 * jnp.sum(away @ jnp.asarray(_MATRIX, away.dtype) * away, axis=1)
    return loss, {"loss": loss}


def optimum(centre):
    """The constrained one, by SciPy in float64."""

    def value_and_gradient(x):
        slope = _MATRIX @ (x - centre)
        return 0.5 * (x - centre) @ slope, slope

    found = scipy.optimize.minimize(
        value_and_gradient,
        *(np.full(60, 0.5),),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0, 1)] * 60,
        options={"ftol": 0, "gtol": 1e-10, "maxiter": 1000},
    )
    return found.x, found.fun


@functools.cache
def run(bounds, scale=1.0):
    """Losses and iterates of a lane for each centre, from grey."""
    solver = solvers.lbfgs(history=10, bounds=bounds, preconditioner=multiscale)
    state = begin.start(solver, jnp.full((len(_CENTRES), *_SHAPE), 0.5))
    state = dataclasses.replace(state, step_scale=state.step_scale * scale)
    centres = jnp.asarray(_CENTRES, jnp.float32)
    losses, images = [], []
    for done in engine.run(
        quadratic, centres, solver, state, steps=100, chunk_seconds=0.0
    ):
        losses.append([lane.loss for lane in done.lanes])
        images.append(np.asarray(done.state.image))
    return np.array(losses), np.array(images)


@pytest.mark.slow  # A program of its own.
def test_finds_the_optimum_of_lbfgsb():
    losses, images = run(solvers.PIXEL_BOX)
    assert images.min() == 0
    assert images.max() == 1
    for lane, centre in enumerate(_CENTRES):
        expected, least = optimum(centre)
        np.testing.assert_allclose(images[-1, lane].ravel(), expected, atol=1e-3)
        assert losses[-1, lane] == pytest.approx(least, rel=1e-5, abs=1e-6)
    expected, _ = optimum(_CENTRES[0])
    at_bounds = (expected == 0) | (expected == 1)
    assert 10 < at_bounds.sum() < 50
    np.testing.assert_array_equal(images[-1, 0].ravel()[at_bounds], expected[at_bounds])


@pytest.mark.slow
def test_clipping_alone_would_not_find_it():
    """What the same method without a box makes, confined afterwards."""
    _, images = run(None)
    assert images[:, 0].min() < 0
    confined = np.clip(images[-1, 0].ravel(), 0, 1)
    assert np.abs(confined - optimum(_CENTRES[0])[0]).max() > 0.1


@pytest.mark.slow  # A program of its own.
def test_where_no_bound_is_reached_it_is_the_plain_method():
    (plain, images), (boxed, _) = run(None), run(solvers.PIXEL_BOX)
    assert 0 < images[:, 1].min() < images[:, 1].max() < 1
    np.testing.assert_allclose(boxed[:10, 1], plain[:10, 1], rtol=1e-2)
    np.testing.assert_allclose(boxed[:3, 1], plain[:3, 1], rtol=1e-4)


@pytest.mark.slow
def test_shortened_steps_stay_within_too():
    losses, images = run(solvers.PIXEL_BOX, scale=0.5)
    assert 0 <= images.min() < 1e-6
    assert 1 - 1e-6 < images.max() <= 1
    assert losses[-1, 0] < 0.5 * losses[0, 0]


@pytest.mark.slow  # A program of its own.
def test_what_is_held_takes_no_part():
    """The others move as if it weren't there; nor is padding."""
    solver = scale_by_lbfgs(3, box=(0.0, 1.0))
    update = jax.jit(solver.update)
    # At both bounds, pushed outwards; at one, pushed inwards; and padding.
    params = jnp.array([0.0, 1.0, 0.5, 0.25, 0.0, 0.0])
    gradient = jnp.array([3.0, -2.0, 0.5, -1.0, -0.5, 0.0])
    others = slice(2, 5)
    whole, state = update(gradient, solver.init(params), params)
    part, of_part = update(
        gradient[others], solver.init(params[others]), params[others]
    )
    np.testing.assert_array_equal(whole[:2], 0)
    np.testing.assert_allclose(whole[others], part, rtol=1e-6)
    assert float(whole[5]) == 0
    # The second is let go. Only the others moved: the pair is theirs.
    params -= 0.1 * whole
    gradient = jnp.array([4.0, 1.0, 0.25, -0.6, -0.4, 0.0])
    whole, state = update(gradient, state, params)
    part, of_part = update(gradient[others], of_part, params[others])
    assert int(state.pairs) == int(of_part.pairs) == 1
    np.testing.assert_allclose(whole[others], part, rtol=1e-5)
    np.testing.assert_allclose(whole[1], of_part.scale * gradient[1], rtol=1e-5)
    assert not np.any(whole[jnp.array([0, 5])])
