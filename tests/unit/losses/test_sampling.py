"""Positions that are drawn: of the whole picture, and of nothing around it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax.losses import sampling
from nst_jax.losses.sampling import POSITIONS
from nst_jax.losses.view import View

sample = jax.jit(sampling.sample, static_argnums=1)


def numbered(height, width):
    """Features that say where they are, `[h, w, 2]`."""
    return np.float32(np.stack(np.indices((height, width)), axis=-1))


def view(values, weight=None):
    values = jnp.asarray(values)
    count = np.prod(values.shape[:2]) if weight is None else np.sum(weight)
    weight = None if weight is None else jnp.asarray(weight, jnp.float32)
    return View(values, weight, jnp.float32(count))


def test_few_positions_are_all_there_once():
    points = sample(view(numbered(4, 5)), 3)
    assert points.features.shape == (1, 20, 2)
    np.testing.assert_array_equal(points.features[0], numbered(4, 5).reshape(-1, 2))
    assert np.all(points.weight == 1)


def test_draws_are_spread_and_differ():
    height, width = 64, 96
    points = sample(view(numbered(height, width)), 3)
    places = np.int64(points.features @ jnp.array([width, 1.0]))
    assert places.shape == (3, POSITIONS)
    # One of each run of 6, so that none comes twice.
    np.testing.assert_array_equal(places // 6, [np.arange(POSITIONS)] * 3)
    assert np.all(np.mean(places[:1] == places[1:], axis=1) < 0.3)
    again = sample(view(numbered(height, width)), 3)
    np.testing.assert_array_equal(points.features, again.features)


def test_what_does_not_count_is_not_there():
    """Padded, or cut out of the middle, a part is drawn from as if it were alone."""
    part = numbered(40, 33)
    alone = sample(view(part), 2)
    for top, left in ((0, 0), (5, 3)):
        whole, weight = np.full((50, 40, 2), 9e3, np.float32), np.zeros((50, 40))
        area = slice(top, top + 40), slice(left, left + 33)
        whole[area], weight[area] = part, 1
        within = sample(view(whole, weight), 2)
        np.testing.assert_array_equal(within.features, alone.features)
        np.testing.assert_array_equal(within.weight, alone.weight)


@pytest.mark.slow
def test_fewer_than_a_draw_in_a_large_frame():
    part = numbered(7, 5)
    whole, weight = np.zeros((40, 40, 2), np.float32), np.zeros((40, 40))
    whole[:7, :5], weight[:7, :5] = part, 0.5
    points = sample(view(whole, weight), 2)
    for draw in range(2):
        there = points.weight[draw] > 0
        np.testing.assert_array_equal(points.features[draw][there], part.reshape(-1, 2))
        assert np.all(points.weight[draw][there] == 0.5)


def test_a_mean_of_draws_is_that_of_the_picture():
    values = np.random.default_rng(0).random((90, 90, 1)) + numbered(90, 90)[..., :1]
    points = sample(view(np.float32(values)), 16)
    assert np.asarray(points.features).mean() == pytest.approx(values.mean(), rel=1e-3)
