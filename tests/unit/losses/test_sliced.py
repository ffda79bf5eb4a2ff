"""Sliced optimal transport against known values, numpy, and what changes nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax.losses import sliced
from nst_jax.losses.sliced import Sliced, bank
from nst_jax.losses.view import View

sliced_w2 = jax.jit(sliced.sliced_w2, static_argnames="levels")

POINTS = jnp.array([[0.0, 0.0], [1, 0], [0, 2], [3, 1]])
OTHERS = jnp.array([[0.0, 1.0], [2, 0], [1, 1], [2, 2]])


def directions(*degrees):
    angles = np.deg2rad(degrees)
    return jnp.float32(np.stack([np.cos(angles), np.sin(angles)], axis=1))


def view(values):
    return View(jnp.asarray(values), None, jnp.float32(np.prod(values.shape[:2])))


def distance(values, painting):
    loss = Sliced()
    target = loss.blend([loss.statistic(view(painting))], [1.0])
    return float(loss.distance(loss.statistic(view(values)), target))


def features(seed, *shape):
    return np.float32(np.abs(np.random.default_rng(seed).normal(size=shape)))


def test_a_known_distance():
    found = sliced_w2(POINTS, OTHERS, directions(0, 45, 90, 135), levels=4)
    assert found == pytest.approx(0.375, abs=1e-6)
    # Of 4 points each, every multiple of 4 is exact.
    more = sliced_w2(POINTS, OTHERS, directions(0, 45, 90, 135))
    assert more == pytest.approx(0.375, abs=1e-5)


def test_unequal_counts_and_weights():
    """The distance of quantile functions, as if each point came as often as it weighs.

    3 points against 2: sixths of the one and the other.
    """
    one, other = np.array([[0.0], [3.0], [1.0]]), np.array([[2.0], [5.0]])
    expected = np.mean(
        np.square(np.repeat(sorted(one.ravel()), 2) - np.repeat([2, 5], 3))
    )
    way = jnp.ones((1, 1))
    found = sliced_w2(jnp.asarray(one), jnp.asarray(other), way, levels=6)
    assert found == pytest.approx(expected, rel=1e-5)
    weighed = sliced_w2(
        *(jnp.asarray(one), jnp.asarray(other), way),
        weight=jnp.array([1.0, 2.0, 3.0]),
        other_weight=jnp.array([1.0, 0.0]),
        levels=6,
    )
    # Of 6 parts one is at 0, three at 1, two at 3; all of the other at 2.
    assert weighed == pytest.approx((4 + 3 + 2) / 6, rel=1e-5)


def test_what_changes_nothing():
    one, two = (jnp.asarray(features(seed, 40, 5)) for seed in (0, 1))
    ways = jnp.asarray(bank(5, 20))
    before = float(sliced_w2(one, two, ways))
    assert sliced_w2(one[::-1], two, ways) == pytest.approx(before, rel=1e-6)
    assert sliced_w2(two, one, ways) == pytest.approx(before, rel=1e-5)
    assert sliced_w2(2 * one, 2 * two, ways) == pytest.approx(4 * before, rel=1e-4)
    assert sliced_w2(one, one, ways) == 0
    # One translation for both is none; of one alone it adds its own square.
    step = jnp.array([1.0, 2, 0, 0, 1])
    moved = sliced_w2(one + step, one, ways)
    assert moved == pytest.approx(6 / 5, rel=1e-4)  # Four bases: a fifth of |step|^2.


def test_directions_are_bases():
    found = bank(6, 15)
    assert found.shape == (15, 6)
    np.testing.assert_allclose(found[:6] @ found[:6].T, np.eye(6), atol=1e-6)
    np.testing.assert_allclose(found[6:12] @ found[6:12].T, np.eye(6), atol=1e-6)
    assert not np.allclose(found[:6], found[6:12])
    assert bank(6, 15) is found
    assert bank(7, 3).shape == (3, 7)


@pytest.mark.slow
def test_the_term_is_the_distance_as_a_share():
    """Of few positions it is the metric along the same directions."""
    one, two = features(0, 16, 16, 5), features(1, 8, 32, 5)
    flat = (jnp.asarray(x.reshape(-1, 5)) for x in (one, two))
    apart = float(sliced_w2(*flat, jnp.asarray(bank(5)), levels=256))
    energy = np.square(two @ bank(5).T).mean()
    assert distance(one, two) == pytest.approx(apart / energy, rel=1e-4)
    # A network whose features are larger asks for the same.
    assert distance(100 * one, 100 * two) == pytest.approx(apart / energy, rel=1e-4)


@pytest.mark.slow
def test_many_positions_are_sampled_alike():
    """A large picture like the painting is near, one unlike it as far as a small."""
    painting, like = features(0, 60, 60, 64), features(2, 64, 50, 64)
    unlike = 1.5 * like
    assert distance(painting, painting) == 0
    assert distance(like, painting) < 0.02 < distance(unlike, painting)
    # (1.5 - 1)^2 of its energy.
    assert distance(1.5 * painting, painting) == pytest.approx(0.25, rel=1e-4)


@pytest.mark.slow
def test_a_flat_painting_is_no_division_by_zero():
    flat = np.zeros((3, 3, 2), np.float32)
    assert distance(flat, flat) == 0
    loss = Sliced()
    target = loss.statistic(view(flat))
    slope = jax.grad(lambda x: loss.distance(loss.statistic(view(x)), target))
    assert np.isfinite(slope(jnp.asarray(features(0, 3, 3, 2)))).all()
