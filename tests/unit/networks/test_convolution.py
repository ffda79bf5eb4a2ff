"""The frozen convolution against lax, scipy and loops; what it compiles to."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal
from jax import lax
from support.layer_references import convolve, convolve_gradient

from nst_jax.networks import convolution

# A kernel size and padding, and the padding in numbers.
CASES = [
    (1, "SAME", ((0, 0), (0, 0))),
    (3, "SAME", ((1, 1), (1, 1))),
    (5, "VALID", ((0, 0), (0, 0))),
    (2, "SAME", ((0, 1), (0, 1))),
    (2, "VALID", ((0, 0), (0, 0))),
    # Asymmetric, and wider than the kernel, so that the gradient has to crop.
    (3, ((0, 5), (3, 1)), ((0, 5), (3, 1))),
]


def lax_convolution(inputs, kernel, strides, padding):
    return lax.conv_general_dilated(
        inputs, kernel, strides, padding, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def reference(inputs, kernel, padding) -> np.ndarray:
    """Convolution in float64, an image and an output channel at a time."""
    inputs, kernel = inputs.astype(np.float64), kernel.astype(np.float64)
    padded = np.pad(inputs, ((0, 0), *padding, (0, 0)))
    outputs = [
        [
            scipy.signal.correlate(image, kernel[..., o], "valid", "direct")[..., 0]
            for o in range(kernel.shape[-1])
        ]
        for image in padded
    ]
    return np.moveaxis(np.array(outputs), 1, -1)


def reference_gradient(cotangent, kernel, padding) -> np.ndarray:
    """The adjoint of `reference`: spread each output over its window, cut the edges."""
    cotangent, kernel = cotangent.astype(np.float64), kernel.astype(np.float64)
    (top, bottom), (left, right) = padding
    spread = [
        [
            sum(
                scipy.signal.convolve2d(image[..., o], kernel[..., i, o], "full")
                for o in range(kernel.shape[3])
            )
            for i in range(kernel.shape[2])
        ]
        for image in cotangent
    ]
    whole = np.moveaxis(np.array(spread), 1, -1)
    height, width = whole.shape[1:3]
    return whole[:, top : height - bottom, left : width - right]


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(("size", "padding", "numbers"), CASES)
def test_convolution_and_its_gradient(size, padding, numbers, batch):
    inputs, kernel = normal(0, batch, 7, 9, 3), normal(1, size, size, 3, 4)

    @functools.partial(jax.jit, static_argnums=0)
    def value_and_pullback(convolution, inputs, cotangent):
        value, backward = jax.vjp(
            lambda x: convolution(x, kernel, (1, 1), padding), inputs
        )
        return value, backward(cotangent)[0]

    cotangent = normal(2, *reference(inputs, kernel, numbers).shape)
    value, gradient = value_and_pullback(
        convolution.frozen_convolution, inputs, cotangent
    )
    lax_value, lax_gradient = value_and_pullback(lax_convolution, inputs, cotangent)
    expected = reference(inputs, kernel, numbers)
    np.testing.assert_allclose(value, lax_value, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-5)

    expected = reference_gradient(cotangent, kernel, numbers)
    np.testing.assert_allclose(gradient, lax_gradient, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-5)


STRIDED = [
    # size, stride, padding, groups
    (11, 4, 0, 1),
    (11, 4, 2, 1),
    (7, 2, 3, 1),
    (3, 2, 0, 1),
    (2, 3, 0, 1),  # leaves out pixels
    (3, 1, 1, 2),
    (5, 1, 2, 3),
    (5, 3, 6, 2),  # padding wider than the kernel
]


@pytest.mark.parametrize(("size", "stride", "padding", "groups"), STRIDED)
@pytest.mark.parametrize(("height", "width"), [(17, 23), (14, 12)])
def test_strides_and_groups(size, stride, padding, groups, height, width):
    inputs, kernel = normal(0, 2, height, width, 6), normal(1, size, size, 6, 12)
    kernel = kernel[:, :, : 6 // groups]
    how = {"stride": stride, "padding": padding, "groups": groups}

    @jax.jit
    def value_and_pullback(inputs, cotangent):
        value, backward = jax.vjp(
            lambda x: convolution.frozen_convolution(
                x,
                kernel,
                (stride, stride),
                [(padding, padding)] * 2,
                feature_group_count=groups,
            ),
            inputs,
        )
        return value, backward(cotangent)[0]

    expected = np.stack([convolve(image, kernel, **how) for image in inputs])
    cotangent = normal(2, *expected.shape)
    value, gradient = value_and_pullback(inputs, cotangent)
    np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-4)
    slopes = [
        convolve_gradient(image.shape, slope, kernel, **how)
        for image, slope in zip(inputs, cotangent, strict=True)
    ]
    np.testing.assert_allclose(gradient, np.stack(slopes), rtol=1e-4, atol=1e-4)


def test_strides_that_differ_down_and_across():
    inputs, kernel = normal(0, 1, 11, 12, 2), normal(1, 4, 3, 2, 3)

    def pullback(convolution):
        value, backward = jax.vjp(
            lambda x: convolution(x, kernel, (3, 2), ((1, 0), (0, 2))), inputs
        )
        return value, backward(normal(2, *value.shape))[0]

    for found, expected in zip(
        pullback(convolution.frozen_convolution), pullback(lax_convolution), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_an_image_smaller_than_the_kernel_gives_nothing():
    value, backward = jax.vjp(
        lambda x: convolution.frozen_convolution(
            x, normal(1, 11, 11, 2, 3), (4, 4), [(2, 2)] * 2
        ),
        jnp.ones((1, 5, 30, 2)),
    )
    assert value.shape == (1, 0, 6, 3)
    assert not np.any(backward(value)[0])


def test_a_convolution_by_hand():
    inputs = jnp.array([[1.0, 2.0, 3.0]]).reshape(1, 1, 3, 1)
    kernel = jnp.array([10.0, 1.0, 0.0]).reshape(1, 3, 1, 1)

    def convolve(x):
        return convolution.frozen_convolution(x, kernel, (1, 1), "SAME")

    value, backward = jax.vjp(convolve, inputs)
    assert value.ravel().tolist() == [1.0, 12.0, 23.0]
    (gradient,) = backward(jnp.array([1.0, 2.0, 4.0]).reshape(1, 1, 3, 1))
    assert gradient.ravel().tolist() == [1.0 + 20.0, 2.0 + 40.0, 4.0]


def test_kernels_that_are_not_square():
    inputs, kernel = normal(0, 1, 6, 7, 2), normal(1, 1, 3, 2, 2)
    value, backward = jax.vjp(
        lambda x: convolution.frozen_convolution(x, kernel, (1, 1), "SAME"), inputs
    )
    padding = ((0, 0), (1, 1))
    np.testing.assert_allclose(value, reference(inputs, kernel, padding), rtol=1e-4)
    cotangent = normal(2, *value.shape)
    expected = reference_gradient(cotangent, kernel, padding)
    np.testing.assert_allclose(backward(cotangent)[0], expected, rtol=1e-4, atol=1e-5)


def test_the_kernel_is_frozen():
    inputs, kernel = normal(0, 1, 5, 6, 2), normal(1, 3, 3, 2, 3)

    def total(x, k, convolution):
        return jnp.sum(convolution(x, k, (1, 1), "SAME") ** 2)

    of_inputs, of_kernel = jax.grad(total, (0, 1))(
        inputs, kernel, convolution.frozen_convolution
    )
    assert not np.any(of_kernel)
    assert of_kernel.shape == kernel.shape
    assert np.all(of_inputs)
    assert np.any(jax.grad(total, 1)(inputs, kernel, lax_convolution))


@pytest.mark.parametrize(("stride", "groups"), [(1, 1), (2, 2)])
def test_vmap_is_a_loop(stride, groups):
    kernel = normal(1, 3, 3, 2 // groups, 2)

    def convolve(x):
        return convolution.frozen_convolution(
            x, kernel, (stride, stride), "SAME", feature_group_count=groups
        )

    @jax.jit
    def value_and_gradient(image):
        return jax.value_and_grad(lambda x: jnp.sum(convolve(x[None]) ** 3))(image)

    lanes = normal(0, 3, 7, 6, 2)
    values, gradients = jax.jit(jax.vmap(value_and_gradient))(lanes)
    looped = [value_and_gradient(lane) for lane in lanes]
    np.testing.assert_allclose(values, [v for v, _ in looped], rtol=1e-5)
    np.testing.assert_allclose(gradients, [g for _, g in looped], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"lhs_dilation": (1, 2)}, "lhs_dilation=(1, 2)"),
        ({"rhs_dilation": (3, 3)}, "rhs_dilation=(3, 3)"),
    ],
)
def test_dilation_is_refused(given, named):
    with pytest.raises(ValueError, match=re.escape(named)):
        convolution.frozen_convolution(
            normal(0, 1, 4, 4, 2), normal(1, 3, 3, 2, 2), (1, 1), "SAME", **given
        )


def test_an_accumulation_type_is_refused():
    with pytest.raises(ValueError, match="preferred_element_type"):
        convolution.frozen_convolution(
            normal(0, 1, 4, 4, 2),
            normal(1, 3, 3, 2, 2),
            (1, 1),
            "SAME",
            preferred_element_type=jnp.float32,
        )


def kernel_layouts(convolution, *, lanes: bool, stride: int = 1) -> list[str]:
    """Kernel layouts of a compiled loop of gradient steps through two convolutions."""
    kernels = (normal(0, 3, 3, 3, 4), normal(1, 3, 3, 4, 5))
    strides = (stride, stride)

    def loss(image, kernels):
        x = image[None]
        for kernel in kernels:
            x = jax.nn.relu(convolution(x, kernel, strides, "SAME"))
        return jnp.sum(jnp.square(x))

    def descend(images, kernels):
        gradient = jax.grad(loss)
        if lanes:
            gradient = jax.vmap(gradient, in_axes=(0, None))
        return lax.fori_loop(0, 5, lambda _, x: x - gradient(x, kernels), images)

    images = normal(2, 2, 9, 11, 3) if lanes else normal(2, 9, 11, 3)
    program = jax.jit(descend).lower(images, kernels).compile().as_text()
    return re.findall(r"dim_labels=b01f_(01\w\w)->b01f", program)


@pytest.mark.parametrize(("lanes", "stride"), [(False, 1), (True, 1), (True, 2)])
def test_gradients_in_a_loop_compile_to_fast_convolutions(lanes, stride):
    """XLA:CPU runs only kernels in `01io` layout in parallel (jax#12868)."""
    found = kernel_layouts(convolution.frozen_convolution, lanes=lanes, stride=stride)
    assert found == ["01io"] * 4


def test_plain_convolutions_do_not():
    """If this fails, XLA has learnt it: frozen_convolution may have lost its reason."""
    layouts = kernel_layouts(lax_convolution, lanes=False)
    assert sorted(layouts) == ["01io"] * 2 + ["01oi"] * 2


def test_bfloat16_stays():
    kernel = jnp.asarray(normal(1, 3, 3, 2, 2), jnp.bfloat16)

    def value_and_pullback(images):
        value, backward = jax.vjp(
            lambda x: convolution.frozen_convolution(x, kernel, (2, 2), "SAME"), images
        )
        return value, backward(jnp.ones_like(value))[0]

    images = jnp.asarray(normal(0, 1, 5, 6, 2), jnp.bfloat16)
    value, gradient = jax.eval_shape(value_and_pullback, images)
    assert value.dtype == gradient.dtype == jnp.bfloat16
