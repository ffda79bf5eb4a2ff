"""Roots of matrices by products of them, beside those by eigenvalues."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax.losses import roots
from nst_jax.losses.roots import (
    polar_by_products,
    polar_by_values,
    roots_by_eigenvalues,
    roots_by_products,
)


def covariance(seed, *, size=48, steep=6.0, positions=400):
    """Of positive features, the weakest direction e^-steep of the strongest."""
    rng = np.random.default_rng(seed)
    scales = np.exp(np.linspace(0, -steep, size) / 2)
    mixed = rng.normal(size=(positions, size)) * scales
    turned = mixed @ np.linalg.qr(rng.normal(size=(size, size)))[0]
    away = np.maximum(turned + 0.2, 0)
    away -= away.mean(0)
    return away.T @ away / positions


@pytest.mark.parametrize("louder", [1, 30], ids=["alike", "of 30 times the contrast"])
@pytest.mark.parametrize("positions", [400, 20], ids=["many", "few positions"])
def test_roots_by_products_are_those_by_eigenvalues(louder, positions):
    """In float32, as accelerators take them, against numpy's in float64.

    Where rounding of the matrix itself decides, eigenvalues are no nearer.
    """
    wanted, found = covariance(1), louder**2 * covariance(2, positions=positions)
    values, vectors = np.linalg.eigh(wanted)
    added = 4 * np.finfo(np.float32).eps ** 0.5 * values[-1]
    root = vectors * np.sqrt(values + added) @ vectors.T
    between = root @ (found + added * np.eye(len(found))) @ root
    values, vectors = np.linalg.eigh(between)
    exact = root @ (vectors / np.sqrt(values) @ vectors.T) @ root
    errors = {}
    for way in roots_by_products, roots_by_eigenvalues:
        trace, inverse = jax.jit(way)(jnp.float32(between))
        assert trace == pytest.approx(np.sqrt(values).sum(), rel=5e-3)
        slope = root @ np.asarray(inverse, np.float64) @ root
        errors[way] = np.linalg.norm(slope - exact) / np.linalg.norm(exact)
    assert errors[roots_by_products] < 0.01 + 2 * errors[roots_by_eigenvalues]
    if louder == 1:
        assert errors[roots_by_products] < 0.03


@pytest.mark.parametrize(
    ("rows", "least"),
    [(roots._FROM_ROUNDING, 4.78e-4), (roots._FROM_A_100000TH, 1e-5)],
    ids=["roots", "polar"],
)
def test_polynomials_lead_to_one_whatever_is_rounded(rows, least):
    """All from `least` to 1, and a little beyond: the largest is rounded too."""
    rng = np.random.default_rng(0)
    exact = np.concatenate([np.geomspace(least, 1, 9999), np.linspace(least, 1.005)])
    rounded = exact
    for a, b, c in rows:
        exact = a * exact + b * exact**3 + c * exact**5
        rounded = a * rounded + b * rounded**3 + c * rounded**5
        rounded = rounded * (1 + 3e-5 * rng.normal(size=rounded.shape))
        assert 0 < exact.min() <= exact.max() < 2.01
    assert np.abs(exact - 1).max() < 1e-6
    assert np.abs(rounded - 1).max() < 3e-4


@pytest.mark.parametrize("others", [0.0, 1e-6, 1e-2])
def test_one_direction_is_nearly_all(others):
    """Its share of the norm is 1, where polynomials are at their edge."""
    turned = np.linalg.qr(np.random.default_rng(3).normal(size=(48, 48)))[0]
    values = np.array([1.0] + 47 * [others])
    found, inverse = jax.jit(roots_by_products)(jnp.float32(turned * values @ turned.T))
    assert np.isfinite(inverse).all()
    # All are raised by what can't be told from 0.
    total = np.sqrt(values + 2 * np.finfo(np.float32).eps).sum()
    assert found == pytest.approx(total, rel=0.02)
    total, turn = jax.jit(polar_by_products)(jnp.float32((turned * values)[:, :8].T))
    assert total == pytest.approx(values[:8].sum(), rel=1e-3)
    assert np.linalg.norm(turn, 2) < 1.01


@pytest.mark.slow
def test_roots_of_nothing():
    for way in roots_by_eigenvalues, roots_by_products:
        trace, inverse = way(jnp.zeros((3, 3)))
        assert trace == pytest.approx(0, abs=1e-10)
        assert np.isfinite(inverse).all()


def test_all_singular_values_are_one():
    """By both ways, of values down to a 10,000th; what isn't there turns nothing."""
    rng = np.random.default_rng(0)
    left, _ = np.linalg.qr(rng.normal(size=(8, 8)))
    right, _ = np.linalg.qr(rng.normal(size=(20, 8)))
    values = np.geomspace(1, 1e-4, 8)
    matrix = jnp.float32(left * values @ right.T)
    for polar in polar_by_values, polar_by_products:
        total, turn = jax.jit(polar)(matrix)
        assert total == pytest.approx(values.sum(), rel=1e-5)
        np.testing.assert_allclose(turn, left @ right.T, atol=3e-3)
        total, turn = jax.jit(polar)(jnp.zeros((3, 5)))
        assert total == 0
        assert np.isfinite(turn).all()
