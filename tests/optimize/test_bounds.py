"""L-BFGS within a box, against SciPy's L-BFGS-B and by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from nst_jax.optimize import chunk, engine, solvers
from nst_jax.optimize.lbfgs import scale_by_lbfgs

_SHAPE = (6, 5, 2)
_RNG = np.random.default_rng(4)
_FACTOR = _RNG.normal(size=(60, 60))
_MATRIX = _FACTOR @ _FACTOR.T / 60 + 0.1 * np.eye(60)
_CENTRE = _RNG.uniform(-0.5, 1.5, 60)


def quadratic(images, centres):
    """Convex; least at `centres`, `[n, 60]`, outside of the box."""
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


def run(centres, bounds, preconditioner="none", scale=1.0, steps=100):
    """Losses and iterates of lanes with such centres, from grey."""
    solver = solvers.lbfgs(history=10, bounds=bounds, preconditioner=preconditioner)
    state = chunk.start(solver, jnp.full((len(centres), *_SHAPE), 0.5))
    state = chunk.dataclasses.replace(state, step_scale=state.step_scale * scale)
    centres = jnp.asarray(np.stack(centres), jnp.float32)
    losses, images = [], []
    for done in engine.run(quadratic, centres, solver, state, steps=steps, every=(1,)):
        losses.append([lane.loss for lane in done.lanes])
        images.append(np.asarray(done.state.image))
    return np.array(losses), np.array(images)


@pytest.mark.parametrize("preconditioner", ["none", "multiscale"])
def test_finds_the_optimum_of_lbfgsb(preconditioner):
    # The second lane's lies within the box.
    centres = [_CENTRE, 0.3 + 0.4 * _RNG.random(60)]
    losses, images = run(centres, "box", preconditioner)
    assert images.min() == 0
    assert images.max() == 1
    for lane, centre in enumerate(centres):
        expected, least = optimum(centre)
        np.testing.assert_allclose(images[-1, lane].ravel(), expected, atol=1e-3)
        assert losses[-1, lane] == pytest.approx(least, rel=1e-5, abs=1e-6)
    expected, _ = optimum(_CENTRE)
    at_bounds = (expected == 0) | (expected == 1)
    assert 10 < at_bounds.sum() < 50
    np.testing.assert_array_equal(images[-1, 0].ravel()[at_bounds], expected[at_bounds])


def test_clipping_alone_would_not_find_it():
    """What the same method without a box makes, confined afterwards."""
    _, images = run([_CENTRE], "none")
    assert images.min() < 0
    confined = np.clip(images[-1].ravel(), 0, 1)
    assert np.abs(confined - optimum(_CENTRE)[0]).max() > 0.1


def test_shortened_steps_stay_within_too():
    losses, images = run([_CENTRE], "box", scale=0.5)
    assert images.min() == 0
    assert images.max() == 1
    assert losses[-1] < 0.5 * losses[0]


def test_where_no_bound_is_reached_it_is_the_plain_method():
    centre = [0.4 + 0.2 * np.random.default_rng(1).random(60)]
    plain, boxed = (run(centre, bounds, steps=10)[0] for bounds in ("none", "box"))
    np.testing.assert_allclose(boxed, plain, rtol=1e-2, atol=1e-5)
    np.testing.assert_allclose(boxed[:3], plain[:3], rtol=1e-4)


def test_what_is_held_takes_no_part():
    """By hand: as if the held parameters weren't there."""
    solver, free = scale_by_lbfgs(3, box=(0.0, 1.0)), scale_by_lbfgs(3, box=(-9.0, 9.0))
    # At both bounds, pushed outwards; the last is at one and pushed inwards.
    params = jnp.array([0.0, 1.0, 0.5, 0.25, 0.0])
    gradient = jnp.array([3.0, -2.0, 0.5, -1.0, -0.5])
    whole, state = solver.update(gradient, solver.init(params), params)
    part, of_part = free.update(gradient[2:], free.init(params[2:]), params[2:])
    np.testing.assert_array_equal(whole[:2], 0)
    np.testing.assert_allclose(whole[2:], part, rtol=1e-6)
    # The second of them is let go: the pair is that of the others.
    params -= 0.1 * whole
    gradient = jnp.array([4.0, 1.0, 0.25, -0.6, -0.4])
    whole, _ = solver.update(gradient, state, params)
    assert float(whole[0]) == 0
    assert float(whole[1]) > 0
    part, _ = free.update(gradient[2:], of_part, params[2:])
    np.testing.assert_allclose(whole[2:], part, rtol=1e-4)
    # Nothing couples it to them: a gradient step of the history's scale.
    scale = part[0] * 0 + whole[1] / gradient[1]
    assert float(scale) > 0


def test_no_box_is_the_program_it_was():
    """Nothing of the box is left in the program without one."""
    image = jnp.zeros(_SHAPE)

    def text(box):
        solver = scale_by_lbfgs(3, lambda x: 2 * x, box)
        return jax.jit(solver.update).lower(image, solver.init(image), image).as_text()

    assert "stablehlo.compare  GE" in text((0.0, 1.0)) or "GE" in text((0.0, 1.0))
    assert "GE" not in text(None)
