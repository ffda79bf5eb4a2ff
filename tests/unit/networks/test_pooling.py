"""Pooling against loops in float64; what its gradient compiles to."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from support.layer_references import pool, pool_gradient, window_count

from nst_jax.networks import pooling
from nst_jax.networks.extents import count_windows
from nst_jax.networks.pooling import Windows

POOLINGS = {"max": pooling.max_pool, "avg": pooling.average_pool}


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@functools.partial(jax.jit, static_argnums=(0, 3))
def value_and_pullback(kind, images, cotangent, windows):
    pooled, backward = jax.vjp(lambda x: POOLINGS[kind](x, windows), images)
    return pooled, backward(cotangent)[0]


def check(kind, images, windows):
    """Values and gradients of images against the loops'."""
    how = (windows.size, windows.stride, windows.padding, windows.ceil)
    expected = np.stack([pool(image, *how, kind=kind) for image in images])
    cotangent = normal(1, *expected.shape)
    pooled, gradient = value_and_pullback(kind, images, cotangent, windows)
    np.testing.assert_allclose(pooled, expected, rtol=1e-5, atol=1e-6)
    slopes = [
        pool_gradient(image, slope, *how, kind=kind)
        for image, slope in zip(images, cotangent, strict=True)
    ]
    np.testing.assert_allclose(gradient, np.stack(slopes), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", POOLINGS)
@pytest.mark.parametrize("shape", [(1, 4, 6, 2), (2, 5, 7, 3), (1, 3, 2, 1)])
@pytest.mark.parametrize("ties", [False, True])
def test_the_vggs_pooling_and_its_gradient(kind, shape, ties):
    images = normal(0, *shape)
    if ties:
        images = np.round(images)  # three or four values: most windows have ties
    check(kind, images, pooling.PLAIN)


WINDOWS = [
    Windows(2, 2, ceil=True),
    Windows(3, 2),
    Windows(3, 2, ceil=True),
    Windows(3, 1, 1, ceil=True),
    Windows(3, 2, 1),
    Windows(3, 2, 1, ceil=True),
    Windows(5, 3, 2, ceil=True),
    Windows(3, 3, ceil=True),
    Windows(3, 3, 1, ceil=True),
]
NETWORKS_OWN = (Windows(3, 2, ceil=True), Windows(3, 1, 1, ceil=True))
"""What pretrained networks have, but for the VGGs' pooling."""


@pytest.mark.parametrize("kind", POOLINGS)
@pytest.mark.parametrize(
    "windows",
    [
        pytest.param(w, marks=() if w in NETWORKS_OWN else pytest.mark.slow)
        for w in WINDOWS
    ],
    ids=str,
)
def test_other_windows_and_their_gradients(kind, windows):
    check(kind, np.round(normal(0, 1, 9, 12, 2)), windows)
    check(kind, normal(2, 2, 8, 7, 1), windows)


def test_windows_of_more_places_than_a_byte_tells():
    check("max", normal(0, 1, 25, 13, 2), Windows(12, 12))


def test_counts_are_those_of_the_loops_for_numbers_and_arrays():
    lengths = np.arange(1, 30)
    for windows in (pooling.PLAIN, *WINDOWS):
        how = (windows.size, windows.stride, windows.padding)
        expected = [window_count(int(n), *how, windows.ceil) for n in lengths]
        assert [windows.count(int(n)) for n in lengths] == expected
        found = count_windows(jnp.asarray(lengths), *how, ceil=windows.ceil)
        assert found.tolist() == expected
        assert found.dtype == jnp.int32


def test_caffes_sizes():
    """Of CaffeNet at 227 pixels and GoogLeNet at 224, as their prototxts document."""
    three = Windows(3, 2, ceil=True)
    assert [three.count(n) for n in (55, 27, 13)] == [27, 13, 6]
    assert [three.count(n) for n in (112, 56, 28, 14)] == [56, 28, 14, 7]
    assert Windows(3, 1, 1, ceil=True).count(28) == 28
    assert [Windows(2, 2, ceil=True).count(n) for n in (7, 8)] == [4, 4]


def test_means_by_hand():
    image = jnp.arange(1.0, 10.0).reshape(1, 3, 3, 1)
    ceil = pooling.average_pool(image, Windows(2, 2, ceil=True))
    # The pixels that exist: 1 2 4 5, 3 6, 7 8, 9.
    assert ceil.ravel().tolist() == [3.0, 4.5, 7.5, 9.0]
    # Padding counts, as in Caffe: 1 + 2 + 4 + 5 over nine.
    padded = pooling.average_pool(image, Windows(3, 1, 1))
    np.testing.assert_allclose(padded[0, 0, 0, 0], 12 / 9, rtol=1e-6)


def test_windows_that_leave_out_pixels_are_refused():
    with pytest.raises(ValueError, match="stride=3 is larger than size=2"):
        Windows(2, 3)


@pytest.mark.parametrize("kind", POOLINGS)
def test_an_image_smaller_than_a_window_gives_nothing(kind):
    images = jnp.ones((1, 2, 9, 3))
    pooled, gradient = value_and_pullback(
        kind, images, jnp.ones((1, 0, 4, 3)), Windows(3, 2)
    )
    assert pooled.shape == (1, 0, 4, 3)
    assert not np.any(gradient)


@pytest.mark.parametrize("kind", POOLINGS)
@pytest.mark.parametrize("windows", [pooling.PLAIN, Windows(3, 2, ceil=True)], ids=str)
def test_vmap_is_a_loop(kind, windows):
    @jax.jit
    def value_and_gradient(image):
        def total(x):
            return jnp.sum(POOLINGS[kind](x[None], windows) ** 3)

        return jax.value_and_grad(total)(image)

    lanes = normal(0, 3, 7, 6, 2)
    values, gradients = jax.jit(jax.vmap(value_and_gradient))(lanes)
    looped = [value_and_gradient(lane) for lane in lanes]
    np.testing.assert_allclose(values, [v for v, _ in looped], rtol=1e-5)
    np.testing.assert_allclose(gradients, [g for _, g in looped], rtol=1e-4, atol=1e-5)


def test_of_equal_pixels_the_first_gets_the_gradient():
    windows = {
        (5.0, 5.0, 5.0, 5.0): (1, 0, 0, 0),
        (1.0, 5.0, 5.0, 5.0): (0, 1, 0, 0),
        (1.0, 1.0, 5.0, 5.0): (0, 0, 1, 0),
        (1.0, 5.0, 5.0, 1.0): (0, 1, 0, 0),
        (5.0, 1.0, 1.0, 5.0): (1, 0, 0, 0),
        (0.0, 0.0, -1.0, 0.0): (1, 0, 0, 0),
    }
    images = jnp.array(list(windows)).reshape(-1, 2, 2, 1)
    gradient = jax.jit(jax.grad(lambda x: jnp.sum(pooling.max_pool(x))))(images)
    assert gradient.reshape(-1, 4).tolist() == [list(w) for w in windows.values()]


def test_negative_images_are_not_cut_at_zero():
    assert pooling.max_pool(jnp.full((1, 2, 2, 1), -3.0)).item() == -3.0
    overlapping = pooling.max_pool(
        jnp.full((1, 4, 4, 1), -3.0), Windows(3, 2, 1, ceil=True)
    )
    assert set(overlapping.ravel().tolist()) == {-3.0}


def test_a_dropped_line_gets_no_gradient():
    gradient = jax.grad(lambda x: jnp.sum(pooling.average_pool(x)))(
        jnp.ones((1, 3, 5, 1))
    )
    assert gradient[0, :, :, 0].tolist() == [[0.25] * 4 + [0]] * 2 + [[0] * 5]


@pytest.mark.parametrize("windows", [pooling.PLAIN, Windows(3, 2, ceil=True)], ids=str)
def test_max_pooling_needs_no_select_and_scatter(windows):
    def plain(images):
        window = (1, 2, 2, 1)
        return lax.reduce_window(images, -jnp.inf, lax.max, window, window, "VALID")

    def scatters(pool) -> list[str]:
        gradient = jax.grad(lambda x: jnp.sum(jnp.square(pool(x))))
        lowered = jax.jit(gradient).lower(jnp.ones((1, 5, 7, 2)))
        # Some of XLA:CPU's ways rewrite the select-and-scatter of JAX into a scatter.
        program = lowered.as_text() + lowered.compile().as_text()
        return re.findall(r"stablehlo\.select_and_scatter|scatter\(", program)

    assert scatters(plain)
    assert not scatters(lambda x: pooling.max_pool(x, windows))


@pytest.mark.parametrize("kind", POOLINGS)
def test_bfloat16_stays(kind):
    def value_and_pullback(images):
        value, backward = jax.vjp(POOLINGS[kind], images)
        return value, backward(jnp.ones_like(value))[0]

    images = jnp.asarray(normal(0, 1, 5, 6, 2), jnp.bfloat16)
    value, gradient = jax.eval_shape(value_and_pullback, images)
    assert value.dtype == gradient.dtype == jnp.bfloat16
