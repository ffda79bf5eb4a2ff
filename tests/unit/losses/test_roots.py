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
def test_polynomials_lead_to_one_and_each_is_the_nearest(rows, least):
    """All from `least` to 1; the largest errors of each are alike, in turns."""
    values = np.unique(np.concatenate([np.geomspace(least, 1, 20001), [1.0]]))
    low, high = least, 1.0
    for a, b, c in rows[:-1]:
        here = np.linspace(low, high, 400001)
        error = a * here + b * here**3 + c * here**5 - 1
        most = np.abs(error).max()
        # Chebyshev: the nearest of three terms has its largest error four times.
        inner = np.flatnonzero(np.diff(np.sign(np.diff(error)))) + 1
        extremes = error[[0, *inner, -1]]
        assert len(extremes) == 4
        np.testing.assert_allclose(extremes, most * np.array([-1, 1, -1, 1]), rtol=0.1)
        low, high = 1 - most, 1 + most
        values = a * values + b * values**3 + c * values**5
    a, b, c = rows[-1]
    values = a * values + b * values**3 + c * values**5
    np.testing.assert_allclose(values, 1, atol=1e-6)


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
