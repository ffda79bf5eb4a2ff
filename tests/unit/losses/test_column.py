"""Hypercolumns at places of a picture, against STROTSS's way of reading them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax.losses import sampling
from nst_jax.losses.column import Column
from nst_jax.losses.sampling import POSITIONS
from nst_jax.losses.view import View

RNG = np.random.default_rng(6)
STRIDES = (1, 2, 8)

sample = jax.jit(sampling.sample, static_argnums=1)


def view(values, extent=None, draw=None):
    """Of a picture in the top left corner of what may be more."""
    values = jnp.asarray(values, jnp.float32)
    extents = None if extent is None else jnp.asarray([extent])
    one = View.of(values[None], extents)
    weight = None if one.weight is None else one.weight[0]
    return View(one.features[0], weight, one.count[0], draw=draw)


def framed(values, rows, columns):
    """With other numbers around it."""
    whole = 9e3 * np.ones((rows, columns, values.shape[2]), np.float32)
    whole[: values.shape[0], : values.shape[1]] = values
    return whole


def maps_of(height, width):
    return [RNG.random((height // s, width // s, 3)) for s in STRIDES]


def column(maps, *, frame=None, seed=None):
    """Of maps, the first as large as the picture; in a frame, if there is one."""
    draw = None if seed is None else jax.random.PRNGKey(seed)
    if frame is None:
        views = [view(values) for values in maps]
        return Column(view(maps[0], draw=draw), tuple(views), STRIDES)
    views = [
        view(framed(m, *(side // stride for side in frame)), m.shape[:2])
        for m, stride in zip(maps, STRIDES, strict=True)
    ]
    extent = maps[0].shape[:2]
    return Column(view(framed(maps[0], *frame), extent, draw), tuple(views), STRIDES)


def strotss(maps, row, place):
    """The features of a pixel by loops, as STROTSS's code takes them of each map."""
    found = []
    for values, stride in zip(maps, STRIDES, strict=True):
        y, x = row / stride, place / stride
        top, left = int(y), int(x)
        last = np.array(values.shape[:2]) - 1
        total = np.zeros(values.shape[2])
        for i, down in ((top, 1 - (y - top)), (top + 1, y - top)):
            for j, right in ((left, 1 - (x - left)), (left + 1, x - left)):
                total += down * right * values[min(i, last[0]), min(j, last[1])]
        found.append(total)
    return np.concatenate(found)


@pytest.mark.parametrize("frame", [None, (32, 40)])
def test_it_reads_as_strotss_does(frame):
    """At the borders too: 29 rows are 3 of the coarsest map, 24 of them; padding isn't
    looked at."""
    maps = maps_of(29, 31)
    rows, places = (x.reshape(-1) for x in np.indices((29, 31)))
    found = jax.jit(Column.at)(column(maps, frame=frame), rows, places)
    expected = [strotss(maps, *at) for at in zip(rows, places, strict=True)]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_draw_follows_from_its_key():
    maps = maps_of(40, 48)
    maps[0] = np.stack([*np.indices((40, 48)), np.ones((40, 48))], axis=-1)
    one, again, other = (sample(column(maps, seed=s), 1) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.features, again.features)
    rows, places, _ = np.int64(one.features[0, :, :3]).T
    # One of each run of pixels, row and column together.
    runs = np.floor((rows * 48 + places) / (40 * 48 / POSITIONS) + 1e-3)
    assert np.abs(runs - np.arange(POSITIONS)).max() <= 1
    same = (one.features[0, :, :2] == other.features[0, :, :2]).all(1)
    assert same.mean() < 0.8


@pytest.mark.slow
def test_padding_draws_nothing_else():
    maps = maps_of(40, 33)
    for seed in (None, 3):
        alone = sample(column(maps, seed=seed), 1)
        within = sample(column(maps, frame=(48, 40), seed=seed), 1)
        np.testing.assert_array_equal(within.weight, alone.weight)
        np.testing.assert_allclose(within.features, alone.features, atol=1e-6)


def test_a_paintings_draws_are_five_at_once():
    of_many = sample(column(maps_of(64, 64)), 1)
    assert of_many.features.shape == (1, 5 * POSITIONS, 9)
    assert np.all(of_many.weight == 1)
    of_few = sample(column(maps := maps_of(16, 16)), 1)
    assert of_few.features.shape == of_many.features.shape
    assert np.all(of_few.weight == (np.arange(5 * POSITIONS) < 256))
    np.testing.assert_allclose(of_few.features[0, 17], strotss(maps, 1, 1), atol=1e-5)
