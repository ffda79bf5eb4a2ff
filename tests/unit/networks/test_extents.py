"""Images padded to one shape: each seen as it would be alone, and nothing around it.

`tests/contracts/test_networks.py` shows it of every network; here are other poolings,
types and Winograd's method, whose tiles reach over the edge of an image.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.tiny import built, random_weights

from nst_jax.networks import extract, winograd
from nst_jax.networks.extents import confine
from nst_jax.networks.network import Network
from weights_convert.architectures import (
    CAFFE,
    Architecture,
    Concatenation,
    Convolution,
    Pooling,
    vgg_layers,
)

_RNG = np.random.default_rng(17)

see = jax.jit(Network.__call__, static_argnums=2)


def batch_of(extents, frame):
    """Images of these extents, alone, and padded with noise to one array."""
    alone = [_RNG.random((*extent, 3), np.float32) for extent in extents]
    padded = _RNG.random((len(extents), *frame, 3), np.float32)
    for image, (height, width), slot in zip(alone, extents, padded, strict=True):
        slot[:height, :width] = image
    return alone, padded


def check(network, taps, extents, frame, tolerance=1e-5):
    """Taps of padded images against those of each image alone."""
    alone, padded = batch_of(extents, frame)
    found = see(network, padded, taps, jnp.array(extents, jnp.int32))
    for lane, image in enumerate(alone):
        expected = see(network, image[None], taps)
        for tap in taps:
            features = np.float32(found[tap].features[lane])
            agree(features, np.float32(expected[tap].features[0]), tolerance)
            assert found[tap].count[lane] == expected[tap].count[0]
            assert found[tap].weight[lane].sum() == expected[tap].count[0]
    return found


def agree(found, expected, tolerance):
    """`found`, of a frame, is `expected` in its part and zero elsewhere."""
    height, width, _ = expected.shape
    assert not np.any(found[height:])
    assert not np.any(found[:, width:])
    error = np.linalg.norm(found[:height, :width] - expected)
    assert error <= tolerance * max(np.linalg.norm(expected), 1e-6)


def test_confine_by_hand():
    images = jnp.ones((2, 2, 3, 1))
    found = confine(images, jnp.array([[1, 2], [2, 3]], jnp.int32))
    np.testing.assert_array_equal(found[0, ..., 0], [[1, 1, 0], [0, 0, 0]])
    np.testing.assert_array_equal(found[1], images[1])
    # What is not a number outside of the part stays outside.
    spoilt = confine(images * jnp.nan, jnp.array([[0, 3], [2, 0]], jnp.int32))
    np.testing.assert_array_equal(spoilt, jnp.zeros_like(images))


@pytest.mark.parametrize(
    "pooling",
    [
        "avg_ceil",
        *(pytest.param(p, marks=pytest.mark.slow) for p in ("avg", "max_ceil")),
    ],
)
def test_other_poolings_see_the_image_alone(pooling):
    """Windows that overlap, reach over the edge, and are padded."""
    architecture = Architecture(
        "pooled",
        "pooled",
        CAFFE,
        (
            Convolution("conv1", 3, 4),
            Pooling("pool1"),
            Pooling("pool2", 3, 2, ceil=True),
            Pooling("pool3", 3, 1, 1),
            Convolution("conv2", 4, 2, 1, 1, padding=0, bottom="pool2"),
            Concatenation("joined", ("pool3", "conv2")),
        ),
    )
    weights = random_weights(architecture, np.random.default_rng(5))
    network = built(architecture, weights, pooling=pooling)
    # Odd and even; the last one's width leaves nothing for the deepest tap.
    extents = [(19, 26), (23, 3)]
    found = check(network, ("pool1", "joined"), extents, (23, 30))
    assert bool(found["joined"].count[1]) == pooling.endswith("ceil")


def test_noise_around_is_seen_without_extents(tiny_network):
    _, padded = batch_of([(33, 45)], (37, 50))
    extents = jnp.array([(33, 45)], jnp.int32)
    found = see(tiny_network, padded, ("relu1_2",), extents)["relu1_2"].features
    spoilt = see(tiny_network, padded, ("relu1_2",))["relu1_2"].features
    np.testing.assert_allclose(spoilt[0, :31, :43], found[0, :31, :43], rtol=1e-4)
    assert not np.allclose(spoilt[0, 31:33, :45], found[0, 31:33, :45])


@pytest.mark.slow
def test_extents_keep_bfloat16(tiny_architecture, tiny_weights):
    network = built(tiny_architecture, tiny_weights, precision="bfloat16")
    taps = ("relu1_1", "relu2_1")
    found = check(network, taps, [(33, 45)], (37, 50), tolerance=0.01)
    assert {view.features.dtype for view in found.values()} == {jnp.dtype("bfloat16")}


@pytest.mark.slow
def test_prepared_kernels_see_the_image_alone():
    layers = vgg_layers(
        (
            Convolution("conv1_1", 3, 64),
            Convolution("conv1_2", 64, 64),
            Convolution("conv2_1", 64, 64),
        )
    )
    wide = Architecture("wide", "vgg", CAFFE, layers)
    weights = random_weights(wide, np.random.default_rng(3))
    prepared = extract.prepare(extract.build(wide, weights), ["conv2_1"])
    for name in ("conv1_2", "conv2_1"):
        assert prepared.convolutions[name].transformed is not None
    extents = [(19, 22), (26, 17)]
    for height, width in extents:
        assert winograd.pays_off((1, height // 2, width // 2, 64), 64)
    check(prepared, ("relu1_2", "pool1", "conv2_1"), extents, (27, 30))
