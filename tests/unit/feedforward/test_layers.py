"""Layers of style networks against plain loops in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support import layer_references as plain

from nst_jax.devices import backend
from nst_jax.feedforward import adain, layers

SIZE = (5, 6)


@pytest.fixture(params=["cpu", "gpu"], autouse=True)
def kind(request):
    """Each kind of device computes in its own ways, and the same."""
    with backend.made_for(request.param):
        yield request.param


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(*SIZE, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def kernel() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(3, 3, 4, 2)).astype(np.float32)


def _close(found: jax.Array, expected: np.ndarray) -> None:
    scale = np.abs(expected).max()
    np.testing.assert_allclose(np.asarray(found)[0], expected, atol=1e-5 * scale)


def test_convolutions_padded_by_reflection(image, kernel):
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)), "reflect")
    for stride in (1, 2):
        found = layers.convolve(image[None], kernel, stride=stride)
        _close(found, plain.convolve(padded, kernel, stride=stride))


def test_channels_in_groups(image):
    grouped = np.random.default_rng(2).normal(size=(3, 3, 2, 6)).astype(np.float32)
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)), "reflect")
    found = layers.convolve(image[None], grouped)
    _close(found, plain.convolve(padded, grouped, groups=2))


def test_an_enlarged_picture_in_groups(image):
    grouped = np.random.default_rng(2).normal(size=(3, 3, 2, 6)).astype(np.float32)
    enlarged = image.repeat(2, 0).repeat(2, 1)
    padded = np.pad(enlarged, ((1, 1), (1, 1), (0, 0)), "reflect")
    found = layers.convolve_enlarged(image[None], grouped)
    _close(found, plain.convolve(padded, grouped, groups=2))


@pytest.mark.parametrize(("height", "above"), [(5, 1), (6, 0)])
def test_tensorflows_same_pads_less_above(image, kernel, height, above):
    """`(ceil(n / 2) - 1) * 2 + 3 - n` in all, the smaller half of it above."""
    tall = np.resize(image, (height, 6, 4))
    widths = ((above, 1), (0, 1), (0, 0))
    expected = plain.convolve(np.pad(tall, widths), kernel, stride=2)
    _close(layers.convolve(tall[None], kernel, stride=2, padding="zero"), expected)


@pytest.mark.parametrize(
    ("padding", "mode"), [("reflect", "reflect"), ("zero", "constant")]
)
def test_an_enlarged_picture_convolved(image, kernel, padding, mode):
    enlarged = image.repeat(2, 0).repeat(2, 1)
    padded = np.pad(enlarged, ((1, 1), (1, 1), (0, 0)), mode)
    found = layers.convolve_enlarged(image[None], kernel, padding=padding)
    _close(found, plain.convolve(padded, kernel))


def test_a_transposed_convolution_is_the_gradient_of_one(image, kernel):
    """TensorFlow's definition: that of a convolution of stride 2, SAME."""
    height, width = SIZE
    expected = np.zeros((2 * height + 1, 2 * width + 1, 2))
    for row, column in np.ndindex(*SIZE):
        spread = np.einsum("i,hwio->hwo", image[row, column], kernel)
        expected[2 * row : 2 * row + 3, 2 * column : 2 * column + 3] += spread
    # Of 3 - 2 pixels of padding, all is below and right.
    _close(layers.convolve_transposed(image[None], kernel), expected[:-1, :-1])


def test_normalisation_is_by_the_statistics_given(image):
    found = layers.moments(image[None])
    np.testing.assert_allclose(found[0][0], image.mean((0, 1)), atol=1e-6)
    np.testing.assert_allclose(found[1][0], image.var((0, 1)), rtol=1e-5)
    scale, offset = np.float32([1, 2, 3, 4]), np.float32([0, 1, 0, -1])
    mean, variance = np.float32([[0, 1, 2, 3]]), np.float32([[1, 2, 3, 4]])
    expected = (image - mean[0]) / np.sqrt(variance[0] + 0.5) * scale + offset
    done = layers.normalize(image[None], (mean, variance), scale, offset, 0.5)
    _close(done, expected)


def test_features_take_a_styles_mean_and_deviation(image):
    style = np.random.default_rng(3).normal(2, 3, (4, 7, 4)).astype(np.float32)
    mean, deviation = adain.deviations(jnp.asarray(style)[None], 1e-5)
    flat = style.reshape(-1, 4).astype(np.float64)
    exact = np.sqrt(flat.var(0, ddof=1) + 1e-5)
    np.testing.assert_allclose(deviation[0], exact, rtol=1e-5)
    np.testing.assert_allclose(mean[0], flat.mean(0), rtol=1e-5)
    own = adain.unbiased(image[None])
    given = (jnp.asarray(image)[None], own, mean, deviation, 1e-5)
    done = np.asarray(adain.adapted(*given))[0].reshape(-1, 4)
    np.testing.assert_allclose(done.mean(0), flat.mean(0), atol=1e-4)
    np.testing.assert_allclose(done.std(0, ddof=1), exact, rtol=1e-3)
    none = adain.adapted(*given, strength=0.0)
    np.testing.assert_allclose(none[0], image, atol=1e-6)


def test_a_single_pixel_has_no_deviation():
    _, variance = adain.unbiased(jnp.ones((1, 1, 1, 3)))
    assert not variance.any()


def test_large_kernels_in_groups(image):
    grouped = np.random.default_rng(2).normal(size=(5, 5, 2, 4)).astype(np.float32)
    padded = np.pad(image, ((2, 2), (2, 2), (0, 0)), "reflect")
    found = layers.convolve(image[None], grouped)
    _close(found, plain.convolve(padded, grouped, groups=2))


@pytest.mark.parametrize(
    ("size", "inputs", "outputs"),
    [
        (5, 3, 8),
        (5, 8, 3),
        (5, 40, 3),
        (5, 3, 3),
        pytest.param(3, 64, 66, marks=pytest.mark.slow),
    ],
)
def test_convolutions_have_the_values_and_gradients_of_plain_ones(
    size, inputs, outputs
):
    """From pictures and to pictures, of few features and of many."""
    rng = np.random.default_rng(3)
    image = rng.normal(size=(9, 10, inputs)).astype(np.float32)
    kernel = rng.normal(size=(size, size, inputs, outputs)).astype(np.float32)
    cotangent = rng.normal(size=(9, 10, outputs))
    around = size // 2
    padded = np.pad(image, ((around,) * 2, (around,) * 2, (0, 0)), "reflect")
    found, back = jax.vjp(jax.jit(layers.convolve), image[None], kernel)
    _close(found, plain.convolve(padded, kernel))
    of_image, of_kernel = back(jnp.asarray(cotangent[None], jnp.float32))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size,) * 2, (0, 1))
    expected = np.einsum("hwikl,hwo->klio", windows.astype(np.float64), cotangent)
    _close(of_kernel[None], expected)
    spread = np.zeros(padded.shape)
    for row, column in np.ndindex(9, 10):
        area = slice(row, row + size), slice(column, column + size)
        spread[area] += kernel @ cotangent[row, column]
    _close(of_image, _reflected_back(_reflected_back(spread, around), around, axis=1))


def _reflected_back(values: np.ndarray, width: int, axis: int = 0) -> np.ndarray:
    """The transpose of padding by reflection."""
    values = np.moveaxis(values, axis, 0).copy()
    values[width + 1 : 2 * width + 1] += values[:width][::-1]
    values[-2 * width - 1 : -width - 1] += values[-width:][::-1]
    return np.moveaxis(values[width:-width], 0, axis)
