"""Self-similarity against known values and what changes nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax.losses.self_similarity import SelfSimilarity
from nst_jax.losses.view import View

POINTS = np.float32([[[0, 0], [1, 0], [0, 2], [3, 1]]]) + 1
OTHERS = np.float32([[[0, 1], [2, 0], [1, 1], [2, 2]]]) + 1


def view(values):
    return View(jnp.asarray(values), None, jnp.float32(np.prod(values.shape[:2])))


@jax.jit
def distance(values, photo):
    loss = SelfSimilarity()
    return loss.distance(*(loss.statistic(view(x)) for x in (values, photo)))


def features(seed, *shape):
    return np.float32(np.abs(np.random.default_rng(seed).normal(size=shape)))


def test_a_known_distance():
    assert distance(POINTS, OTHERS) == pytest.approx(1.2050338387, rel=1e-3)


def test_numpy():
    def alike(values):
        flat = np.float64(values.reshape(-1, values.shape[-1]))
        flat /= np.linalg.norm(flat, axis=1, keepdims=True)
        apart = 1 - flat @ flat.T
        return apart / apart.sum(0)

    one, two = features(0, 5, 6, 4), features(1, 5, 6, 4)
    expected = np.abs(alike(one) - alike(two)).mean() * 30
    assert distance(one, two) == pytest.approx(expected, rel=1e-3)


def test_what_changes_nothing():
    """Colours and tones that are turned or scaled together."""
    one, two = features(0, 5, 6, 4), features(1, 5, 6, 4)
    before = float(distance(one, two))
    turn, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(4, 4)))
    assert distance(np.float32(one @ turn), 5 * two) == pytest.approx(before, rel=1e-3)
    lengths = features(2, 5, 6, 1) + 0.1
    assert distance(lengths * one, two) == pytest.approx(before, rel=1e-3)
    assert distance(np.float32(two @ turn), two) < 1e-3 * before
    assert distance(one[::-1], two) != pytest.approx(before, rel=1e-2)


@pytest.mark.slow
def test_rounding_is_no_kink():
    """A photo is at rest, though other programs round its features otherwise."""
    photo = features(0, 20, 20, 8)
    rounded = photo * (1 + 3e-7 * np.random.default_rng(1).normal(size=photo.shape))
    slope = jax.grad(lambda x: distance(x, photo))
    there, near = (
        np.linalg.norm(slope(jnp.asarray(values, jnp.float32)))
        for values in (rounded, photo + 0.1 * features(2, 20, 20, 8))
    )
    assert there < 0.05 * near


@pytest.mark.slow
def test_many_positions_are_sampled_alike():
    one, two = features(0, 40, 40, 4), features(1, 40, 40, 4)
    assert distance(one, one) == pytest.approx(0, abs=1e-9)
    part = float(distance(one[:30, :30], two[:30, :30]))
    assert distance(one, two) == pytest.approx(part, rel=0.05)


@pytest.mark.slow
def test_what_is_alike_everywhere_is_no_division_by_zero():
    flat = np.full((3, 4, 4), 0.5, np.float32)
    assert distance(flat, flat) == 0
    slope = jax.grad(lambda x: distance(x, flat))(jnp.asarray(features(0, 3, 4, 4)))
    assert np.isfinite(slope).all()
