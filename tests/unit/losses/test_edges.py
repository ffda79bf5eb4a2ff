"""Edges against the Laplacian place by place, and what has none."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax.losses.edges import Edges
from nst_jax.losses.view import View


def view(values, weight=None):
    values = jnp.asarray(values)
    count = np.prod(values.shape[:2]) if weight is None else np.sum(weight)
    weight = None if weight is None else jnp.asarray(weight, jnp.float32)
    return View(values, weight, jnp.float32(count))


@functools.partial(jax.jit, static_argnums=0)
def _distance(loss, image, photo):
    return loss.distance(*(loss.statistic(view(x)) for x in (image, photo)))


def distance(image, photo, *sides):
    return float(_distance(Edges(sides), image, photo))


def picture(seed, *shape):
    return np.float32(np.random.default_rng(seed).random(shape))


def reference(image, side):
    """For each grid of squares: the Laplacian of the means of those side by side."""
    grey, found = 255 * np.float64(image).sum(-1), []
    for top, left in np.ndindex(side, side):
        part = grey[top:, left:]
        rows, columns = (length // side for length in part.shape)
        part = part[: rows * side, : columns * side]
        means = part.reshape(rows, side, columns, side).mean((1, 3))
        for y, x in np.ndindex(rows - 2, columns - 2):
            cross = means[y, x + 1] + means[y + 2, x + 1]
            cross += means[y + 1, x] + means[y + 1, x + 2]
            found.append(cross - 4 * means[y + 1, x + 1])
    return np.array(found)


@pytest.mark.parametrize("side", [1, 2, 3])
def test_numpy(side):
    one, two = picture(0, 11, 14, 3), picture(1, 11, 14, 3)
    expected = np.square(reference(one, side) - reference(two, side)).mean()
    assert distance(one, two, side) == pytest.approx(expected, rel=1e-4)


@pytest.mark.slow
def test_sizes_of_squares_add_up():
    one, two = picture(0, 20, 20, 3), picture(1, 20, 20, 3)
    apart = distance(one, two, 1) + distance(one, two, 4)
    assert distance(one, two, 1, 4) == pytest.approx(apart, rel=1e-5)


def test_colours_and_slopes_are_no_edges():
    one = picture(0, 12, 12, 3)
    slope = np.float32(np.add.outer(np.arange(12), 2 * np.arange(12)))[..., None] / 90
    assert distance(one, one + slope, 2) < 1e-4 * distance(one, 0 * one, 2)
    assert distance(one, one[..., ::-1], 2) < 1e-4 * distance(one, 0 * one, 2)


@pytest.mark.slow
def test_a_picture_smaller_than_three_squares_has_none():
    one = picture(0, 11, 30, 3)
    assert distance(one, 0 * one, 4) == 0
    assert distance(one, 0 * one, 1, 4) == distance(one, 0 * one, 1)
    weight = np.ones((30, 30)) * (np.arange(30) < 11)
    narrow = view(np.zeros((30, 30, 3), np.float32), weight)
    loss = Edges((4,))
    slope = jax.grad(
        lambda x: loss.distance(
            loss.statistic(View(x, narrow.weight, narrow.count)), loss.statistic(narrow)
        )
    )(jnp.asarray(picture(0, 30, 30, 3)))
    assert not np.any(slope)


def test_a_mask_counts_the_least_that_is_looked_at():
    one, two = picture(0, 3, 4, 1), picture(1, 3, 4, 1)
    weight = np.ones((3, 4), np.float32)
    weight[1, 0] = 0.25  # Of the first of two places alone.
    loss = Edges((1,))
    seen, wanted = (loss.statistic(view(x, weight)) for x in (one, two))
    squared = np.square(reference(one, 1) - reference(two, 1))
    expected = (0.25 * squared[0] + squared[1]) / 1.25
    assert loss.distance(seen, wanted) == pytest.approx(expected, rel=1e-5)
