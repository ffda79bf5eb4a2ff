"""3x3 convolution by Winograd's minimal filtering, four times fewer multiplications.

Lavin & Gray 2015 (arXiv:1509.09308), F(4x4, 3x3): tiles of 6x6 input pixels, 4 apart,
and the kernel are each transformed to 36 matrices over channels, multiplied, and
transformed back to tiles of 4x4 output pixels. On CPUs it takes a third to three
quarters of the time of the direct convolution from 64 channels on (bench/results).

The 36 products are 12 operations of three, of many channels 6 of six: XLA runs 12 of
them side by side, but not 6, and one of all has a single thread unless it is large
(docs/speed.md). Kernels are so many arrays, as a part of one would be copied first.

A transformed kernel may be bfloat16: so are the other factors then, and sums stay
float32, which takes half the time of the products on processors that multiply these. A
convolution is off by 1 % so. On the way back alone that costs nothing: two pictures of
128 pixels by VGG-19 had the loss of float32 to 0.1 % after 150 iterations, where
rounding on the way forward too cost 2 %.

One deviation from the paper: its interpolation points 0, +-1, +-2 lose 2.6e-6 of
relative accuracy in float32 at 256 channels; 0, +-5/8, +-3/2 lose 1.2e-6 and their
powers are exact in binary (measured among points of the same form, as Barabasz et al.
2018, arXiv:1803.10986, do).
"""

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

_POINTS = (0.0, 5 / 8, -5 / 8, 3 / 2, -3 / 2)
_TILE = 4  # output pixels
_INPUT_TILE = _TILE + 2
_WIDE = 2**17  # inputs times outputs, from which on a product has work for all threads
_BAND = 2**20  # numbers of the larger of input and output

Kernel: TypeAlias = tuple[jax.Array, ...]
"""What `transform` gives."""


def _matrices() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Toom-Cook matrices of output `[4, 6]`, kernel `[6, 3]` and input `[6, 6]`.

    They are the evaluation of polynomials of degree 3 and 2 at the points and at
    infinity, and the transpose of the interpolation of their product.
    """
    points = np.array(_POINTS)
    output = np.zeros((_TILE, _INPUT_TILE))
    output[:, :-1] = points ** np.arange(_TILE)[:, None]
    kernel = np.zeros((_INPUT_TILE, 3))
    kernel[:-1] = points[:, None] ** np.arange(3)
    output[-1, -1] = kernel[-1, -1] = 1
    inputs = np.zeros((_INPUT_TILE, _INPUT_TILE))
    for row, point in enumerate(points):
        others = np.delete(points, row)
        # numpy lists the highest power first.
        inputs[row, :-1] = np.poly(others)[::-1]
        kernel[row] /= math.prod(point - others)
    inputs[-1] = np.poly(points)[::-1]
    return output, kernel, inputs


_OUTPUT, _KERNEL, _INPUT = _matrices()


def pays_off(inputs: Sequence[int], outputs: int) -> bool:
    """Whether this is faster than the direct convolution on a CPU.

    Args:
      inputs: shape of the input, `[b, h, w, i]`.
      outputs: channels of the result.
    """
    batch, height, width, channels = inputs
    return min(channels, outputs) >= 64 and batch * height * width >= 64


def transform(kernel: Any) -> tuple[Any, ...]:
    """The kernel `[3, 3, i, o]` as 36 matrices, float32.

    Of frozen networks computed on the host, once: inside of an optimisation step it
    would cost more than the convolution.

    Args:
      kernel: an array of numpy or JAX, which the results are too.

    Returns:
      12 arrays `[3, i, o]`, of many channels 6 arrays `[6, i, o]`.
    """
    both = np.kron(_KERNEL, _KERNEL).astype(np.float32)
    _, _, inputs, outputs = kernel.shape
    flat = both @ kernel.reshape(9, inputs * outputs)
    return tuple(flat.reshape(-1, _at_once(inputs, outputs), inputs, outputs))


def transformed_shapes(inputs: int, outputs: int, dtype: Any) -> tuple[Any, ...]:
    """Shapes and types of `transform`'s results, of a kernel of so many channels."""
    at_once = _at_once(inputs, outputs)
    one = jax.ShapeDtypeStruct((at_once, inputs, outputs), dtype)
    return (one,) * (_INPUT_TILE * _INPUT_TILE // at_once)


def _at_once(inputs: int, outputs: int) -> int:
    """How many of the 36 products are one operation."""
    return _INPUT_TILE if inputs * outputs >= _WIDE else _INPUT_TILE // 2


@jax.custom_vjp
def convolve(
    inputs: jax.Array, transformed: Kernel, transformed_back: Kernel
) -> jax.Array:
    """3x3 convolution with stride 1 and zero padding that keeps the size.

    The backward pass is the same convolution of the cotangent with the second kernel;
    the kernels themselves are frozen.

    Args:
      inputs: `[b, h, w, i]` float32.
      transformed: `transform` of the kernel.
      transformed_back: `transform` of the kernel flipped in height and width and with
        its channels swapped; float32 or bfloat16, as the other.

    Returns:
      `[b, h, w, o]`.
    """
    return _convolve(inputs, transformed, 1)


def convolve_padded(
    inputs: jax.Array, transformed: Kernel, *, around: int
) -> jax.Array:
    """3x3 convolution with stride 1, inputs padded by so many zeros on each side.

    Args:
      inputs: `[b, h, w, i]` float32.
      transformed: `transform` of the kernel.
      around: 0, 1 or 2.

    Returns:
      `[b, h + 2 * around - 2, w + 2 * around - 2, o]`.
    """
    return _convolve(inputs, transformed, around)


def _convolve_forward(
    inputs: jax.Array, transformed: Kernel, transformed_back: Kernel
) -> tuple[jax.Array, tuple[Kernel, Kernel]]:
    return _convolve(inputs, transformed, 1), (transformed, transformed_back)


def _convolve_backward(
    kernels: tuple[Kernel, Kernel], cotangent: jax.Array
) -> tuple[jax.Array, Kernel, Kernel]:
    found = _convolve(cotangent, kernels[1], 1)
    return found, *jax.tree.map(jnp.zeros_like, kernels)


convolve.defvjp(_convolve_forward, _convolve_backward)


def _convolve(inputs: jax.Array, transformed: Kernel, around: int) -> jax.Array:
    batch, height, width, channels = inputs.shape
    height, width = height + 2 * around - 2, width + 2 * around - 2
    outputs = transformed[0].shape[-1]
    down, across = -(-height // _TILE), -(-width // _TILE)
    of_line = batch * _TILE * _TILE * across * max(channels, outputs)
    bands = max(1, min(down, round(down * of_line / _BAND)))
    lines = -(-down // bands)
    bands = -(-down // lines)
    below = _TILE * down - height if bands == 1 else 0
    right = _TILE * across - width
    widths = ((0, 0), (around, around + below), (around, around + right), (0, 0))
    padded = jnp.pad(inputs, widths)
    if bands == 1:
        return _of_tiles(padded, transformed, lines, across)[:, :height, :width]

    # In bands one after the other, so that what is between is never there of the whole.
    # The last one begins where it ends with the picture: JAX's slices are kept within.
    def convolved(band: jax.Array, whole: jax.Array) -> jax.Array:
        first = band * (_TILE * lines)
        part = jax.lax.dynamic_slice_in_dim(padded, first, _TILE * lines + 2, axis=1)
        found = _of_tiles(part, transformed, lines, across)
        return jax.lax.dynamic_update_slice_in_dim(whole, found, first, axis=1)

    shape = (batch, height, _TILE * across, outputs)
    # All is overwritten. Zeros would be one array for all layers, kept throughout.
    whole = jnp.broadcast_to(inputs[0, 0, 0, 0], shape)
    return jax.lax.fori_loop(0, bands, convolved, whole)[:, :, :width]


def _of_tiles(
    padded: jax.Array, transformed: Kernel, down: int, across: int
) -> jax.Array:
    """So many tiles of `[b, 4 * down + 2, 4 * across + 2, i]`, convolved."""
    batch, channels, outputs = len(padded), *transformed[0].shape[1:]
    at_once, dtype = len(transformed[0]), transformed[0].dtype
    # Without a barrier each factor would be computed from the pixels, rows and all.
    rows = jnp.stack(_combine(_INPUT, _every_fourth(padded, 1, down)))
    factors: list[jax.Array] = []
    for row in jax.lax.optimization_barrier(rows):
        of_row = _combine(_INPUT, _every_fourth(row, 2, across))
        for first in range(0, _INPUT_TILE, at_once):
            some = jnp.stack(of_row[first : first + at_once])
            factors.append(some.reshape(at_once, -1, channels).astype(dtype))
    products = [
        jnp.matmul(some, kernels, preferred_element_type=padded.dtype)
        for some, kernels in zip(factors, transformed, strict=True)
    ]
    # A product whose result took the place of another's factor would wait for it.
    products, _ = jax.lax.optimization_barrier((products, factors))
    columns: list[jax.Array] = []
    parts = _INPUT_TILE // at_once
    for part in range(parts):
        columns.extend(jnp.stack(_combine(_OUTPUT, products[part::parts]), axis=1))
    # Joined along channels, the four pixels of a line lie as the result wants them.
    lines = jnp.concatenate(_combine(_OUTPUT, columns), axis=-1)
    lines = lines.reshape(_TILE, batch, down, across * _TILE, outputs)
    whole = jnp.stack(list(lines), axis=2)
    return whole.reshape(batch, _TILE * down, _TILE * across, outputs)


def _every_fourth(images: jax.Array, axis: int, count: int) -> list[jax.Array]:
    """The 6 pixels of each of `count` tiles along an axis, as 6 arrays."""
    span = _TILE * (count - 1) + 1
    return [
        jax.lax.slice_in_dim(images, start, start + span, _TILE, axis)
        for start in range(_INPUT_TILE)
    ]


def _combine(matrix: np.ndarray, arrays: Sequence[jax.Array]) -> list[jax.Array]:
    """`matrix` times the arrays, written as sums so that XLA fuses them."""
    results = []
    for row in matrix:
        terms = [
            array if factor == 1 else array * np.float32(factor)
            for factor, array in zip(row, arrays, strict=True)
            if factor
        ]
        results.append(sum(terms[1:], start=terms[0]))
    return results
