"""The content loss against numpy in float64, and by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax.losses.content import CONTENT_SCALES, content_loss


def features(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 3, shape)


def test_by_hand():
    found = jnp.array([[[1.0, 2.0]], [[3.0, 4.0]]])
    assert content_loss(found, jnp.zeros_like(found)) == 7.5
    assert content_loss(found, found) == 0
    assert content_loss(found, found + 2) == 4


@pytest.mark.parametrize("scale", CONTENT_SCALES)
def test_numpy(scale):
    found, target = features(0, 5, 7, 3), features(1, 5, 7, 3)
    loss = content_loss(jnp.float32(found), jnp.float32(target), scale=scale)
    assert loss.dtype == jnp.float32
    squared = (found - target) ** 2
    expected = {"mean": np.mean(squared), "half_sum": np.sum(squared) / 2}[scale]
    assert loss == pytest.approx(expected, rel=1e-6)


def test_bfloat16_is_compared_in_float32():
    found = jnp.asarray(features(0, 40, 41, 3), jnp.bfloat16)
    target = jnp.asarray(features(1, 40, 41, 3), jnp.bfloat16)
    expected = np.mean((np.float64(found) - np.float64(target)) ** 2)
    loss = content_loss(found, target)
    assert loss.dtype == jnp.float32
    assert loss == pytest.approx(expected, rel=1e-5)
    # A running sum in bfloat16 stops growing: 256 + 1 is 256.
    squares = jnp.square(found - target).ravel()
    narrow, _ = jax.lax.scan(lambda s, x: (s + x, None), jnp.bfloat16(0), squares)
    assert narrow / squares.size < 0.5 * expected


def test_gradient():
    with jax.enable_x64(True):
        found, target = features(0, 3, 4, 2), features(1, 3, 4, 2)
        direction = features(2, 3, 4, 2)
        gradient = jax.grad(content_loss)(jnp.asarray(found), jnp.asarray(target))
        above, below = (
            content_loss(jnp.asarray(found + step * direction), jnp.asarray(target))
            for step in (1e-3, -1e-3)
        )
        assert gradient.dtype == jnp.float64
        assert np.vdot(gradient, direction) == pytest.approx(
            float(above - below) / 2e-3, rel=1e-9
        )
    np.testing.assert_allclose(gradient, 2 * (found - target) / found.size, rtol=1e-12)


def test_vmap_is_a_loop():
    found = np.float32(features(0, 3, 4, 5, 2))
    target = np.float32(features(1, 4, 5, 2))
    lanes = jax.vmap(content_loss, in_axes=(0, None))(found, target)
    assert lanes.shape == (3,)
    np.testing.assert_allclose(
        lanes, [content_loss(lane, target) for lane in found], rtol=1e-6
    )
