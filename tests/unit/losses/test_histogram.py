"""Histograms against matching value by value, and the Gram matrices beside them."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax.losses.gram import NORMALIZED, Gram
from nst_jax.losses.histogram import Histogram
from nst_jax.losses.view import View


def view(values):
    return View(jnp.asarray(values), None, jnp.float32(np.prod(values.shape[:2])))


def features(seed, *shape):
    return np.float32(np.abs(np.random.default_rng(seed).normal(size=shape)))


@functools.partial(jax.jit, static_argnums=0)
def distance(loss, values, painting):
    target = loss.blend([loss.statistic(view(painting))], [1.0])
    return loss.distance(loss.statistic(view(values)), target)


def matched(values, painting):
    """Each channel of `values` with the histogram of that of `painting`."""
    found = np.empty_like(values)
    for channel in range(values.shape[-1]):
        order = np.argsort(values[..., channel], axis=None)
        found[..., channel].flat[order] = np.sort(painting[..., channel], axis=None)
    return found


def test_it_is_the_distance_from_what_is_matched_and_that_of_gram_matrices():
    one, two = features(0, 16, 16, 3), features(1, 16, 16, 3)
    each = np.square(one - matched(one, two)).sum() / np.square(two).sum()
    together = float(distance(Gram(NORMALIZED), one, two))
    found = float(distance(Histogram(), one, two))
    assert found == pytest.approx(each + together, rel=1e-4)


@pytest.mark.slow
def test_the_gradient_is_that_with_the_match_held_fixed():
    """As the paper has it."""
    one, two = features(0, 16, 16, 3), features(1, 16, 16, 3)
    fixed, energy = matched(one, two), np.square(two).sum()

    def held(x):
        together = distance(Gram(NORMALIZED), x, two)
        return jnp.sum(jnp.square(x - fixed)) / energy + together

    def free(x):
        return distance(Histogram(), x, two)

    slope, expected = (jax.grad(f)(jnp.asarray(one)) for f in (free, held))
    np.testing.assert_allclose(slope, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.slow
def test_channels_that_go_together_are_seen():
    """Each channel shuffled by itself has the same histogram."""
    one = features(0, 16, 16, 3)
    one[..., 1] = one[..., 0]
    apart = np.random.default_rng(1).permuted(one.reshape(-1, 3), axis=0)
    assert distance(Histogram(), apart.reshape(one.shape), one) > 0.01
