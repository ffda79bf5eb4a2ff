"""Feature splitting against known values, loops, and itself of other draws."""

import dataclasses
import functools

import jax
import numpy as np
import pytest
from jax import numpy as jnp

from nst_jax.losses.split_neighbors import SplitNeighbors
from nst_jax.losses.strided import strided
from nst_jax.losses.view import View

POINTS = np.float32([[[0, 0], [1, 0], [0, 2], [3, 1]]]) + 1
OTHERS = np.float32([[[0, 1], [2, 0], [1, 1], [2, 2]]]) + 1
RNG = np.random.default_rng(0)
LOSS = SplitNeighbors()


def view(values, seed=None, weight=None):
    count = values[..., 0].size if weight is None else weight.sum()
    found = View(jnp.asarray(values), weight, jnp.float32(count))
    draw = None if seed is None else jax.random.PRNGKey(seed)
    return dataclasses.replace(found, draw=draw)


@functools.partial(jax.jit, static_argnames="shares")
def distance(picture, *paintings, shares=None):
    shares = shares or (1.0,) * len(paintings)
    target = LOSS.blend([LOSS.statistic(p) for p in paintings], shares)
    return LOSS.distance(LOSS.statistic(picture), target)


drawn = jax.jit(strided, static_argnums=1)


def reference(picture, painting):
    both = []
    for values in (picture, painting):
        flat = np.float64(values).reshape(-1, values.shape[-1])
        flat = flat - flat.mean(0)
        both.append(flat / np.linalg.norm(flat, axis=1, keepdims=True))
    return (1 - both[0] @ both[1].T).min(1).mean()


@pytest.mark.parametrize("seed", [None, 3])
def test_a_known_distance(seed):
    """Row minima of the centred cosine distances, computed by hand."""
    found = distance(view(POINTS, seed), view(OTHERS))
    assert found == pytest.approx(0.2701776, rel=1e-5)


def test_numpy_and_what_changes_nothing():
    one, two = (np.float32(RNG.random((7, 9, 4))) for _ in range(2))
    found = float(distance(view(one, 0), view(two)))
    assert found == pytest.approx(reference(one, two), rel=1e-4)
    shifted = distance(view(3 * one + 2, 0), view(two[::-1] + np.float32([1, 2, 3, 4])))
    assert shifted == pytest.approx(found, rel=1e-4)


@pytest.mark.slow
def test_a_blend_is_the_union_and_what_has_no_share_is_not_there():
    one, two, three = (np.float32(RNG.random((5, 6, 4))) for _ in range(3))
    union = np.concatenate([two, three])
    found = distance(view(one, 0), view(two), view(three))
    assert found == pytest.approx(reference(one, union), rel=1e-4)
    alone = distance(view(one, 0), view(two), view(three), shares=(1.0, 0.0))
    assert alone == pytest.approx(reference(one, two), rel=1e-4)


def test_large_pictures_are_seen_at_equal_distances_from_an_offset():
    """130 by 200 places: every fourth, both ways."""
    values = np.stack(np.mgrid[:130, :200], axis=-1).astype(np.float32)
    seen = set()
    for seed in range(40):
        found = drawn(view(values, seed), 1)
        places = np.asarray(found.features[0])[np.asarray(found.weight[0]) > 0]
        rows, columns = (np.unique(places[:, axis]).astype(int) for axis in (0, 1))
        assert len(places) == len(rows) * len(columns)
        np.testing.assert_array_equal(rows, range(rows[0], 130, 4))
        np.testing.assert_array_equal(columns, range(columns[0], 200, 4))
        seen.add((rows[0], columns[0]))
    assert seen <= {(i, j) for i in range(4) for j in range(4)}
    assert len(seen) > 8
    again = [drawn(view(values, 7), 1).features for _ in range(2)]
    np.testing.assert_array_equal(*again)


@pytest.mark.slow
def test_a_part_is_seen_as_if_it_were_alone():
    values = np.float32(RNG.random((140, 150, 2)))
    mask = np.zeros((140, 150), np.float32)
    mask[20:120, 30:130] = 1
    for seed in (None, 5):
        found = drawn(view(values, seed, jnp.asarray(mask)), 4)
        alone = drawn(view(values[20:120, 30:130], seed), 4)
        for one, other in zip(found.features, alone.features, strict=True):
            there = np.asarray(found.weight[0]) > 0
            assert there.sum() == np.asarray(alone.weight[0] > 0).sum() == 50 * 50
            np.testing.assert_array_equal(
                one[there], other[np.asarray(alone.weight[0]) > 0]
            )


def test_targets_are_as_many_points_as_are_asked_for():
    statistic = jax.jit(LOSS.statistic)(view(np.float32(RNG.random((9, 5, 3)))))
    target = LOSS.blend([statistic] * 2, [1.0, 1.0])
    fewer = LOSS.fitted(target, (8, 3), 1)
    assert fewer.features.shape[1] == 64 == (fewer.weight[0] > 0).sum()
    kept = {tuple(row) for row in np.asarray(fewer.features[0])}
    assert len(kept) >= 32  # Evenly: not the same ones of both.
    more = LOSS.fitted(target, (8, 3), 4)
    assert more.features.shape[1] == 256
    assert (more.weight[0] > 0).sum() == 90
    # Of what is asked for, nothing is changed by what lacks.
    kept = np.asarray(more.features[0])[np.asarray(more.weight[0]) > 0]
    np.testing.assert_array_equal(kept, target.features[0])
