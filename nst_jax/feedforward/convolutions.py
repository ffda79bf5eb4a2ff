"""Convolutions of style networks, trained ones too, as each kind of device is quick."""

import functools
import itertools
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from nst_jax.devices import suited
from nst_jax.feedforward.padding import known
from nst_jax.networks import winograd
from nst_jax.networks.convolution import depth_to_space

_NHWC = ("NHWC", "HWIO", "NHWC")
_FEW = 4  # Channels of a picture, as against features.
_FOLD = 4  # Pixels a side that are folded into channels.
_WIDE = 32  # Channels from which on XLA is quick at a convolution to few.


def convolved(
    images: jax.Array, kernel: jax.Array, stride: int, padding: str
) -> jax.Array:
    """A convolution, which trains its kernel too.

    Args:
      images: `[b, h, w, i]`.
      kernel: `[k, l, i, o]`; with fewer inputs than the images have, channels are in
        groups.
      stride: down and across.
      padding: "VALID", none, or "SAME", by zeros.

    Returns:
      `[b, h', w', o]`.
    """
    if padding == "VALID" and known(images):
        whole = kernel.shape[2] == images.shape[-1]  # Not in groups.
        few = whole and min(kernel.shape[2:]) <= _FEW < kernel.shape[0]
        if few and stride == 1 and suited.space_to_depth():
            return _by_space_to_depth(images, kernel)
        if suited.padded_convolutions():
            return _unpadded_on_cpu(images, kernel, stride)
    return _plain(images, kernel, stride, padding)


def _plain(
    images: jax.Array, kernel: jax.Array, stride: int, padding: Any
) -> jax.Array:
    return lax.conv_general_dilated(
        images,
        kernel,
        (stride, stride),
        padding,
        dimension_numbers=_NHWC,
        feature_group_count=images.shape[-1] // kernel.shape[2],
    )


def _by_space_to_depth(images: jax.Array, kernel: jax.Array) -> jax.Array:
    """A large kernel from or to few channels, of blocks of 4x4 pixels as channels.

    The same sums, where a matrix unit that wants 16 channels or more would wait for a
    picture's three. An output block of a kernel of k sees k + 3 pixels each way.
    """
    sizes = kernel.shape[:2]
    height, width = (images.shape[1 + axis] - sizes[axis] + 1 for axis in (0, 1))
    blocks = [-(-(size + _FOLD - 1) // _FOLD) for size in sizes]
    reach = [_FOLD * count for count in blocks]
    parts = []
    for ahead in itertools.product(range(_FOLD), repeat=2):
        margins = [(ahead[n], reach[n] - ahead[n] - sizes[n]) for n in (0, 1)]
        parts.append(jnp.pad(kernel, (*margins, (0, 0), (0, 0))))
    joined = jnp.concatenate(parts, axis=-1)  # [rows, columns, i, 16 * o]
    large = _space_to_depth(joined.reshape(1, *reach, -1))[0]
    large = large.reshape(*blocks, -1, joined.shape[-1])
    rows, columns = -(-height // _FOLD), -(-width // _FOLD)
    below = _FOLD * (rows + blocks[0] - 1) - images.shape[1]
    right = _FOLD * (columns + blocks[1] - 1) - images.shape[2]
    whole = jnp.pad(images, ((0, 0), (0, below), (0, right), (0, 0)))
    found = _plain(_space_to_depth(whole), large, 1, "VALID")
    return unfolded(found, _FOLD)[:, :height, :width]


def _space_to_depth(images: jax.Array) -> jax.Array:
    """Blocks of 4x4 pixels as channels: `[b, 4 h, 4 w, c]` -> `[b, h, w, 16 c]`."""
    batch, height, width, channels = images.shape
    rows, columns = height // _FOLD, width // _FOLD
    split = images.reshape(batch, rows, _FOLD, columns, _FOLD, channels)
    return split.swapaxes(2, 3).reshape(batch, rows, columns, -1)


def unfolded(images: jax.Array, side: int) -> jax.Array:
    """Channels as blocks of pixels: `[b, h, w, n n c]` -> `[b, n h, n w, c]`.

    What is added later isn't drawn into the convolution before: XLA would have it write
    all of that for cuDNN.
    """
    return depth_to_space(lax.optimization_barrier(images), side)


def _unpadded_on_cpu(images: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    """A convolution without padding, as CPUs are quick at it.

    XLA's takes 1.5 to 25 times longer, forward and for the kernel's gradient, than one
    padded by a row of zeros (jax 0.10.2; bench/results/cpu_layers.json): so there is
    one, and the row that comes of it is cut off. Large kernels between features and
    pictures of few channels have ways of their own, and so have 3x3 ones of many.
    """
    rows, columns, inputs, outputs = kernel.shape
    if stride != 1 or inputs != images.shape[-1]:
        return _padded(images, kernel, stride)
    wide = kernel.dtype == jnp.float32 and winograd.pays_off(images.shape, outputs)
    if (rows, columns) == (3, 3) and wide:
        return _by_winograd(images, kernel)
    if inputs <= _FEW < rows:
        return _padded(_columns(images, rows), _of_columns(kernel), 1)
    if outputs <= _FEW < rows:
        return _to_few(images, kernel)
    return _padded(images, kernel, stride)


@jax.custom_vjp
def _by_winograd(images: jax.Array, kernel: jax.Array) -> jax.Array:
    return winograd.convolve_padded(images, winograd.transform(kernel), around=0)


def _by_winograd_forward(
    images: jax.Array, kernel: jax.Array
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _by_winograd(images, kernel), (images, kernel)


def _by_winograd_backward(
    given: tuple[jax.Array, jax.Array], cotangent: jax.Array
) -> tuple[jax.Array, jax.Array]:
    images, kernel = given
    back = winograd.transform(kernel[::-1, ::-1].swapaxes(2, 3))
    _, of_kernel = jax.vjp(lambda kernel: _padded(images, kernel, 1), kernel)
    return (
        winograd.convolve_padded(cotangent, back, around=2),
        *of_kernel(cotangent),
    )


_by_winograd.defvjp(_by_winograd_forward, _by_winograd_backward)


def _padded(images: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    height = (images.shape[1] - kernel.shape[0]) // stride + 1
    return _plain(images, kernel, stride, ((0, stride), (0, 0)))[:, :height]


def _columns(images: jax.Array, rows: int) -> jax.Array:
    """The pixels under a column of a kernel as channels, `[b, h', w, rows * i]`."""
    height = images.shape[1] - rows + 1
    below = [images[:, row : row + height] for row in range(rows)]
    return jnp.concatenate(below, axis=-1)


def _of_columns(kernel: jax.Array) -> jax.Array:
    """A kernel `[k, l, i, o]` for `_columns`, `[1, l, k * i, o]`."""
    _, columns, _, outputs = kernel.shape
    return kernel.swapaxes(0, 1).reshape(1, columns, -1, outputs)


@jax.custom_vjp
def _to_few(images: jax.Array, kernel: jax.Array) -> jax.Array:
    """A convolution of features to a picture's few channels."""
    rows, columns, inputs, outputs = kernel.shape
    if inputs >= _WIDE:
        return _padded(images, kernel, 1)
    # What each column of the kernel makes, side by side, and then their sum.
    apart = kernel.swapaxes(1, 2).reshape(rows, 1, inputs, -1)
    parts = _padded(images, apart, 1)
    width = images.shape[2] - columns + 1
    return functools.reduce(
        jnp.add,
        (
            parts[:, :, n : n + width, n * outputs : (n + 1) * outputs]
            for n in range(columns)
        ),
    )


def _to_few_forward(
    images: jax.Array, kernel: jax.Array
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _to_few(images, kernel), (images, kernel)


def _to_few_backward(
    given: tuple[jax.Array, jax.Array], cotangent: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """The kernel's gradient is that of the opposite convolution, flipped.

    That one goes from the few channels of the cotangent, with zeros around, to images.
    """
    images, kernel = given
    rows, columns, inputs, outputs = kernel.shape
    _, back = jax.vjp(lambda images: _padded(images, kernel, 1), images)
    around = ((0, 0), (rows - 1,) * 2, (columns - 1,) * 2, (0, 0))
    few = _columns(jnp.pad(cotangent, around), rows)
    opposite = jnp.zeros((1, columns, few.shape[-1], inputs), kernel.dtype)
    _, of_kernel = jax.vjp(lambda kernel: _padded(few, kernel, 1), opposite)
    found = of_kernel(images)[0].reshape(columns, rows, outputs, inputs)
    return *back(cotangent), found.transpose(1, 0, 3, 2)[::-1, ::-1]


_to_few.defvjp(_to_few_forward, _to_few_backward)
