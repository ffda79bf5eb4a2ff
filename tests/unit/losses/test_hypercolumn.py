"""Hypercolumns against bilinear reading by loops."""

import jax
import numpy as np
import pytest
from jax import numpy as jnp

from nst_jax.losses.hypercolumn import hypercolumns, shape_of
from nst_jax.losses.view import View

RNG = np.random.default_rng(0)

columns = jax.jit(hypercolumns, static_argnums=1)


def read(features, shape):
    """Bilinearly, corners at corners, of `[h, w, c]`."""
    for axis, length in enumerate(shape):
        at = np.linspace(0, features.shape[axis] - 1, length) if length > 1 else [0.0]
        lower = np.floor(at).astype(int)
        upper = np.minimum(lower + 1, features.shape[axis] - 1)
        part = (np.asarray(at) - lower)[:, None, None]
        part = part if axis == 0 else part.reshape(1, -1, 1)
        one, two = (np.take(features, places, axis) for places in (lower, upper))
        features = (1 - part) * one + part * two
    return features


def expected(maps, shape):
    parts = [read(one, shape_of(shape)) / one.shape[-1] for one in maps]
    return np.concatenate(parts, axis=-1)


@pytest.mark.parametrize("shape", [(17, 24), (3, 33)])
def test_taps_of_any_sizes_at_a_quarter_of_the_picture(shape):
    height, width = shape
    sizes = [(height, width, 2), (height // 2, width // 2, 3), (1, width // 8, 5)]
    maps = [RNG.random(size, np.float32) for size in sizes]
    (found,) = columns(
        [View.of(jnp.asarray(one)[None]) for one in maps], shape
    ).features
    np.testing.assert_allclose(found, expected(maps, shape), rtol=1e-5)


@pytest.mark.slow
def test_padded_pictures_are_what_they_are_alone():
    shapes, frame = [(17, 24), (20, 13)], (20, 24)
    extents, views, alone = np.array(shapes), [], []
    for step, channels in ((1, 2), (2, 3), (8, 4)):
        inner = extents // step
        maps = np.zeros((2, frame[0] // step, frame[1] // step, channels), np.float32)
        own = [RNG.random((h, w, channels), np.float32) for h, w in inner]
        for lane, one in zip(maps, own, strict=True):
            lane[: one.shape[0], : one.shape[1]] = one
        views.append(View.of(jnp.asarray(maps), jnp.asarray(inner), clean=True))
        alone.append(own)
    found = columns(views, frame, jnp.asarray(extents))
    for lane, shape in enumerate(shapes):
        height, width = shape_of(shape)
        wanted = np.zeros(found.features[lane].shape)
        wanted[:height, :width] = expected([own[lane] for own in alone], shape)
        np.testing.assert_allclose(found.features[lane], wanted, atol=1e-6)
        assert found.count[lane] == height * width == found.weight[lane].sum()
