"""Optimal transport by twelve iterations, against eigenvalues in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax.losses import iterated
from nst_jax.losses.iterated import Gaussian, IteratedW2
from nst_jax.losses.terms import Sums

iterated_root = jax.jit(iterated.iterated_root)

MEAN, WANTED = np.array([1.0, 2.0]), np.array([0.0, 4.0])
COVARIANCE = np.array([[4.0, 1.0], [1.0, 3.0]])
TARGET = np.array([[2.0, -0.5], [-0.5, 1.0]])


def sums(mean, covariance, count=10.0):
    """What a picture with these moments has."""
    two = count * (covariance + np.outer(mean, mean))
    return Sums({"one": count * jnp.asarray(mean), "two": jnp.asarray(two)}, count)


def root(matrix):
    values, vectors = np.linalg.eigh(matrix)
    return vectors * np.sqrt(values) @ vectors.T


def test_by_hand():
    """1/2 (|m - m_s|^2 + tr(S + S_s - 2 root)), worked out by eigenvalues."""
    loss = IteratedW2()
    with jax.enable_x64(True):
        target = loss.blend([sums(WANTED, TARGET)], [1.0])
        found = loss.distance(sums(MEAN, COVARIANCE), target)
    assert found == pytest.approx(3.1669568996, rel=1e-9)


def test_the_root_and_its_gradient():
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(6, 6))
    matrix = matrix @ matrix.T + np.eye(6)
    cotangent = rng.normal(size=(6, 6))
    cotangent += cotangent.T
    with jax.enable_x64(True):
        found, back = jax.vjp(iterated_root, jnp.asarray(matrix))
        (slope,) = back(jnp.asarray(cotangent))
        found, slope = np.asarray(found), np.asarray(slope)
    np.testing.assert_allclose(found, root(matrix), rtol=1e-8, atol=1e-10)
    # R X + X R = G
    solved = found @ slope + slope @ found
    np.testing.assert_allclose(solved, cotangent, rtol=1e-6, atol=1e-8)


def test_its_bias_is_the_systems():
    """Twelve iterations don't resolve an eigenvalue of a millionth of the norm."""
    with jax.enable_x64(True):
        values = np.diag(iterated_root(jnp.diag(jnp.array([1.0, 1e-2, 1e-7]))))
    np.testing.assert_allclose(values[:2], [1, 0.1], rtol=1e-3)
    assert values[2] < 0.5 * 1e-7**0.5


def test_paintings_blend_by_their_moments_about_zero():
    with jax.enable_x64(True):
        target = IteratedW2().blend(
            [sums(MEAN, COVARIANCE), sums(WANTED, TARGET, 30.0)], [0.25, 0.75]
        )
    assert isinstance(target, Gaussian)
    mean = 0.25 * MEAN + 0.75 * WANTED
    second = 0.25 * (COVARIANCE + np.outer(MEAN, MEAN))
    second += 0.75 * (TARGET + np.outer(WANTED, WANTED))
    np.testing.assert_allclose(target.mean, mean)
    expected = second - np.outer(mean, mean) + 1e-4 * np.eye(2)
    np.testing.assert_allclose(target.covariance, expected)
