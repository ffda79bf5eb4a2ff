"""A 3x3 convolution of few channels as one product of matrices (im2col).

A matrix unit takes 16 channels or more at once: a picture's three keep it waiting, and
libraries fill them up with zeros in a pass of their own. The nine pixels that a
position sees have 27 channels together, nearly as many as are wanted. CPUs, quicker at
the convolution itself, take its gradient alone from here. Chellapilla, Puri & Simard
2006, "High Performance Convolutional Neural Networks for Document Processing".
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

_WIDTH = 32
"""Channels of a product, what is missing of them zeros."""


def pays_off(kernel_shape: tuple[int, ...]) -> bool:
    """Whether so few channels are seen: `[3, 3, i, o]` with 9 i of at most 32."""
    *size, inputs, _ = kernel_shape
    return size == [3, 3] and 9 * inputs <= _WIDTH


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def convolve(images: jax.Array, kernel: jax.Array, precision: Any = None) -> jax.Array:
    """Convolves with stride 1 and zeros around, as a frozen network does.

    Args:
      images: `[b, h, w, i]`.
      kernel: `[3, 3, i, o]`, its gradient is 0.
      precision: of the products, see `jax.default_matmul_precision`.

    Returns:
      `[b, h, w, o]`.
    """
    batch, height, width, _ = images.shape
    around = jnp.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    seen = [
        around[:, i : i + height, j : j + width] for i in range(3) for j in range(3)
    ]
    missing = _WIDTH - sum(part.shape[-1] for part in seen)
    joined = jnp.concatenate(
        [*seen, lax.full((*images.shape[:3], missing), 0, images.dtype)], axis=-1
    )
    columns = joined.reshape(batch * height * width, _WIDTH)
    found = jnp.matmul(columns, _matrix(kernel), precision=precision)
    return found.reshape(batch, height, width, kernel.shape[-1])


def _forward(
    images: jax.Array, kernel: jax.Array, precision: Any
) -> tuple[jax.Array, jax.Array]:
    return convolve(images, kernel, precision), kernel


def _backward(
    precision: Any, kernel: jax.Array, cotangent: jax.Array
) -> tuple[jax.Array, jax.Array]:
    return gradient(cotangent, kernel, precision), jnp.zeros_like(kernel)


def gradient(
    cotangent: jax.Array, kernel: jax.Array, precision: Any = None
) -> jax.Array:
    """What `convolve`'s images get: each position hands to the nine that it saw.

    Args:
      cotangent: `[b, h, w, o]`.
      kernel: `[3, 3, i, o]`.
      precision: of the products, see `jax.default_matmul_precision`.

    Returns:
      `[b, h, w, i]`, added up in float32 at least; the nine products that are added are
      of the cotangent's type.
    """
    batch, height, width, outputs = cotangent.shape
    flat = cotangent.reshape(batch * height * width, outputs)
    handed = jnp.matmul(flat, _matrix(kernel).T, precision=precision)
    parts = handed.reshape(batch, height, width, _WIDTH)
    inputs, none = kernel.shape[2], (0, 0, 0)
    wide = jnp.promote_types(cotangent.dtype, jnp.float32)
    zero = total = jnp.zeros((), wide)
    for place in range(9):
        part = parts[..., place * inputs : (place + 1) * inputs].astype(wide)
        down, across = place // 3 - 1, place % 3 - 1
        margins = none, (down, -down, 0), (across, -across, 0), none
        total += lax.pad(part, zero, margins)
    return total.astype(cotangent.dtype)


convolve.defvjp(_forward, _backward)


def _matrix(kernel: jax.Array) -> jax.Array:
    """`[3, 3, i, o]` -> `[32, o]`, zeros below."""
    rows = kernel.reshape(-1, kernel.shape[-1])
    return jnp.pad(rows, ((0, _WIDTH - len(rows)), (0, 0)))
