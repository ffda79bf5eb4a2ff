"""What convolutions see beyond a picture, against pictures that numpy continues."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from support.layer_references import convolve, convolve_gradient
from support.tiny import random_weights

from nst_jax.networks import borders, extract
from nst_jax.networks.borders import REFLECT, REPLICATE, REPLICATE_FIRST, ZERO
from nst_jax.networks.convolution import FrozenConvolution
from nst_jax.networks.network import Network
from weights_convert.architectures import (
    CAFFE,
    Architecture,
    Convolution,
    Pooling,
    vgg_layers,
)

MODES = {REFLECT: "reflect", REPLICATE: "edge"}
WIDE = Architecture(
    "wide",
    "vgg",
    CAFFE,
    vgg_layers(
        (
            Convolution("conv1_1", 3, 64),
            Convolution("conv1_2", 64, 64),
            Convolution("conv2_1", 64, 64),
        )
    ),
)
see = jax.jit(Network.__call__, static_argnums=(2, 4))


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def padded(image: np.ndarray, around: int, mode: str) -> np.ndarray:
    return np.pad(image, ((around, around), (around, around), (0, 0)), mode)


def folded(gradient: np.ndarray, shape, around: int, mode: str) -> np.ndarray:
    """What `padded` hands back: the adjoint of it, pixel by pixel."""
    places = padded(np.arange(np.prod(shape[:2])).reshape(*shape[:2], 1), around, mode)
    found = np.zeros((np.prod(shape[:2]), shape[2]))
    np.add.at(found, places[..., 0].ravel(), gradient.reshape(-1, shape[2]))
    return found.reshape(shape)


@functools.partial(jax.jit, static_argnums=3)
def value_and_pullback(convolution, inputs, cotangent, border):
    value, backward = jax.vjp(lambda x: convolution(x, border), inputs)
    return value, backward(cotangent)[0]


CASES = [
    (REPLICATE, 3, 1, 1, 1),
    (REFLECT, 3, 1, 1, 2),
    (REFLECT, 5, 2, 2, 1),
    *(
        pytest.param(border, *how, marks=pytest.mark.slow)
        for border in MODES
        for how in [(3, 1, 1, 2), (5, 1, 2, 2), (7, 2, 3, 1), (3, 2, 1, 1)]
    ),
]


@pytest.mark.parametrize(("border", "size", "stride", "padding", "groups"), CASES)
def test_values_and_gradients_are_those_of_a_larger_picture(
    border, size, stride, padding, groups
):
    mode = MODES[border]
    inputs = normal(0, 2, 9, 13, 4)
    kernel, bias = normal(1, size, size, 4 // groups, 6), normal(2, 6)
    convolution = FrozenConvolution(
        *(jnp.asarray(kernel), jnp.asarray(bias)),
        **{"stride": stride, "padding": padding, "groups": groups},
    )
    how = {"stride": stride, "groups": groups}
    larger = [padded(image, padding, mode) for image in inputs]
    expected = np.stack([convolve(image, kernel, bias, **how) for image in larger])
    cotangent = normal(3, *expected.shape)
    found = value_and_pullback(convolution, inputs, cotangent, border)
    np.testing.assert_allclose(found[0], expected, rtol=1e-4, atol=1e-4)
    for gradient, image, slope in zip(found[1], larger, cotangent, strict=True):
        whole = convolve_gradient(image.shape, slope, kernel, **how)
        own = folded(whole, inputs.shape[1:], padding, mode)
        np.testing.assert_allclose(gradient, own, rtol=1e-4, atol=1e-4)


def test_by_hand():
    ones = FrozenConvolution(jnp.ones((3, 3, 1, 1)), jnp.zeros(1))
    image = jnp.array([[1.0, 10, 100]]).reshape(1, 1, 3, 1)
    sums = {
        border: ones(image, border)[0, 0, :, 0].tolist()
        for border in (ZERO, REPLICATE, REFLECT, REPLICATE_FIRST)
    }
    assert sums[ZERO] == [11, 111, 110]
    # A single row is what is above and below it.
    assert sums[REPLICATE] == sums[REPLICATE_FIRST] == [3 * 12, 3 * 111, 3 * 210]
    assert sums[REFLECT] == [3 * 21, 3 * 111, 3 * 120]


def test_pictures_of_a_pixel_go_on():
    image = jnp.full((1, 1, 1, 1), 2.0)
    for border in MODES:
        found = borders.extended(image, 2, border)
        np.testing.assert_array_equal(found, np.full((1, 5, 5, 1), 2.0))


POOLED = Architecture(
    "pooled",
    "pooled",
    CAFFE,
    (
        Convolution("conv1", 3, 4, 5, 5, stride=2, padding=2),
        Pooling("pool1"),
        Convolution("conv2", 4, 4),
        Convolution("conv3", 4, 2, groups=2),
    ),
)


@pytest.mark.parametrize(
    "border",
    [
        pytest.param(border, marks=pytest.mark.slow)
        for border in (REPLICATE_FIRST, *MODES)
    ],
    ids=str,
)
def test_a_padded_picture_is_seen_as_if_alone(border):
    """Noise around it is seen neither by it nor by its gradient."""
    network = extract.build(POOLED, random_weights(POOLED, np.random.default_rng(4)))
    extents, frame = [(29, 42), (33, 31)], (33, 45)
    rng, taps = np.random.default_rng(5), ("conv1", "conv3")
    images = rng.random((2, *frame, 3), np.float32)

    def looked(images, extents=None):
        def total(images):
            views = network(images, taps, extents, border)
            weighed = sum(jnp.sum(jnp.sin(v.features)) for v in views.values())
            return weighed, views

        return jax.grad(total, has_aux=True)(images)

    gradient, views = jax.jit(looked)(images, jnp.array(extents, jnp.int32))
    plain = see(network, images, taps, jnp.array(extents, jnp.int32), ZERO)
    for lane, (height, width) in enumerate(extents):
        alone = images[lane : lane + 1, :height, :width]
        own, expected = jax.jit(looked)(alone)
        for tap in taps:
            features = expected[tap].features[0]
            down, across, _ = features.shape
            found = views[tap].features[lane]
            np.testing.assert_allclose(found[:down, :across], features, atol=2e-4)
            assert not np.any(found[down:])
            assert not np.any(found[:, across:])
            assert views[tap].count[lane] == down * across
            assert not np.allclose(plain[tap].features[lane], found, atol=1e-3)
        np.testing.assert_allclose(
            gradient[lane, :height, :width], own[0], atol=1e-4, rtol=1e-3
        )
        assert not np.any(gradient[lane, height:])
        assert not np.any(gradient[lane, :, width:])


def test_the_first_convolution_alone_is_that_of_style_transfer_pytorch():
    """Its first one pads by the border of what it is given, the others by zeros."""
    weights = random_weights(WIDE, np.random.default_rng(6))
    network, rng = extract.build(WIDE, weights), np.random.default_rng(7)
    image = rng.random((10, 12, 3), np.float32)
    found = see(network, image[None], ("conv1_2",), None, REPLICATE_FIRST)
    inputs = (image - np.array(CAFFE.mean)) / np.array(CAFFE.std)
    first = convolve(
        *(padded(inputs, 1, "edge"), weights["conv1_1/kernel"]),
        weights["conv1_1/bias"],
    )
    second = convolve(
        *(np.maximum(first, 0), weights["conv1_2/kernel"]),
        *(weights["conv1_2/bias"],),
        padding=1,
    )
    features = np.asarray(found["conv1_2"].features[0])
    np.testing.assert_allclose(features, second, rtol=1e-3, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("border", [*MODES, REPLICATE_FIRST], ids=str)
def test_winograds_method_sees_the_same(border):
    weights = random_weights(WIDE, np.random.default_rng(8))
    network = extract.build(WIDE, weights)
    prepared = extract.prepare(network, ["conv2_1"])
    assert prepared.convolutions["conv1_2"].transformed is not None
    images = np.random.default_rng(9).random((2, 27, 30, 3), np.float32)
    extents = jnp.array([(27, 22), (19, 30)], jnp.int32)
    for within in (None, extents):
        both = [
            see(one, images, ("conv2_1",), within, border)["conv2_1"].features
            for one in (network, prepared)
        ]
        scale = np.abs(both[0]).max()
        np.testing.assert_allclose(both[1], both[0], atol=1e-5 * scale)


@pytest.mark.slow
def test_gradients_in_a_loop_compile_to_fast_convolutions_and_no_scatter():
    """XLA:CPU runs only kernels in `01io` layout in parallel (jax#12868)."""
    network = extract.build(WIDE, random_weights(WIDE, np.random.default_rng(1)))

    def descend(images, network, extents):
        def loss(images):
            found = network(images, ("conv2_1",), extents, REFLECT)["conv2_1"]
            return jnp.sum(jnp.square(found.features))

        return lax.fori_loop(0, 3, lambda _, x: x - jax.grad(loss)(x), images)

    shape = jax.ShapeDtypeStruct((2, 20, 24, 3), jnp.float32)
    extents = jax.ShapeDtypeStruct((2, 2), jnp.int32)
    program = jax.jit(descend).lower(shape, network, extents).compile().as_text()
    layouts = re.findall(r"dim_labels=b01f_(01\w\w)->b01f", program)
    assert set(layouts) == {"01io"}
    assert " scatter(" not in program
