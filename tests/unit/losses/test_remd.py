"""The relaxed earth mover's distance against known values and loops."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax.losses.remd import RelaxedEMD
from nst_jax.losses.view import View

POINTS = np.float32([[[0, 0], [1, 0], [0, 2], [3, 1]]]) + 1
OTHERS = np.float32([[[0, 1], [2, 0], [1, 1], [2, 2]]]) + 1


def view(values):
    return View(jnp.asarray(values), None, jnp.float32(np.prod(values.shape[:2])))


def distance(values, *paintings, shares=(1.0,)):
    return float(_distance(jnp.float32(values), paintings, shares))


@functools.partial(jax.jit, static_argnums=2)
def _distance(values, paintings, shares):
    loss = RelaxedEMD()
    target = loss.blend([loss.statistic(view(p)) for p in paintings], shares)
    return loss.distance(loss.statistic(view(values)), target)


def features(seed, *shape):
    return np.float32(np.abs(np.random.default_rng(seed).normal(size=shape)))


def reference(values, painting):
    """One less the cosines, of all pairs in float64."""
    one, two = (np.float64(x.reshape(-1, x.shape[-1])) for x in (values, painting))
    lengths = np.outer(*(np.linalg.norm(x, axis=1) for x in (one, two)))
    cost = 1 - one @ two.T / lengths
    return max(cost.min(1).mean(), cost.min(0).mean())


def test_a_known_distance():
    assert distance(POINTS, OTHERS) == pytest.approx(0.0075378798, rel=1e-4)


def test_numpy():
    one, two = features(0, 5, 6, 4), features(1, 7, 3, 4)
    assert distance(one, two) == pytest.approx(reference(one, two), rel=1e-4)


def test_what_changes_nothing():
    one, two = features(0, 5, 6, 4), features(1, 5, 6, 4)
    before = distance(one, two)
    assert distance(two, one) == pytest.approx(before, rel=1e-5)
    assert distance(one[::-1], two[:, ::-1]) == pytest.approx(before, rel=1e-5)
    lengths = features(2, 5, 6, 1) + 0.1
    assert distance(lengths * one, 3 * two) == pytest.approx(before, rel=1e-4)
    turn, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(4, 4)))
    assert distance(one @ turn, two @ turn) == pytest.approx(before, rel=1e-4)


@pytest.mark.slow
def test_what_is_black_is_like_what_is_black():
    one = features(0, 5, 6, 4)
    one[0] = 0
    assert distance(one, one) == 0
    assert np.isfinite(distance(one, np.zeros((2, 2, 4), np.float32)))


@pytest.mark.slow
def test_many_positions_are_sampled_alike():
    """Several draws of 1024: itself is at 0, and others are about as far as all are."""
    one, two = features(0, 34, 34, 512), features(1, 40, 34, 512)
    assert distance(one, one) == 0
    assert distance(one, two) == pytest.approx(reference(one, two), rel=0.02)


@pytest.mark.slow
def test_a_blend_has_points_of_each():
    """All of those that are few, evenly some of those that are many."""
    loss, one, two = RelaxedEMD(), features(0, 5, 6, 4), features(1, 20, 20, 4)
    both = np.concatenate([one.reshape(1, -1, 4), two.reshape(1, -1, 4)], axis=1)
    assert distance(both, one, two, shares=(0.5, 0.5)) < 1e-6 < distance(both, two)
    assert distance(one, one, two, shares=(1.0, 0.0)) < 1e-6
    paintings = [loss.statistic(view(x)) for x in (one, features(2, 40, 40, 4))]
    found = loss.blend(paintings, (0.25, 0.75))
    assert found.features.shape == (32, 1024, 4)
    np.testing.assert_allclose(found.weight[:, :256].sum(1), 0.25, rtol=1e-5)
    np.testing.assert_allclose(found.weight[:, 256:].sum(1), 0.75, rtol=1e-5)
    # However often each of the 30 comes, they count the same.
    place = np.argmin(
        np.square(found.features[0, :256, None] - paintings[0].features[0]).sum(-1), 1
    )
    of_each = np.bincount(place, found.weight[0, :256])
    np.testing.assert_allclose(of_each, 0.25 / 30, rtol=1e-4)
