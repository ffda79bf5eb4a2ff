"""Quantiles of weighted values against sorting, and an integral step by step."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax.losses import quantiles as module

quantiles = jax.jit(module.quantiles, static_argnums=2)


def reference(values, weight, levels, steps=20_000):
    """The quantile function, looked up at many places of each share."""
    order = np.argsort(values)
    until = np.cumsum(weight[order]) / np.sum(weight)
    at = (np.arange(levels * steps) + 0.5) / (levels * steps)
    places = np.minimum(np.searchsorted(until, at), len(values) - 1)
    return values[order][places].reshape(levels, steps).mean(1)


def test_as_many_levels_as_values_are_the_values_in_order():
    found = quantiles(jnp.array([[3.0, 1.0, 2.0], [0.0, 5.0, -1.0]]), jnp.ones(3), 3)
    np.testing.assert_allclose(found, [[1, 2, 3], [-1, 0, 5]], atol=1e-6)


@pytest.mark.parametrize(
    "levels",
    [pytest.param(1, marks=pytest.mark.slow), 4]
    + [pytest.param(n, marks=pytest.mark.slow) for n in (7, 30)],
)
def test_numpy(levels):
    rng = np.random.default_rng(levels)
    values, weight = rng.normal(size=11), rng.random(11)
    weight[3] = 0
    with jax.enable_x64(True):
        found = quantiles(jnp.asarray(values), jnp.asarray(weight), levels)
    np.testing.assert_allclose(found, reference(values, weight, levels), atol=1e-3)
    assert np.asarray(found).mean() == pytest.approx(np.average(values, weights=weight))


@pytest.mark.slow
def test_what_weighs_nothing_has_no_part_and_no_gradient():
    values, weight = jnp.array([2.0, 7.0, 1.0, -9.0]), jnp.array([1.0, 0.0, 1.0, 0.0])
    np.testing.assert_allclose(quantiles(values, weight, 2), [1, 2], atol=1e-6)
    slope = jax.jacobian(lambda x: quantiles(x, weight, 2))(values)
    np.testing.assert_allclose(slope, [[0, 0, 1, 0], [1, 0, 0, 0]], atol=1e-6)


@pytest.mark.slow
def test_twice_the_weight_is_coming_twice():
    values = jnp.array([4.0, 2.0, 9.0])
    twice = quantiles(jnp.array([4.0, 2.0, 2.0, 9.0]), jnp.ones(4), 5)
    found = quantiles(values, jnp.array([1.0, 2.0, 1.0]), 5)
    np.testing.assert_allclose(found, twice, atol=1e-6)
