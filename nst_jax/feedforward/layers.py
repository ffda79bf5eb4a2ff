"""What image transformation networks are made of, as pure functions of NHWC arrays."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax

from nst_jax.devices import suited
from nst_jax.feedforward.convolutions import convolved, unfolded
from nst_jax.feedforward.padding import extended


def convolve(
    images: jax.Array,
    kernel: jax.Array,
    *,
    stride: int = 1,
    padding: str = "reflect",
    extents: jax.Array | None = None,
) -> jax.Array:
    """A convolution that keeps the size, or divides it by the stride, rounded up.

    Args:
      images: `[b, h, w, i]`, height and width more than half of the kernel's.
      kernel: `[k, k, i, o]`, k odd; with fewer inputs than the images have, the
        channels are in groups.
      stride: down and across.
      padding: "reflect", half a kernel's width around; "zero", as TensorFlow's SAME,
        which at stride 2 pads less above and left; "edge", the border repeated.
      extents: `[b, 2]`, heights and widths of pictures in the top left corners, which
        are padded at their own borders; None: they fill their frame. With zeros they
        have to be none: pictures have zeros around them.

    Returns:
      `[b, h', w', o]`.
    """
    if padding == "zero":
        return convolved(images, kernel, stride, "SAME")
    padded = extended(images, kernel.shape[0] // 2, padding, extents)
    return convolved(padded, kernel, stride, "VALID")


def convolve_enlarged(
    images: jax.Array,
    kernel: jax.Array,
    *,
    padding: str = "reflect",
    extents: jax.Array | None = None,
) -> jax.Array:
    """Each pixel made 2x2 of its kind, then a 3x3 convolution (Odena et al. 2016).

    Of the enlarged picture each pixel sees two different ones a side at most, so that
    it takes 2x2 kernels on the small picture, one for each of the four places: 2.25
    times fewer multiplications. To reflect the enlarged picture at its border is to
    repeat the border of the small one.

    Args:
      images: `[b, h, w, i]`.
      kernel: `[3, 3, i, o]`.
      padding: of the enlarged picture, as in `convolve`.
      extents: likewise, of the small ones.

    Returns:
      `[b, 2 * h, 2 * w, o]`.
    """
    if padding == "zero":
        padded = jnp.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    else:
        padded = extended(images, 1, "edge", extents)
    height, width = images.shape[1:3]
    rows = _halves(kernel)
    whole = kernel.shape[2] == images.shape[-1]  # Not in groups.
    if whole and suited.few_large_passes():
        return _enlarged_at_once(padded, rows)
    found = [
        [
            convolved(
                padded[:, down : down + height + 1, right : right + width + 1],
                small,
                1,
                "VALID",
            )
            for right, small in enumerate(_halves(row, axis=1))
        ]
        for down, row in enumerate(rows)
    ]
    return _interleaved(found)


def _enlarged_at_once(padded: jax.Array, rows: Sequence[jax.Array]) -> jax.Array:
    """All four places by one convolution: more zeros, and fewer passes."""
    parts = [
        jnp.pad(small, ((down, 1 - down), (right, 1 - right), (0, 0), (0, 0)))
        for down, row in enumerate(rows)
        for right, small in enumerate(_halves(row, axis=1))
    ]
    found = convolved(padded, jnp.concatenate(parts, axis=-1), 1, "VALID")
    return unfolded(found, 2)


def _halves(kernel: jax.Array, axis: int = 0) -> tuple[jax.Array, jax.Array]:
    """Kernels of width 2 for the even and the odd pixels of an enlarged axis."""
    first, middle, last = (lax.index_in_dim(kernel, n, axis) for n in range(3))
    return (
        jnp.concatenate([first, middle + last], axis),
        jnp.concatenate([first + middle, last], axis),
    )


def convolve_transposed(images: jax.Array, kernel: jax.Array) -> jax.Array:
    """TensorFlow's `conv2d_transpose`, 3x3, stride 2, SAME: twice the size.

    Of networks that others trained; it leaves checkerboards (Odena et al. 2016). Done
    as convolutions of the small picture: XLA's own, of a picture with holes, is slow.

    Args:
      images: `[b, h, w, i]`.
      kernel: `[3, 3, i, o]`.

    Returns:
      `[b, 2 * h, 2 * w, o]`.
    """
    # Pixel 2n sees n by the kernel's 0, n - 1 by its 2; pixel 2n + 1 n by its 1.
    padded = jnp.pad(images, ((0, 0), (1, 0), (1, 0), (0, 0)))
    found = [
        [
            convolved(padded[:, down:, right:], small, 1, "VALID")
            for right, small in enumerate((row[:, ::-2], row[:, 1:2]))
        ]
        for down, row in enumerate((kernel[::-2], kernel[1:2]))
    ]
    return _interleaved(found)


def _interleaved(parts: list[list[jax.Array]]) -> jax.Array:
    """Four pictures, by their place in each 2x2 pixels, as one of twice the size."""
    rows = [jnp.stack(row, axis=3) for row in parts]  # [b, h, w, 2, c]
    whole = jnp.stack(rows, axis=2)  # [b, h, 2, w, 2, c]
    batch, height, _, width, _, channels = whole.shape
    return whole.reshape(batch, 2 * height, 2 * width, channels)


def moments(images: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Mean and variance of each channel, `[b, c]` float32 (Ulyanov et al. 2016).

    Args:
      images: `[b, h, w, c]`.
    """
    values = images.astype(jnp.float32)
    return jnp.mean(values, (1, 2)), jnp.var(values, (1, 2))


def normalize(
    images: jax.Array,
    statistics: tuple[jax.Array, jax.Array],
    scale: jax.Array,
    offset: jax.Array,
    epsilon: float,
) -> jax.Array:
    """`scale * (images - mean) / sqrt(variance + epsilon) + offset`, by channel.

    Args:
      images: `[b, h, w, c]`.
      statistics: mean and variance, `[b, c]`.
      scale: `[c]` or `[b, c]`.
      offset: likewise.
      epsilon: above 0.
    """
    mean, variance = statistics
    factor = scale * lax.rsqrt(variance + epsilon)
    added = offset - factor * mean
    whole = images * factor[:, None, None].astype(images.dtype)
    return whole + added[:, None, None].astype(images.dtype)
