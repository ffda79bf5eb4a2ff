"""The parts of the solvers, against their papers and by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax.optimize import solvers


def updates_of(solver, gradients, params):
    state, found, update = solver.init(params), [], jax.jit(solver.update)
    for gradient in gradients:
        updates, state = update(gradient, state, params)
        params = params + updates
        found.append(updates)
    return found, params


def test_adam_follows_its_paper():
    rng = np.random.default_rng(0)
    gradients = rng.normal(size=(5, 6))
    params = jnp.full(6, 0.5)
    found, _ = updates_of(
        solvers.adam(0.01, adam_epsilon=1e-3),
        jnp.asarray(gradients, jnp.float32),
        params,
    )
    first = second = np.zeros(6)
    for t, gradient in enumerate(gradients, 1):
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        step = first / (1 - 0.9**t) / (np.sqrt(second / (1 - 0.999**t)) + 1e-3)
        np.testing.assert_allclose(found[t - 1], -0.01 * step, rtol=2e-4)


def test_rmsprop_is_that_of_pytorch():
    rng = np.random.default_rng(1)
    gradients = rng.normal(size=(5, 6))
    found, _ = updates_of(
        solvers.rmsprop(0.001), jnp.asarray(gradients, jnp.float32), jnp.full(6, 0.5)
    )
    square = np.zeros(6)
    for gradient, step in zip(gradients, found, strict=True):
        square = 0.99 * square + 0.01 * gradient**2
        expected = -0.001 * gradient / (np.sqrt(square) + 1e-8)
        np.testing.assert_allclose(step, expected, rtol=2e-4)


def test_adam_keeps_the_picture_in_range():
    params = jnp.array([0.0, 0.5, 1.0])
    _, params = updates_of(solvers.adam(0.3), jnp.array([[1.0, 1.0, -1.0]] * 4), params)
    np.testing.assert_allclose(params, [0, 0, 1], atol=1e-7)


def test_cosine_decay_ends_at_zero():
    gradients = jnp.ones((11, 1))
    found, _ = updates_of(
        solvers.adam(solvers.cosine(0.01, 10)), gradients, jnp.array([0.5])
    )
    sizes = -np.array(found)[:, 0]
    expected = 0.01 * 0.5 * (1 + np.cos(np.pi * np.arange(11) / 10))
    np.testing.assert_allclose(sizes, expected, rtol=1e-4, atol=1e-8)


def test_learning_rate_scales_lbfgs():
    gradient, params = jnp.full(100, 7.0), jnp.zeros(100)
    (step,), _ = updates_of(solvers.lbfgs(0.25, history=1), [gradient], params)
    np.testing.assert_allclose(step, -0.25 * gradient / 700, rtol=1e-6)


def test_limit_is_on_the_root_mean_square():
    short, long = jnp.array([0.03, -0.04]), jnp.array([3.0, -4.0])
    (kept,), _ = updates_of(solvers.limit_rms(0.1), [short], short)
    np.testing.assert_array_equal(kept, short)
    (cut,), _ = updates_of(solvers.limit_rms(0.1), [long], long)
    np.testing.assert_allclose(cut, 0.1 * long / np.sqrt(12.5), rtol=1e-6)


def test_limit_does_not_count_padding():
    alone = jnp.array([[3.0, -4.0], [0.5, 2.0]])
    padded = jnp.pad(alone, ((0, 3), (0, 1)))
    (expected,), _ = updates_of(solvers.limit_rms(0.1), [alone], alone)
    (found,), _ = updates_of(solvers.limit_rms(0.1), [padded], padded)
    np.testing.assert_allclose(found[:2, :2], expected, rtol=1e-6)
    assert np.count_nonzero(found) == 4
    nothing = jnp.zeros((2, 3))
    (still,), _ = updates_of(solvers.limit_rms(0.1), [nothing], nothing)
    np.testing.assert_array_equal(still, nothing)


def test_lbfgs_never_leaps():
    """Where the objective hardly curves, a quadratic model asks for a huge step."""

    def slope(x):
        return jnp.sum(x + 1e-4 * x**2)

    params, slope_of = jnp.zeros(100), jax.jit(jax.grad(slope))
    solver, sizes = solvers.lbfgs(history=4), []
    state, update = solver.init(params), jax.jit(solver.update)
    for _ in range(4):
        updates, state = update(slope_of(params), state, params)
        params = params + updates
        sizes.append(float(jnp.sqrt(jnp.mean(updates**2))))
    assert max(sizes) == pytest.approx(0.1)
