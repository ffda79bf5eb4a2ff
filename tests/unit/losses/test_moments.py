"""Means and covariances of points, and what is rounding of them, against numpy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax.losses.kink import rounded_off
from nst_jax.losses.moments import Moments
from nst_jax.losses.sampling import Points

RNG = np.random.default_rng(2)
ONE, TWO = (np.abs(RNG.normal(size=(2, n, 5))) for n in (30, 40))


def points(values, weight=None):
    weight = np.ones(values.shape[:2]) if weight is None else weight
    return Points(jnp.asarray(values), jnp.asarray(weight))


@jax.jit
def apart(one, two):
    return Moments.of(one).apart(Moments.of(two))


def reference(one, two):
    """Mean absolute differences of means and of covariances."""
    flat = [values.reshape(-1, values.shape[-1]) for values in (one, two)]
    means = np.abs(flat[0].mean(0) - flat[1].mean(0)).mean()
    covariances = [np.cov(values.T, bias=True) for values in flat]
    return means + np.abs(covariances[0] - covariances[1]).mean()


def test_numpy():
    assert apart(points(ONE), points(TWO)) == pytest.approx(
        reference(ONE, TWO), rel=1e-3
    )
    assert apart(points(ONE), points(ONE)) == 0


def test_what_weighs_nothing_is_not_there():
    weight = np.concatenate([np.full((2, 30), 0.5), np.zeros((2, 10))], axis=1)
    both = np.concatenate([ONE, 7 * TWO[:, :10]], axis=1)
    assert apart(points(both, weight), points(ONE)) < 1e-6
    nothing = Moments.of(points(ONE, np.zeros((2, 30))))
    assert not np.any(nothing.mean)
    assert not np.any(nothing.covariance)


def test_a_blend_is_of_all_points():
    found = Moments.blend([Moments.of(points(x)) for x in (ONE, TWO)], [3 / 7, 4 / 7])
    both = np.concatenate([ONE, TWO], axis=1)
    expected = Moments.of(points(both))
    np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-5)
    np.testing.assert_allclose(found.covariance, expected.covariance, atol=1e-5)


def test_no_slope_where_there_is_rounding():
    values, least = jnp.array([-2.0, -1e-5, 0.0, 1e-5, 3.0]), jnp.float32(1e-4)
    found = rounded_off(values, least)
    np.testing.assert_allclose(found, [2, 5e-7, 0, 5e-7, 3], atol=6e-5)
    slope = jax.grad(lambda x: jnp.sum(rounded_off(x, least)))(values)
    np.testing.assert_allclose(slope, [-1, -0.1, 0, 0.1, 1], rtol=1e-5)
    of_none = jax.grad(lambda x: jnp.sum(rounded_off(x, jnp.float32(0))))(values)
    np.testing.assert_allclose(of_none, [-1, -1, 0, 1, 1])
