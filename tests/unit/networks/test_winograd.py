"""Winograd's method against the direct convolution."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from support.tiny import random_weights

from nst_jax.networks import extract, winograd
from nst_jax.networks.convolution import FrozenConvolution
from weights_convert import architectures

_RNG = np.random.default_rng(11)


def direct(images, kernel):
    return lax.conv_general_dilated(
        images, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def case(batch, height, width, inputs, outputs):
    images = _RNG.normal(size=(batch, height, width, inputs))
    kernel = _RNG.normal(size=(3, 3, inputs, outputs)) / np.sqrt(9 * inputs)
    return images.astype(np.float32), kernel.astype(np.float32)


def both_ways(kernel):
    back = kernel[::-1, ::-1].swapaxes(2, 3)
    return winograd.transform(kernel), winograd.transform(back)


def relative_error(found, expected):
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


@pytest.mark.parametrize(
    "shape",
    [
        (2, 9, 13, 5, 3),
        pytest.param((1, 4, 8, 3, 3), marks=pytest.mark.slow),
        pytest.param((3, 1, 2, 2, 4), marks=pytest.mark.slow),
    ],
)
def test_value_and_gradient_are_the_direct_convolutions(shape):
    images, kernel = case(*shape)
    with jax.enable_x64(True):
        expected, pullback = jax.vjp(
            lambda x: direct(x, jnp.float64(kernel)), jnp.float64(images)
        )
        cotangent = _RNG.normal(size=expected.shape)
        expected_gradient = np.asarray(pullback(jnp.asarray(cotangent))[0])
        expected = np.asarray(expected)

    @jax.jit
    def value_and_pullback(images, cotangent, kernels):
        found, pullback = jax.vjp(lambda x: winograd.convolve(x, *kernels), images)
        return found, pullback(cotangent)[0]

    found, gradient = value_and_pullback(
        images, np.float32(cotangent), both_ways(kernel)
    )
    assert relative_error(found, expected) < 2e-6
    assert relative_error(gradient, expected_gradient) < 2e-6


@pytest.mark.parametrize(("wide", "arrays"), [(64, 6), (65, 12)])
def test_there_are_twelve_products_or_of_many_channels_six(monkeypatch, wide, arrays):
    monkeypatch.setattr(winograd, "_WIDE", wide)
    images, kernel = case(1, 9, 13, 8, 8)
    kernels = both_ways(kernel)
    assert [len(way) for way in kernels] == [arrays] * 2

    def both(convolved, *kernels):
        value, pullback = jax.vjp(lambda x: convolved(x, *kernels), images)
        return value, *pullback(value)

    found = both(winograd.convolve, *kernels)
    for one, other in zip(found, both(direct, kernel), strict=True):
        np.testing.assert_allclose(one, other, atol=3e-5)


@pytest.mark.parametrize("channels", [(5, 3), (256, 512)])
def test_shapes_are_told_before_there_are_any(channels):
    kernel = np.zeros((3, 3, *channels), np.float32)
    told = winograd.transformed_shapes(*channels, np.float32)
    given = winograd.transform(kernel)
    assert [(x.shape, x.dtype) for x in told] == [(x.shape, x.dtype) for x in given]


def test_matrices_are_exact():
    """A tile of one channel by hand: each output is a sum of nine products."""
    images, kernel = case(1, 4, 4, 1, 1)
    padded = np.pad(np.float64(images[0, :, :, 0]), 1)
    expected = [
        [(padded[i : i + 3, j : j + 3] * kernel[:, :, 0, 0]).sum() for j in range(4)]
        for i in range(4)
    ]
    found = jax.jit(winograd.convolve)(images, *both_ways(kernel))[0, :, :, 0]
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_kernels_are_frozen():
    images, kernel = case(1, 8, 8, 3, 3)

    @jax.jit
    @jax.grad
    def gradient(kernels):
        return jnp.sum(winograd.convolve(images, *kernels) ** 2)

    gradients = gradient(both_ways(kernel))
    assert not any(np.any(gradient) for gradient in gradients)


def test_vmap_is_the_loop():
    images, kernel = case(3, 9, 8, 4, 5)
    kernels = both_ways(kernel)

    @jax.jit
    @jax.grad
    def gradient(image):
        return jnp.sum(winograd.convolve(image[None], *kernels) ** 3)

    together = jax.jit(jax.vmap(gradient))(images)
    for lane, image in zip(together, images, strict=True):
        np.testing.assert_allclose(lane, gradient(image), rtol=1e-4, atol=1e-4)


@pytest.fixture(scope="module")
def wide():
    """A VGG of two blocks, wide enough for Winograd's method to pay off."""
    convolutions = (
        architectures.Convolution("conv1_1", 3, 64),
        architectures.Convolution("conv1_2", 64, 128),
        architectures.Convolution("conv2_1", 128, 64),
    )
    known = architectures.Architecture(
        "wide", "vgg", architectures.CAFFE, architectures.vgg_layers(convolutions)
    )
    weights = random_weights(known, np.random.default_rng(3))
    return extract.build(known, weights)


def test_a_prepared_convolution_is_the_direct_one_in_groups_too():
    images, kernel = case(1, 9, 8, 64, 128)
    bias = _RNG.normal(size=128).astype(np.float32)
    plain = FrozenConvolution(jnp.asarray(kernel), jnp.asarray(bias), groups=2)
    images = np.concatenate([images, -2 * images], axis=-1)

    @jax.jit
    def value_and_gradient(convolution):
        def total(x):
            value = convolution(x)
            return jnp.sum(value**2), value

        return jax.grad(total, has_aux=True)(images)

    prepared = plain.prepared()
    assert plain.transformed is None
    assert len(prepared.transformed) == 2
    for found, expected in zip(
        value_and_gradient(prepared), value_and_gradient(plain), strict=True
    ):
        assert relative_error(found, expected) < 3e-6
        assert not np.array_equal(found, expected)


def test_only_what_is_needed_is_prepared_and_the_rest_is_shared(wide):
    prepared = extract.prepare(wide, ["relu1_2"])
    done = {
        name: c.transformed is not None for name, c in prepared.convolutions.items()
    }
    # conv1_1 has too few channels.
    assert done == {"conv1_1": False, "conv1_2": True, "conv2_1": False}
    assert all(c.transformed is None for c in wide.convolutions.values())
    for name, convolution in prepared.convolutions.items():
        assert convolution.kernel[...] is wide.convolutions[name].kernel[...]


def test_bfloat16_and_small_pictures_go_the_direct_way(wide):
    zeros = jnp.zeros((3, 3, 128, 128), jnp.bfloat16)
    half = FrozenConvolution(zeros, zeros[0, 0, 0])
    assert half.prepared().transformed is None
    prepared = extract.prepare(wide, ["conv1_2"]).convolutions["conv1_2"]
    images = jnp.ones((1, 7, 9, 64))
    np.testing.assert_array_equal(
        prepared(images), wide.convolutions["conv1_2"](images)
    )


@pytest.mark.slow
def test_products_of_bfloat16_are_summed_in_float32():
    images, kernel = case(1, 21, 18, 64, 64)
    exact = both_ways(kernel)
    rounded = jax.tree.map(lambda part: jnp.asarray(part, jnp.bfloat16), exact)
    found, expected = (jax.jit(winograd.convolve)(images, *k) for k in (rounded, exact))
    assert found.dtype == jnp.float32
    # Rounding of 2**-9, times what the transforms make of it: no sum of 64 is rounded.
    assert 1e-3 < relative_error(found, expected) < 0.015
    gradient = jax.grad(lambda x: jnp.vdot(winograd.convolve(x, *rounded), found))
    assert gradient(images).dtype == jnp.float32


@pytest.mark.slow
@pytest.mark.parametrize(("height", "width"), [(37, 18), (25, 20)])
def test_bands_one_after_the_other_are_the_whole(monkeypatch, height, width):
    """Of heights that they don't divide, two images at once, and both ways."""
    images, kernel = case(2, height, width, 64, 64)
    kernels = both_ways(kernel)

    def gradient(images):
        return jax.grad(lambda x: jnp.sum(winograd.convolve(x, *kernels) ** 2))(images)

    whole = winograd.convolve(images, *kernels), gradient(images)
    monkeypatch.setattr(winograd, "_BAND", 4 * 20 * 64 * 2 * 3)
    text = jax.jit(winograd.convolve).lower(images, *kernels).as_text()
    assert "stablehlo.while" in text
    bands = winograd.convolve(images, *kernels), gradient(images)
    for found, expected in zip(bands, whole, strict=True):
        assert relative_error(found, expected) < 4e-6  # Other tiles of the last band.
    np.testing.assert_allclose(bands[0], direct(images, kernel), atol=1e-4)


def test_bands_need_no_copy_of_what_they_found(monkeypatch):
    """The last one ends with the picture; a width of whole tiles isn't cropped."""
    images, kernel = case(1, 37, 20, 64, 64)
    monkeypatch.setattr(winograd, "_BAND", 4 * 20 * 64 * 3)
    found = jax.make_jaxpr(winograd.convolve)(images, *both_ways(kernel))
    (call,) = found.jaxpr.eqns
    inner = next(v for v in call.params.values() if hasattr(v, "jaxpr")).jaxpr
    assert inner.eqns[-1].primitive.name in ("while", "scan")
