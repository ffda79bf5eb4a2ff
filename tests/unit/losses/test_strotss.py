"""STROTSS's style loss and its colours, against numpy in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax.losses.palette import Palette
from nst_jax.losses.strotss import Strotss
from nst_jax.losses.view import View

RNG = np.random.default_rng(3)
TO_YUV = np.array(
    [
        [0.577350, 0.577350, 0.577350],
        [-0.577350, 0.788675, -0.211325],
        [-0.577350, -0.211325, 0.788675],
    ]
)
"""Of the authors' code."""


def view(values):
    count = jnp.float32(values.shape[0] * values.shape[1])
    return View(jnp.asarray(values, jnp.float32), None, count)


def distance(loss, one, two):
    @jax.jit
    def found(one, two):
        target = loss.blend([loss.statistic(view(two))], [1.0])
        return loss.distance(loss.statistic(view(one)), target)

    return float(found(one, two))


def flat(values):
    return values.reshape(-1, values.shape[-1])


def angles(one, two):
    lengths = np.outer(*(np.linalg.norm(x, axis=1) for x in (one, two)))
    return 1 - one @ two.T / lengths


def relaxed(costs):
    return max(costs.min(1).mean(), costs.min(0).mean())


@pytest.mark.slow
def test_transport_and_moments():
    one, two = np.abs(RNG.normal(size=(2, 5, 6, 4)))
    a, b = flat(one), flat(two)
    expected = relaxed(angles(a, b)) + np.abs(a.mean(0) - b.mean(0)).mean()
    expected += np.abs(np.cov(a.T, bias=True) - np.cov(b.T, bias=True)).mean()
    assert distance(Strotss(), one, two) == pytest.approx(expected, rel=1e-3)
    assert distance(Strotss(), one, one) == pytest.approx(0, abs=1e-9)
    # The angles are the same, not the sizes.
    assert distance(Strotss(), 3 * one, one) > 0.1


def test_the_palette_is_that_of_decorrelated_colours():
    one, two = RNG.random((2, 5, 6, 3)) - 0.5
    a, b = (flat(values) @ TO_YUV.T for values in (one, two))
    squared = np.square(a[:, None] - b).sum(-1)
    expected = relaxed(angles(a, b) + np.sqrt(np.clip(squared, 1e-5, 1e5) / 3))
    assert distance(Palette(), one, two) == pytest.approx(expected, rel=1e-4)


def test_grey_has_no_direction_and_a_gradient():
    loss, one = Palette(), np.zeros((4, 4, 3), np.float32)
    target = loss.statistic(view(RNG.random((4, 4, 3)) - 0.5))

    @jax.jit
    @jax.grad
    def slope(values):
        return loss.distance(loss.statistic(view(values)), target)

    found = slope(one)
    assert np.isfinite(found).all()
    assert np.any(found)
