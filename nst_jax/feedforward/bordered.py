"""Pictures of several shapes in one frame, each painted as it would be alone.

Each lies in the top left corner. Before every convolution what is beyond its border
is made what padding would make of it, or the convolution itself is told where borders
are; statistics are of what is within: so the result is that of the picture alone, but
for rounding.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from nst_jax.devices import suited
from nst_jax.feedforward.transformer import (
    Statistics,
    TransformerNetwork,
    convolved,
    normalized,
)
from weights_convert.architectures.transformer import Block

MULTIPLE = 4
"""Height and width of frames and pictures are multiples of it."""


def paint(
    network: TransformerNetwork,
    images: jax.Array,
    style: jax.Array | None,
    extents: jax.Array,
) -> jax.Array:
    """Painted pictures, each as it would be without its frame.

    Args:
      network: that paints.
      images: `[b, h, w, 3]`, sRGB in [0, 1], multiples of 4; see `framed`.
      style: as `TransformerNetwork` takes it.
      extents: `[b, 2]` int32, height and width of each, multiples of 4, 16 or more.

    Returns:
      `[b, h, w, 3]` float32 in [0, 1]; beyond its extent a picture means nothing.
    """
    how = network.architecture
    values = entering = network.entered(images)
    for layer in how.layers:
        block = network.blocks[layer.name]
        if layer.place == 1:
            entering = values
        within = extents * values.shape[1] // images.shape[1]
        itself = how.padding != "zero" and how.upsampling == "nearest"
        if itself and suited.few_large_passes():
            values = convolved(how, layer, block, values, within)
        else:
            values = bordered(layer, values, within, how.padding)
            values = convolved(how, layer, block, values)
        within = extents * values.shape[1] // images.shape[1]
        used = moments(values, within) if layer.norm else None
        values = normalized(how, layer, block, values, used, style)
        if layer.place == 2:
            values = values + entering
    return jnp.clip(network.shown(values), 0, 1)


def bordered(
    layer: Block, values: jax.Array, extents: jax.Array, padding: str
) -> jax.Array:
    """Features that a layer takes, padded beyond each picture's border.

    As frames and extents are multiples of 4, there is room for as much as a kernel
    sees, or the picture fills its frame and the layer itself pads.

    Args:
      layer: that takes them.
      values: `[b, h, w, c]`.
      extents: `[b, 2]`, height and width of each.
      padding: of the network, "reflect" or "zero".
    """
    if padding == "zero":
        return jnp.where(inside(values, extents), values, 0)
    # To reflect an enlarged picture is to repeat the border of the small one.
    around, skipped = layer.size // 2, 0 if layer.upsample else 1

    def one(picture: jax.Array, extent: jax.Array) -> jax.Array:
        for axis in (0, 1):
            first = extent[axis] - skipped - around
            border = lax.dynamic_slice_in_dim(picture, first, around, axis)
            widths = [(0, around if n == axis else 0) for n in range(3)]
            larger = lax.dynamic_update_slice_in_dim(
                jnp.pad(picture, widths), jnp.flip(border, axis), extent[axis], axis
            )
            picture = lax.slice_in_dim(larger, 0, picture.shape[axis], axis=axis)
        return picture

    return jax.vmap(one)(values, extents)


def moments(values: jax.Array, extents: jax.Array) -> Statistics:
    """Mean and variance of each channel within the extents, `[b, c]` float32."""
    mask = inside(values, extents)
    count = jnp.prod(extents.astype(jnp.float32), axis=1, keepdims=True)
    exact = values.astype(jnp.float32)
    mean = jnp.where(mask, exact, 0).sum((1, 2)) / count
    apart = jnp.where(mask, exact - mean[:, None, None], 0)
    return mean, jnp.square(apart).sum((1, 2)) / count


def inside(values: jax.Array, extents: jax.Array) -> jax.Array:
    """Which of `[b, h, w, c]` are within `[b, 2]`: `[b, h, w, 1]`."""
    rows, columns = (jnp.arange(n) for n in values.shape[1:3])
    down = rows[None] < extents[:, :1]
    across = columns[None] < extents[:, 1:]
    return (down[:, :, None] & across[:, None])[..., None]


def whole(side: int) -> int:
    """A side of a picture as a multiple of 4."""
    return -(-side // MULTIPLE) * MULTIPLE


def framed(image: np.ndarray, frame: tuple[int, int]) -> np.ndarray:
    """`[h, w, 3]` reflected up to multiples of 4, then zero up to a frame."""
    height, width = image.shape[:2]
    within = (0, whole(height) - height), (0, whole(width) - width), (0, 0)
    reflected = np.pad(image, within, "reflect")
    high, wide = reflected.shape[:2]
    return np.pad(reflected, ((0, frame[0] - high), (0, frame[1] - wide), (0, 0)))
