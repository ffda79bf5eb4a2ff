"""Images padded to one shape: each seen as it would be alone, and nothing around it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.narrow_tables import narrow

from nst_jax.networks import extract, winograd
from nst_jax.networks.extents import confine
from weights_convert import architectures

_RNG = np.random.default_rng(17)
_FRAME = (37, 50)
# Odd and even; the last one's width leaves nothing for the deepest tap.
_EXTENTS = [(33, 45), (20, 50), (37, 17)]


def batch_of(extents, frame):
    """Images of these extents, alone, and padded with noise to one array."""
    alone = [_RNG.random((*extent, 3), np.float32) for extent in extents]
    padded = _RNG.random((len(extents), *frame, 3), np.float32)
    for image, (height, width), slot in zip(alone, extents, padded, strict=True):
        slot[:height, :width] = image
    return alone, padded


extract = jax.jit(extract.extract, static_argnums=2)


@jax.jit
def look(network, images, cotangents, extents=None):
    """Activations at the taps of `cotangents`, and the images' gradient under them."""

    def see(images):
        return extract.extract(network, images, tuple(cotangents), extents)

    found, pull_back = jax.vjp(see, images)
    return found, pull_back(cotangents)[0]


def check(network, taps, extents, frame):
    """Taps and gradients of padded images against those of each image alone."""
    alone, padded = batch_of(extents, frame)
    shapes = jax.eval_shape(lambda x: extract.extract(network, x, taps), padded)
    cotangents = {
        tap: _RNG.normal(size=shape.shape).astype(np.float32) / np.prod(shape.shape)
        for tap, shape in shapes.items()
    }
    whole = jnp.array(extents, jnp.int32)
    found, gradient = look(network, padded, cotangents, whole)
    for lane, image in enumerate(alone):
        own = jax.eval_shape(lambda x: extract.extract(network, x, taps), image[None])
        cut = {
            tap: cotangents[tap][lane][None, : own[tap].shape[1], : own[tap].shape[2]]
            for tap in taps
        }
        expected, own_gradient = look(network, image[None], cut)
        for tap in taps:
            agree(found[tap][lane], expected[tap][0], 1e-5)
        assert np.linalg.norm(own_gradient) > 1e-3
        agree(gradient[lane], own_gradient[0], 1e-4)


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


@pytest.fixture(scope="module", params=["max", "avg"])
def network(request, tiny_table, tiny_weights):
    return extract.build(tiny_table, tiny_weights, pooling=request.param)


def test_every_tap_and_gradient_is_that_of_the_image_alone(network):
    check(network, extract.tap_names("vgg19"), _EXTENTS, _FRAME)


def test_noise_around_is_seen_without_extents(tiny_network):
    _, padded = batch_of(_EXTENTS[:1], _FRAME)
    extents = jnp.array(_EXTENTS[:1], jnp.int32)
    found = extract(tiny_network, padded, ("relu1_2",), extents)["relu1_2"]
    spoilt = extract(tiny_network, padded, ("relu1_2",))["relu1_2"]
    np.testing.assert_allclose(spoilt[0, :31, :43], found[0, :31, :43], rtol=1e-4)
    assert not np.allclose(spoilt[0, 31:33, :45], found[0, 31:33, :45])


def test_other_extents_compile_nothing_again(tiny_network):
    traces = []

    @jax.jit
    def features(images, extents):
        traces.append(1)
        return extract.extract(tiny_network, images, ("relu2_1",), extents)["relu2_1"]

    for extents in ([(33, 45), (20, 50)], [(37, 9), (5, 50)]):
        alone, padded = batch_of(extents, _FRAME)
        found = features(padded, jnp.array(extents, jnp.int32))
        for lane, image in enumerate(alone):
            expected = extract(tiny_network, image[None], ("relu2_1",))["relu2_1"]
            agree(found[lane], expected[0], 1e-5)
    assert len(traces) == 1


def test_extents_keep_bfloat16(tiny_table, tiny_weights):
    network = extract.build(tiny_table, tiny_weights, precision="bfloat16")
    alone, padded = batch_of(_EXTENTS, _FRAME)
    taps = ("relu1_1", "relu3_1")
    found = extract(network, padded, taps, jnp.array(_EXTENTS, jnp.int32))
    for tap in taps:
        assert found[tap].dtype == jnp.bfloat16
    for lane, image in enumerate(alone):
        expected = extract(network, image[None], taps)
        for tap in taps:
            agree(np.float32(found[tap][lane]), np.float32(expected[tap][0]), 0.01)


# Winograd's method, whose tiles reach over the edge of an image.


@pytest.fixture(scope="module", params=["max", "avg"])
def wide(request):
    """Two blocks, wide enough for Winograd's method to pay off, and prepared."""
    convolutions = (
        architectures.Convolution("conv1_1", 3, 64),
        architectures.Convolution("conv1_2", 64, 64),
        architectures.Convolution("conv2_1", 64, 128),
        architectures.Convolution("conv2_2", 128, 64),
    )
    layers = architectures.vgg_layers(convolutions)
    table = architectures.Architecture("wide", "vgg", architectures.CAFFE, layers)
    weights = extract.random_weights(table, np.random.default_rng(3))
    network = extract.build(table, weights, pooling=request.param)
    prepared = extract.prepare(network, ["conv2_2"])
    for name in ("conv1_2", "conv2_1", "conv2_2"):
        assert prepared.convolutions[name].transformed is not None
    return prepared


def test_prepared_kernels_see_the_image_alone(wide):
    extents = [(19, 22), (26, 17)]
    for height, width in extents:
        assert winograd.pays_off((1, height // 2, width // 2, 64), 128)
    check(wide, ("relu1_2", "pool1", "relu2_1", "conv2_2"), extents, (27, 30))


# Strides, groups, windows that reach over the edge, branches.


LOOKS = {
    "caffenet": ("conv1", "norm1", "pool2", "relu4"),
    "alexnet": ("relu1", "pool1", "pool2"),
    "googlenet": ("conv1/relu_7x7", "pool1/norm1", "inception_3a/output"),
}


@pytest.mark.parametrize(
    ("name", "mode"),
    [("caffenet", "max"), ("alexnet", "avg_ceil"), ("googlenet", "avg")],
)
def test_other_networks_see_the_image_alone(name, mode):
    table = narrow(architectures.NETWORKS[name])
    weights = extract.random_weights(table, np.random.default_rng(5))
    network = extract.build(table, weights, pooling=mode)
    check(network, LOOKS[name], [(71, 94), (86, 67)], (90, 99))


@pytest.mark.parametrize("mode", ["max_ceil", "avg_ceil"])
def test_ceil_mode_sees_the_image_alone(mode, tiny_table, tiny_weights):
    network = extract.build(tiny_table, tiny_weights, pooling=mode)
    check(network, ("pool1", "pool2", "relu3_1"), [(19, 26), (21, 17)], (23, 30))
