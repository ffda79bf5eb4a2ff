"""Products of many pixels, which CPUs sum by bands, against numpy in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax.losses.products import products
from nst_jax.losses.view import View

_CHANNELS = 512
_PIXELS = 16 * 512 + 5  # So many that there are bands, and some pixels are left.


@pytest.fixture(scope="module")
def features():
    return np.random.default_rng(3).normal(size=(1, _PIXELS, _CHANNELS))


@pytest.fixture(scope="module")
def weight():
    return np.random.default_rng(4).uniform(size=(1, _PIXELS))


def seen(features, weight=None):
    features = jnp.asarray(features, jnp.float32)
    weight = None if weight is None else jnp.asarray(weight, jnp.float32)
    return View(features, weight, jnp.float32(_PIXELS))


@pytest.mark.skipif(
    jax.default_backend() != "cpu" or jax.device_count() > 1, reason="for one CPU"
)
def test_many_pixels_go_by_bands_and_few_at_once(features):
    def loops(values):
        return "while" in jax.jit(lambda f: products(seen(f))).lower(values).as_text()

    assert loops(np.float32(features))
    assert not loops(np.float32(features[:, :8000]))


@pytest.mark.parametrize("weighted", [False, True])
def test_numpy(features, weight, weighted):
    scaled = features[0] * (weight[0][:, None] if weighted else 1)
    expected = scaled.T @ features[0]
    found = products(seen(features, weight if weighted else None))
    # Of sums of some 8,000 products of order 1.
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-3)


def test_gradient(features, weight):
    cotangent = np.random.default_rng(5).normal(size=(_CHANNELS, _CHANNELS))

    def along(values):
        return jnp.sum(products(seen(values, weight)) * cotangent.astype(np.float32))

    found = jax.jit(jax.grad(along))(np.float32(features))
    symmetric = cotangent + cotangent.T
    expected = (features[0] @ symmetric) * weight[0][:, None]
    np.testing.assert_allclose(found[0], expected, rtol=1e-4, atol=1e-3)


def test_pictures_side_by_side_are_what_each_is(features):
    both = np.float32(np.stack([features, features[:, ::-1] * 2]))
    found = jax.vmap(lambda values: products(seen(values)))(both)
    for one, values in zip(found, both, strict=True):
        np.testing.assert_allclose(one, products(seen(values)), rtol=1e-5, atol=5e-3)
