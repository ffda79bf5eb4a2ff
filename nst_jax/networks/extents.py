"""Images of several shapes in one array: the part of it that belongs to each."""

from typing import Any

import jax
import jax.numpy as jnp

from nst_jax.losses.view import inside


def confine(images: jax.Array, extents: jax.Array, outside: float = 0.0) -> jax.Array:
    """Another value outside of each image's own part, from its top left corner.

    With zeros, after every layer that has put something else there, it makes images of
    several shapes that were padded to one see exactly what each would alone, where
    layers pad with zeros too.

    Args:
      images: `[b, h, w, c]`.
      extents: `[b, 2]` int32, height and width of the part that belongs to the image.
      outside: what the rest becomes.
    """
    _, height, width, _ = images.shape
    within = inside((height, width), extents)[..., None]
    return jnp.where(within, images, outside)


def count_windows(
    length: Any, size: int, stride: int, padding: int, *, ceil: bool = False
) -> Any:
    """How many windows, `stride` apart, `length` padded pixels give along an axis.

    In ceil mode the last ones may reach over the end, as long as they start before the
    end of the image and the padding ahead of it (Caffe's `PoolingLayer::Reshape`).

    Args:
      length: an int, or an int32 array of them.
      size: of a window.
      stride: between the starts of two.
      padding: pixels on each side.
      ceil: Caffe's rounding instead of the plain one.
    """
    beyond = length + 2 * padding - size
    if ceil:
        count = -(-beyond // stride) + 1
        count = count - ((count - 1) * stride >= length + padding)
    else:
        count = beyond // stride + 1
    return count * (count > 0)
