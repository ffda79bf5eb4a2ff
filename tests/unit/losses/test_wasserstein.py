"""Optimal transport between Gaussians against known values and its invariances."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax.losses.view import View
from nst_jax.losses.wasserstein import W2

MEAN, COVARIANCE = (1.0, 2.0), ((4.0, 1.0), (1.0, 3.0))
MEAN_S, COVARIANCE_S = (0.0, 4.0), ((2.0, -0.5), (-0.5, 1.0))
ENERGY_S = 16 + 3


def points(mean, covariance):
    """`[1, 2 c, c]` with exactly these moments."""
    steps = np.linalg.cholesky(np.array(covariance)).T * np.sqrt(len(mean))
    return (np.array(mean) + np.concatenate([steps, -steps]))[None]


def features(seed, *, channels=6, pixels=50):
    rng = np.random.default_rng(seed)
    mixed = rng.normal(size=(1, pixels, channels)) @ rng.normal(size=(channels,) * 2)
    return np.maximum(mixed + rng.normal(size=channels), 0)


def view(values):
    return View(jnp.asarray(values), None, jnp.float32(np.prod(values.shape[:2])))


def energy(values):
    return np.square(values).sum() / np.prod(values.shape[:2])


@jax.jit
def _to(painting, values):
    loss = W2()
    target = loss.blend([loss.statistic(view(painting))], [1.0])
    return loss.distance(loss.statistic(view(values)), target)


def distance(values, painting):
    return float(_to(painting, values))


@pytest.fixture(autouse=True)
def _in_float64():
    with jax.enable_x64(True):
        yield


def test_a_known_distance():
    found = distance(points(MEAN, COVARIANCE), points(MEAN_S, COVARIANCE_S))
    assert found == pytest.approx((5 + 1.3339826016) / ENERGY_S, rel=1e-5)


def test_one_channel_has_means_and_deviations():
    found = distance(points((1.0,), ((4.0,),)), points((3.0,), ((0.25,),)))
    assert found == pytest.approx((4 + 1.5**2) / 9.25, rel=1e-5)


def test_against_the_eigenvalues_of_the_product():
    """`tr (S_s^1/2 S S_s^1/2)^1/2` is the sum of the roots of those of `S S_s`."""
    one, two = features(0), features(1)
    moments = []
    for values in (one, two):
        flat = values[0]
        moments.append((flat.mean(0), np.cov(flat.T, bias=True)))
    (mean, shape), (mean_s, shape_s) = moments
    between = np.sqrt(np.maximum(np.linalg.eigvals(shape @ shape_s).real, 0)).sum()
    expected = np.square(mean - mean_s).sum() + np.trace(shape + shape_s) - 2 * between
    assert distance(one, two) == pytest.approx(expected / energy(two), rel=1e-3)


@pytest.mark.slow
def test_what_changes_nothing():
    one, two = features(0), features(1)
    before = distance(one, two)
    shuffled = np.random.default_rng(2).permutation(one, axis=1)
    assert distance(shuffled, two) == pytest.approx(before, rel=1e-9)
    turn, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(6, 6)))
    assert distance(one @ turn, two @ turn) == pytest.approx(before, rel=1e-6)
    # A network whose features are larger asks for the same.
    assert distance(100 * one, 100 * two) == pytest.approx(before, rel=1e-6)
    theirs = distance(two, one) * energy(one)
    assert theirs == pytest.approx(before * energy(two), rel=1e-4)


def test_moved_features_are_as_far_as_they_moved():
    one = features(0)
    step = np.arange(6.0)
    assert distance(one + step, one) == pytest.approx(
        np.square(step).sum() / energy(one), rel=1e-6
    )


def test_paintings_blend_to_that_of_both_side_by_side():
    one, two, loss = features(0), features(1), W2()
    parts = [loss.statistic(view(values)) for values in (one, two)]
    both = np.concatenate([one, two], axis=1)
    whole = loss.blend([loss.statistic(view(both))], [1.0])
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9),
        loss.blend(parts, [0.5, 0.5]),
        whole,
    )


@pytest.mark.slow
def test_few_directions_that_hold_almost_all():
    """As features of networks are, in float32: the painting itself is at the bottom."""
    rng = np.random.default_rng(0)
    turn, _ = np.linalg.qr(rng.normal(size=(64, 64)))
    spread = turn * np.geomspace(1, 1e-3, 64) @ turn.T
    painting = np.float32(rng.normal(size=(1, 4000, 64)) @ spread)
    with jax.enable_x64(False):
        there, near, far = (
            jax.value_and_grad(lambda x: _to(painting, x))(jnp.asarray(values))
            for values in (painting, 1.05 * painting, 2 * painting)
        )
    assert there[0] < 0.05 * near[0] < near[0] < far[0]
    assert np.linalg.norm(there[1]) < 0.05 * np.linalg.norm(near[1])
    assert far[0] == pytest.approx(1.0, rel=0.03)  # (2 - 1)^2 of its energy.


def exact(values, painting):
    """Of fewer positions than channels: by the singular values of `X X_s^T`."""
    (one, mean), (two, mean_s) = (
        ((of - of.mean(0)) / np.sqrt(len(of)), of.mean(0))
        for of in (np.float64(values[0]), np.float64(painting[0]))
    )
    between = np.linalg.svd(one @ two.T, compute_uv=False).sum()
    apart = np.square(mean - mean_s).sum() + np.square(one).sum()
    return (apart + np.square(two).sum() - 2 * between) / energy(painting)


@pytest.mark.parametrize("pixels", [9, 60])
def test_fewer_positions_than_channels(pixels):
    """Exact in float32, with a gradient to rounding, however many the painting has."""
    painting = features(0, channels=40, pixels=pixels)
    values = features(1, channels=40, pixels=9)
    with jax.enable_x64(False):
        slope_of = jax.value_and_grad(lambda x: _to(np.float32(painting), x))
        found, slope = slope_of(jnp.float32(values))
    assert found == pytest.approx(exact(values, painting), rel=1e-5)
    step = 1e-5 * np.random.default_rng(2).normal(size=values.shape)
    rise = exact(values + step, painting) - exact(values - step, painting)
    assert np.sum(slope * step) == pytest.approx(rise / 2, rel=1e-3)


@pytest.mark.slow
def test_few_positions_through_a_mask():
    """What weighs nothing is not there, and two halves are one."""
    painting, values = (features(seed, channels=40, pixels=9) for seed in (0, 1))
    some = np.concatenate([values[:, :4], values[:, :4], values[:, 6:]], axis=1)
    weight = jnp.float32([[0.5] * 8 + [1, 0, 1]])
    whole = values[:, [0, 1, 2, 3, 6, 8]]
    with jax.enable_x64(False):
        target = W2().blend([W2().statistic(view(np.float32(painting)))], [1.0])
        seen = View(jnp.float32(some), weight, jnp.float32(6))
        found = W2().distance(W2().statistic(seen), target)
    assert found == pytest.approx(exact(whole, painting), rel=1e-5)


def test_few_positions_of_the_painting_itself():
    """The distance is 0 and flat there."""
    painting = np.float32(features(0, channels=40, pixels=9))
    with jax.enable_x64(False):
        slope_of = jax.value_and_grad(lambda x: _to(painting, x))
        there, slope = slope_of(jnp.asarray(painting))
        _, aside = slope_of(jnp.float32(1.05 * painting))
    assert there == pytest.approx(0, abs=1e-6)
    assert np.linalg.norm(slope) < 1e-3 * np.linalg.norm(aside)


@pytest.mark.slow
def test_a_flat_painting_is_no_division_by_zero():
    flat = np.zeros((1, 9, 3))
    assert distance(flat, flat) == 0
    with jax.enable_x64(False):
        values = jnp.float32(features(0, channels=3))
        slope = jax.grad(lambda x: _to(np.float32(flat), x))(values)
    assert np.isfinite(slope).all()
