"""Local response normalisation against loops in float64, and its gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.layer_references import local_response_norm as reference

from nst_jax.networks.normalization import local_response_norm

PARAMETERS = [
    {"size": 5, "alpha": 1e-4, "beta": 0.75, "k": 1.0},  # CaffeNet's
    {"size": 5, "alpha": 2.0, "beta": 0.75, "k": 2.0},
    {"size": 4, "alpha": 0.5, "beta": 0.6, "k": 1.5},
    {"size": 1, "alpha": 1.0, "beta": 1.0, "k": 1.0},
]


@pytest.mark.parametrize("parameters", PARAMETERS)
@pytest.mark.parametrize("channels", [9, pytest.param(3, marks=pytest.mark.slow)])
def test_values_and_gradients(parameters, channels):
    rng = np.random.default_rng(channels)
    # As large as activations of Caffe's networks are: the sum of squares counts.
    scale = 100 if parameters["alpha"] < 0.1 else 1
    image = scale * rng.normal(size=(4, 5, channels))
    cotangent = rng.normal(size=image.shape)

    @jax.jit
    def value_and_pullback(image, cotangent):
        value, backward = jax.vjp(lambda x: local_response_norm(x, **parameters), image)
        return value, backward(cotangent)[0]

    value, gradient = value_and_pullback(
        np.float32(image[None]), np.float32(cotangent[None])
    )
    np.testing.assert_allclose(value[0], reference(image, **parameters), rtol=1e-5)

    direction = rng.normal(size=image.shape)
    step = 1e-6 * scale
    ahead = reference(image + step * direction, **parameters)
    behind = reference(image - step * direction, **parameters)
    expected = np.sum(cotangent * (ahead - behind)) / (2 * step)
    found = np.sum(np.float64(gradient[0]) * direction)
    sized = np.linalg.norm(gradient[0]) * np.linalg.norm(direction)
    assert abs(found - expected) < 1e-5 * sized


def test_by_hand():
    image = jnp.array([3.0, 4.0, 0.0]).reshape(1, 1, 1, 3)
    found = local_response_norm(image, size=3, alpha=3.0, beta=0.5, k=0.0)
    np.testing.assert_allclose(found.ravel(), [3 / 5, 4 / 5, 0], rtol=1e-6)


def test_bfloat16_stays():
    image = jnp.ones((1, 2, 2, 8), jnp.bfloat16)
    found = local_response_norm(image, size=5, alpha=1.0, beta=0.75, k=1.0)
    assert found.dtype == jnp.bfloat16


def test_vmap_is_a_loop():
    images = np.random.default_rng(1).normal(size=(3, 2, 4, 5, 7)).astype(np.float32)

    @jax.jit
    def gradient(lane):
        def total(x):
            normed = local_response_norm(x, size=5, alpha=2.0, beta=0.75, k=1.0)
            return jnp.sum(normed**3)

        return jax.grad(total)(lane)

    together = jax.jit(jax.vmap(gradient))(images)
    for lane, image in zip(together, images, strict=True):
        np.testing.assert_allclose(lane, gradient(image), rtol=1e-4, atol=1e-5)
