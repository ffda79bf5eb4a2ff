"""The frozen convolution against loops in float64; what it compiles to."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from support.layer_references import convolve, convolve_gradient

from nst_jax.devices import backend
from nst_jax.networks.convolution import FrozenConvolution


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def frozen(kernel, bias=None, dtype=jnp.float32, **how) -> FrozenConvolution:
    bias = np.zeros(kernel.shape[-1]) if bias is None else bias
    return FrozenConvolution(
        jnp.asarray(kernel, dtype), jnp.asarray(bias, dtype), **how
    )


@jax.jit
def value_and_pullback(convolution, inputs, cotangent):
    value, backward = jax.vjp(convolution, inputs)
    return value, backward(cotangent)[0]


@pytest.mark.parametrize(
    ("size", "stride", "padding", "groups"),
    [
        ((1, 1), 1, 0, 1),
        ((3, 3), 1, 1, 1),
        ((3, 3), 1, 1, 2),
        ((5, 5), 1, 0, 1),
        ((5, 5), 1, 2, 3),
        ((1, 3), 1, 1, 1),
        ((4, 3), 3, 1, 1),
        ((11, 11), 4, 0, 1),
        ((11, 11), 4, 2, 1),
        ((7, 7), 2, 3, 1),
        ((3, 3), 2, 0, 1),
        ((2, 2), 3, 0, 1),  # leaves out pixels
        ((3, 3), 1, 5, 1),  # padding wider than the kernel: the gradient is cropped
        ((5, 5), 3, 6, 2),
    ],
)
@pytest.mark.parametrize(
    ("height", "width"),
    [(17, 23), pytest.param(14, 12, marks=pytest.mark.slow)],
)
def test_values_and_gradients(size, stride, padding, groups, height, width):
    inputs, kernel = normal(0, 2, height, width, 6), normal(1, *size, 6 // groups, 12)
    bias = normal(2, 12)
    how = {"stride": stride, "padding": padding, "groups": groups}
    expected = np.stack([convolve(image, kernel, bias, **how) for image in inputs])
    cotangent = normal(3, *expected.shape)
    value, gradient = value_and_pullback(frozen(kernel, bias, **how), inputs, cotangent)
    np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-4)
    slopes = [
        convolve_gradient(image.shape, slope, kernel, **how)
        for image, slope in zip(inputs, cotangent, strict=True)
    ]
    np.testing.assert_allclose(gradient, np.stack(slopes), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shape", [(2, 7, 9), (1, 1, 2), (1, 0, 3)])
def test_on_accelerators_a_pictures_channels_are_gathered(shape, channels):
    """Values and gradients are the direct convolution's, which isn't there."""
    inputs, kernel = normal(0, *shape, channels), normal(1, 3, 3, channels, 8)
    bias = normal(2, 8)
    convolution = frozen(kernel, bias, padding=1)
    cotangent = normal(3, *shape, 8)

    def plain(x):
        return lax_convolution(kernel, 1)(x) + bias

    value, pullback = jax.vjp(plain, inputs)
    direct = value, *pullback(cotangent)
    with backend.made_for("gpu"):
        found = value_and_pullback(convolution, inputs, cotangent)
        text = value_and_pullback.lower(convolution, inputs, cotangent).as_text()
    here = value_and_pullback(convolution, inputs, cotangent)
    for results in (found, here):
        for one, other in zip(results, direct, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
    assert "convolution" not in text
    with backend.made_for("gpu"):
        wide = frozen(normal(1, 3, 3, 4, 8), normal(2, 8), padding=1)
        more = value_and_pullback.lower(wide, normal(0, *shape, 4), cotangent)
    assert "convolution" in more.as_text()


def test_by_hand():
    convolution = frozen(np.array([10.0, 1.0, 0.0]).reshape(1, 3, 1, 1), padding=1)
    inputs = jnp.array([1.0, 2.0, 3.0]).reshape(1, 1, 3, 1)
    value, backward = jax.vjp(convolution, inputs)
    # A line of padding above and below.
    assert value[0, :, :, 0].tolist() == [[0.0] * 3, [1.0, 12.0, 23.0], [0.0] * 3]
    cotangent = jnp.zeros((3, 3)).at[1].set(jnp.array([1.0, 2.0, 4.0]))
    (gradient,) = backward(cotangent.reshape(1, 3, 3, 1))
    assert gradient.ravel().tolist() == [1.0 + 20.0, 2.0 + 40.0, 4.0]


def test_an_image_smaller_than_the_kernel_gives_nothing():
    convolution = frozen(normal(1, 11, 11, 2, 3), stride=4, padding=2)
    value, backward = jax.vjp(convolution, jnp.ones((1, 5, 30, 2)))
    assert value.shape == (1, 0, 6, 3)
    assert not np.any(backward(value)[0])


def test_the_kernel_is_frozen():
    def total(convolution, inputs):
        return jnp.sum(convolution(inputs) ** 2)

    of_weights, of_inputs = jax.grad(total, (0, 1))(
        frozen(normal(1, 3, 3, 2, 3)), normal(0, 1, 5, 6, 2)
    )
    assert of_weights.kernel.shape == (3, 3, 2, 3)
    assert not np.any(of_weights.kernel[...])
    assert np.all(of_inputs)


@pytest.mark.parametrize(("stride", "groups"), [(1, 1), (2, 2)])
def test_vmap_is_a_loop(stride, groups):
    convolution = frozen(normal(1, 3, 3, 2 // groups, 2), stride=stride, groups=groups)

    @jax.jit
    def value_and_gradient(image):
        return jax.value_and_grad(lambda x: jnp.sum(convolution(x[None]) ** 3))(image)

    lanes = normal(0, 3, 7, 6, 2)
    values, gradients = jax.jit(jax.vmap(value_and_gradient))(lanes)
    looped = [value_and_gradient(lane) for lane in lanes]
    np.testing.assert_allclose(values, [v for v, _ in looped], rtol=1e-5)
    np.testing.assert_allclose(gradients, [g for _, g in looped], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_the_result_has_the_weights_type_and_the_gradient_the_images(dtype, stride):
    convolution = frozen(normal(1, 3, 3, 2, 2), dtype=dtype, stride=stride)
    for images in (jnp.float32, jnp.bfloat16):
        inputs = jax.ShapeDtypeStruct((1, 5, 6, 2), images)
        value = jax.eval_shape(convolution, inputs)
        gradient = jax.eval_shape(jax.grad(lambda x: convolution(x).sum()), inputs)
        assert (value.dtype, gradient.dtype) == (dtype, images)


@pytest.mark.parametrize("channels", [2, 5])
def test_the_gradient_is_as_precise_as_the_caller_asks(channels):
    """Though JAX traces it outside of the caller's context.

    Of few channels it is a product of matrices.
    """
    convolution = frozen(normal(1, 3, 3, channels, 2))

    def loss(x):
        with jax.default_matmul_precision("float32"):
            return jnp.sum(convolution(x) ** 2)

    images = normal(0, 1, 5, 6, channels)
    program = jax.jit(jax.grad(loss)).lower(images).as_text()
    products = re.findall(r"stablehlo\.(?:convolution|dot_general).*", program)
    assert len(products) == 2
    assert sum("dot_general" in line for line in products) == (channels < 4)
    assert all(line.count("HIGHEST") == 2 for line in products)


# The trap that it is made for.


def lax_convolution(kernel, stride):
    """XLA's own, with JAX's gradient."""

    def convolve(inputs):
        return lax.conv_general_dilated(
            inputs,
            kernel,
            (stride, stride),
            "SAME",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )

    return convolve


def frozen_convolution(kernel, stride):
    return frozen(kernel, stride=stride)


def kernel_layouts(make, *, lanes: bool, stride: int = 1) -> list[str]:
    """Kernel layouts of a compiled loop of gradient steps through two convolutions."""
    kernels = (normal(0, 3, 3, 4, 4), normal(1, 3, 3, 4, 5))

    def loss(image, kernels):
        x = image[None]
        for kernel in kernels:
            x = jax.nn.relu(make(kernel, stride)(x))
        return jnp.sum(jnp.square(x))

    def descend(images, kernels):
        gradient = jax.grad(loss)
        if lanes:
            gradient = jax.vmap(gradient, in_axes=(0, None))
        return lax.fori_loop(0, 5, lambda _, x: x - gradient(x, kernels), images)

    images = normal(2, 2, 9, 11, 4) if lanes else normal(2, 9, 11, 4)
    program = jax.jit(descend).lower(images, kernels).compile().as_text()
    return re.findall(r"dim_labels=b01f_(01\w\w)->b01f", program)


@pytest.mark.parametrize(("lanes", "stride"), [(False, 1), (True, 1), (True, 2)])
def test_gradients_in_a_loop_compile_to_fast_convolutions(lanes, stride):
    """XLA:CPU runs only kernels in `01io` layout in parallel (jax#12868)."""
    found = kernel_layouts(frozen_convolution, lanes=lanes, stride=stride)
    assert found == ["01io"] * 4


def test_plain_convolutions_do_not():
    """If this fails, XLA has learnt it: ours may have lost its reason."""
    layouts = kernel_layouts(lax_convolution, lanes=False)
    assert sorted(layouts) == ["01io"] * 2 + ["01oi"] * 2
