"""Optimal transport between Gaussians against known values and its invariances."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax.losses import wasserstein
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


def distance(values, painting):
    loss = W2()
    target = loss.blend([loss.statistic(view(painting))], [1.0])
    return float(loss.distance(loss.statistic(view(values)), target))


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


def _steep(seed, low, channels=64):
    """A covariance like those of networks: few directions hold almost all."""
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.normal(size=(channels, channels)))
    return turn * np.geomspace(1, low, channels) @ turn.T


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_iteration_finds_what_the_eigenvalues_say(dtype):
    matrix = jnp.asarray(_steep(0, 1e-4), dtype)
    (trace, inverse), (wanted, inverse_wanted) = (
        f(matrix) for f in (wasserstein._by_iteration, wasserstein._by_eigenvalues)
    )
    assert trace == pytest.approx(float(wanted), rel=1e-4)
    np.testing.assert_allclose(inverse, inverse_wanted, atol=0.02 * abs(inverse).max())


@pytest.mark.parametrize(("iterations", "exact"), [(30, True), (12, False)])
def test_so_many_iterations_are_needed(monkeypatch, iterations, exact):
    """At the painting's own covariance there is nothing to gain (12: a tenth)."""
    monkeypatch.setattr(wasserstein, "_ITERATIONS", iterations)
    root = jnp.asarray(_steep(1, 1e-2))  # Of the painting's covariance.
    trace, inverse = wasserstein._by_iteration(root @ root @ root @ root)
    slope = jnp.eye(len(root)) - root @ inverse @ root
    near = 0.05  # Of the gradient where the covariance is a tenth too large.
    weight = root @ root / jnp.trace(root @ root)
    size = jnp.sqrt(jnp.trace(slope @ weight @ slope))
    assert (size < 0.01 * near) == exact
    assert (abs(2 * (jnp.trace(root @ root) - trace)) < 1e-3) == exact


def test_a_flat_painting_is_no_division_by_zero():
    flat = np.zeros((1, 9, 3))
    assert distance(flat, flat) == 0
    slope = jax.grad(lambda x: _to(flat, x))(jnp.asarray(features(0, channels=3)))
    assert np.isfinite(slope).all()


def _to(painting, values):
    loss = W2()
    target = loss.blend([loss.statistic(view(painting))], [1.0])
    return loss.distance(loss.statistic(view(values)), target)
