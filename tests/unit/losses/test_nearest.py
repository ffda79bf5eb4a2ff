"""The nearest of many against the whole table of cosines."""

import numpy as np
import pytest
from jax import numpy as jnp

from nst_jax.losses import nearest
from nst_jax.losses.nearest import centred, mean_of

RNG = np.random.default_rng(0)
FEW, MANY = RNG.normal(size=(50, 9)), RNG.normal(size=(60, 9))


def unit(values):
    return values / np.linalg.norm(values, axis=1, keepdims=True)


@pytest.mark.parametrize(("rows", "columns"), [(2048, 8192), (7, 8), (50, 60)])
def test_brute_force(monkeypatch, rows, columns):
    """Whatever the blocks are, and what they lack of whole ones."""
    monkeypatch.setattr(nearest, "_ROWS", rows)
    monkeypatch.setattr(nearest, "_COLUMNS", columns)
    weight = np.float32(RNG.random(60) > 0.3)
    cosines = unit(FEW) @ unit(MANY).T
    cosines[:, weight == 0] = -np.inf
    place, cosine = nearest.nearest(
        *(jnp.float32(unit(FEW)), jnp.float32(unit(MANY)), jnp.asarray(weight))
    )
    np.testing.assert_array_equal(place, cosines.argmax(1))
    np.testing.assert_allclose(cosine, cosines.max(1), rtol=1e-5)


def test_of_equal_ones_the_first(monkeypatch):
    monkeypatch.setattr(nearest, "_COLUMNS", 7)
    twice = jnp.float32(np.concatenate([unit(MANY)] * 2))
    place, _ = nearest.nearest(jnp.float32(unit(MANY)), twice, jnp.ones(120))
    np.testing.assert_array_equal(place, np.arange(60))


def test_nothing_to_choose_from():
    _, cosine = nearest.nearest(
        jnp.float32(unit(FEW)), jnp.float32(unit(MANY)), jnp.zeros(60)
    )
    assert np.all(np.asarray(cosine) == -np.inf)


def test_centred_by_a_weighted_mean():
    weight = jnp.float32(RNG.random(50))
    mean = mean_of(jnp.float32(FEW), weight)
    np.testing.assert_allclose(mean, np.average(FEW, 0, weight), atol=1e-6)
    expected = unit(FEW - np.average(FEW, 0, weight))
    np.testing.assert_allclose(centred(jnp.float32(FEW), mean), expected, atol=1e-5)
    np.testing.assert_array_equal(mean_of(jnp.float32(FEW), jnp.zeros(50)), 0)
