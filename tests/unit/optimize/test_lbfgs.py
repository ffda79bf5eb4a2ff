"""L-BFGS against the recursion that it is a compact form of, and by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax.optimize.lbfgs import scale_by_lbfgs

_RNG = np.random.default_rng(7)
_FACTOR = _RNG.normal(size=(24, 24))
_MATRIX = _FACTOR @ _FACTOR.T / 24 + np.eye(24)


def quartic(x):
    """Convex, curved differently everywhere."""
    matrix = jnp.asarray(_MATRIX, x.dtype)
    return 0.5 * x @ matrix @ x + 0.1 * jnp.sum(x**4)


_MIXING = np.random.default_rng(8).normal(size=(24, 24))
_PRECONDITIONER = _MIXING @ _MIXING.T + np.eye(24)


def preconditioned(columns):
    return jnp.asarray(_PRECONDITIONER, columns.dtype) @ columns


def quartic_of_a_column(x):
    return quartic(x[:, 0])


def two_loop_losses(function, start, steps, history, operator=None):
    """torch.optim.LBFGS without line search, from its description, in numpy float64.

    With a preconditioner it is what `scale_by_lbfgs` says of one.
    """
    bold, by = (1, np.eye(len(start))) if operator is None else (2, operator)
    value_and_gradient = jax.jit(jax.value_and_grad(function))
    x, pairs, scale = np.array(start, np.float64), [], 1.0
    losses, before, step = [], None, None
    for iteration in range(steps):
        loss, gradient = (np.array(a, np.float64) for a in value_and_gradient(x))
        losses.append(float(loss))
        if iteration == 0:
            rate = 1.0 / np.abs(gradient).sum()
            assert rate <= 1  # PyTorch would not enlarge it.
            if operator is not None:
                rate = 1 / 255 / np.sqrt(np.mean((by @ gradient) ** 2))
        else:
            rate, change = 1.0, gradient - before
            if step @ change > 1e-10:
                pairs = [*pairs, (step, change)][-history:]
                scale = bold * (step @ change) / (change @ by @ change)
        direction, alphas = -gradient, []
        for s, y in reversed(pairs):
            alphas.append(s @ direction / (s @ y))
            direction = direction - alphas[-1] * y
        direction = scale * (by @ direction)
        for (s, y), alpha in zip(pairs, reversed(alphas), strict=True):
            direction = direction + (alpha - y @ direction / (s @ y)) * s
        step, before = rate * direction, gradient
        x = x + step
    return losses


def our_losses(function, start, steps, history, precondition=None):
    solver = scale_by_lbfgs(history, precondition)

    @jax.jit
    def iterate(x, state):
        loss, gradient = jax.value_and_grad(function)(x)
        updates, state = solver.update(gradient, state, x)
        return x - updates, state, loss

    x, losses = start, []
    state = solver.init(x)
    for _ in range(steps):
        x, state, loss = iterate(x, state)
        losses.append(float(loss))
    return losses


@pytest.mark.parametrize("history", [pytest.param(1, marks=pytest.mark.slow), 10])
def test_follows_the_two_loop_recursion_in_float64(history):
    with jax.enable_x64(True):
        start = jnp.asarray(_RNG.normal(size=24))
        expected = two_loop_losses(quartic, start, 25, history)
        found = our_losses(quartic, start, 25, history)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10)


def test_follows_the_two_loop_recursion_with_a_preconditioner():
    with jax.enable_x64(True):
        start = jnp.asarray(np.random.default_rng(9).normal(size=24))
        expected = two_loop_losses(quartic, start, 25, 10, _PRECONDITIONER)
        column = start[:, None]
        found = our_losses(quartic_of_a_column, column, 25, 10, preconditioned)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10)


def test_a_preconditioned_run_begins_with_one_level_and_padding_has_no_part_in_it():
    start = jnp.asarray(np.random.default_rng(9).normal(size=(24, 1)), jnp.float32)
    still = np.arange(24) < 10
    gradient = jnp.where(still[:, None], 0, jax.grad(quartic_of_a_column)(start))
    solver = scale_by_lbfgs(3, preconditioned)
    assert np.all(np.asarray(preconditioned(gradient))[still])  # P reaches there.
    for scale in (1, 1e-18, 1e18):  # Its squares are no float32 numbers.
        step, _ = solver.update(scale * gradient, solver.init(start), start)
        assert not np.any(step[still])
        rms = np.sqrt(np.mean(np.square(step[~still])))
        np.testing.assert_allclose(rms, 1 / 255, rtol=1e-5)


def test_follows_the_two_loop_recursion_in_float32():
    start = jnp.asarray(_RNG.normal(size=24), jnp.float32)
    with jax.enable_x64(True):
        expected = two_loop_losses(quartic, jnp.asarray(start, jnp.float64), 12, 10)
    found = our_losses(quartic, start, 12, 10)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


_SOLVER = scale_by_lbfgs(4)
_update = jax.jit(_SOLVER.update)
_POINT = jnp.linspace(0.2, 1.0, 2000)


@pytest.mark.parametrize("size", [1.0, 1e-5])
def test_first_step_has_absolute_sum_one(size):
    gradient = size * _POINT
    updates, _ = _update(gradient, _SOLVER.init(_POINT), _POINT)
    expected = gradient / float(jnp.abs(gradient).sum())
    np.testing.assert_allclose(updates, expected, rtol=1e-5)


def test_no_gradient_is_no_step():
    updates, _ = _update(jnp.zeros(2000), _SOLVER.init(_POINT), _POINT)
    assert not np.any(updates)


@pytest.mark.parametrize("scale", [2.0**-30, 2.0**30])
def test_the_scale_of_a_loss_changes_no_step(scale):
    start = jnp.asarray(_RNG.normal(size=24), jnp.float32)
    expected = our_losses(quartic, start, 12, 10)
    found = our_losses(lambda x: scale * quartic(x), start, 12, 10)
    # Which products are fused into sums differs with a factor.
    np.testing.assert_allclose(np.array(found) / scale, expected, rtol=1e-4)


def test_pairs_with_negative_curvature_are_skipped():
    _, state = _update(_POINT, _SOLVER.init(_POINT), _POINT)
    _, state = _update(-0.9 * _POINT, state, 0.9 * _POINT)
    assert int(state.pairs) == 1
    _, skipped = _update(-1.1 * _POINT, state, _POINT)
    assert int(skipped.pairs) == 1
    np.testing.assert_array_equal(skipped.steps, state.steps)
    assert float(skipped.scale) == float(state.scale)


@pytest.mark.slow
def test_first_step_grows_until_a_pair_is_found():
    """From the top of a hill the curvature is negative: PyTorch would leap off it."""
    slope = jax.jit(jax.grad(lambda x: jnp.sum(jnp.cos(x))))
    x = jnp.full(2000, 0.05)
    state = _SOLVER.init(x)
    sizes = []
    while int(state.pairs) == 0 and len(sizes) < 20:
        updates, state = _update(slope(x), state, x)
        sizes.append(float(jnp.abs(updates).max()))
        x = x - updates
    assert 2 <= len(sizes) < 20
    assert sizes[1] > 3 * sizes[0]
    assert max(sizes) < 4


def test_history_below_one_is_refused():
    with pytest.raises(ValueError, match="history=0"):
        scale_by_lbfgs(0)
