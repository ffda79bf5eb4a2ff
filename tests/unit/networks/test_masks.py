"""Masks of taps: of the shapes of features, and of what their places see."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage
from support.tiny import built, narrow, random_weights

from nst_jax.networks import masks
from nst_jax.networks.pooling import AVG, MAX, MAX_CEIL
from weights_convert import architectures

TAPS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")


@pytest.mark.parametrize("name", ["vgg19", "alexnet", "squeezenet1_1", "googlenet"])
def test_shapes_are_those_of_features(name):
    architecture = narrow(architectures.find(name))
    taps = architecture.trunk[:14]
    network = built(architecture, random_weights(architecture, np.random.default_rng()))
    for shape in ((67, 90), (71, 64)):
        image = jax.ShapeDtypeStruct((1, *shape, 3), jnp.float32)
        views = jax.eval_shape(lambda n, x: n(x, taps), network, image)
        expected = {tap: view.features.shape[1:3] for tap, view in views.items()}
        assert masks.shapes(architecture, shape, taps, network.pooling) == expected


def test_ceil_mode_counts_the_last_windows(tiny_architecture):
    found = masks.shapes(tiny_architecture, (33, 34), ("relu2_1",), MAX_CEIL)
    assert found == {"relu2_1": (17, 17)}
    found = masks.shapes(tiny_architecture, (33, 34), ("relu2_1",), MAX)
    assert found == {"relu2_1": (16, 17)}


def at_taps(architecture, mask, reach, taps=TAPS):
    found = masks.at_taps(architecture, mask[None], taps, reach=reach, pooling=MAX)
    return {tap: of[0] for tap, of in found.items()}


def test_simple_masks_are_means_of_squares(tiny_architecture):
    mask = np.random.default_rng(0).random((48, 32), np.float32)
    found = at_taps(tiny_architecture, mask, masks.SIMPLE)
    for tap, side in zip(TAPS, (1, 2, 4, 8), strict=True):
        squares = mask.reshape(48 // side, side, 32 // side, side)
        np.testing.assert_allclose(found[tap], squares.mean((1, 3)), atol=1e-6)


@pytest.mark.parametrize("name", ["vgg19", "squeezenet1_1"])
def test_reach_is_that_of_the_network(name):
    """Which places see a pixel, by the network itself with kernels of ones."""
    architecture = narrow(architectures.find(name), least=1)
    tap = {"vgg19": "relu3_1", "squeezenet1_1": "fire3/concat"}[name]
    weights = random_weights(architecture, np.random.default_rng(0))
    ones = {k: np.full_like(v, 0.1 * k.endswith("kernel")) for k, v in weights.items()}
    network = built(architecture, ones, pooling="avg")
    mask = np.zeros((41, 44), np.float32)
    mask[9:17, 20:31] = 1

    @jax.jit
    def shown(values):
        inputs = values[None, ..., None] * jnp.ones(3)
        return network.activations(inputs, (tap,))[tap][0][0].sum(-1)

    def seen(values):
        """Where a tap's places see any of it."""
        return np.asarray(shown(values)) > 1e-12

    how = {"taps": (tap,), "pooling": AVG}
    every = masks.at_taps(architecture, mask[None], reach=masks.ALL, **how)[tap][0]
    np.testing.assert_array_equal(every > 0, seen(mask))
    inside = masks.at_taps(architecture, mask[None], reach=masks.INSIDE, **how)[tap][0]
    # Inside sees nothing of what is outside, but for the padding.
    np.testing.assert_array_equal(inside > 0, ~seen(1 - mask))


@pytest.mark.parametrize("places", [0, 1, -2, 9])
def test_masks_grow_and_shrink_at_taps(tiny_architecture, places):
    """By scipy's filters of squares; from a picture's edges nothing shrinks."""
    mask = np.random.default_rng(1).random((48, 40), np.float32)
    plain = at_taps(tiny_architecture, mask, masks.INSIDE)
    reach = dataclasses.replace(masks.INSIDE, grow=places)
    found = at_taps(tiny_architecture, mask, reach)
    by = ndimage.maximum_filter if places > 0 else ndimage.minimum_filter
    for tap, of in plain.items():
        expected = by(of, size=2 * abs(places) + 1, mode="nearest")
        np.testing.assert_array_equal(found[tap], expected)
    np.testing.assert_array_equal(masks.grown(np.ones((2, 5, 4)), -3), 1)
    shapes = masks.shapes(tiny_architecture, (48, 40), TAPS, MAX)
    assert shapes == {tap: of.shape for tap, of in found.items()}


def test_inside_is_within_simple_within_all(tiny_architecture):
    mask = np.zeros((64, 64), np.float32)
    mask[:40, :44] = 1
    inside, simple, every = (
        at_taps(tiny_architecture, mask, reach)
        for reach in (masks.INSIDE, masks.SIMPLE, masks.ALL)
    )
    for tap in TAPS:
        assert (inside[tap] <= simple[tap]).all()
        assert (simple[tap] <= every[tap]).all()
    assert inside["relu3_1"].sum() < simple["relu3_1"].sum() < every["relu3_1"].sum()
