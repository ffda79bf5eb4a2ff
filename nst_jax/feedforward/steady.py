"""A consistency loss from single photos, for networks that are to paint video."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

_MOVED, _CELLS, _NOISE = 8.0, 4, 0.01  # Pixels; of the flow; of the pixels' range.


def inconsistency(
    paint: Callable[[jax.Array], jax.Array],
    photos: jax.Array,
    painted: jax.Array,
    key: jax.Array,
) -> jax.Array:
    """Mean squared difference of the painted moved photo and the moved painted one.

    Wang et al. 2020, "Consistent Video Style Transfer via Relaxation and
    Regularization", section III-C: a smooth random flow and noise stand for what is new
    between frames, so that training needs neither video nor an optical-flow network.

    Args:
      paint: `[b, h, w, 3]` -> the same.
      photos: `[b, h, w, 3]`, sRGB in [0, 1].
      painted: `paint(photos)`.
      key: of flow and noise.

    Returns:
      `[b]`, of pixels of 0 to 255.
    """
    of_flow, of_noise = jax.random.split(key)
    batch, height, width, _ = photos.shape
    cells = jax.random.normal(of_flow, (batch, _CELLS, _CELLS, 2))
    flow = _MOVED * jax.image.resize(cells, (batch, height, width, 2), "cubic")
    noise = _NOISE * jax.random.normal(of_noise, photos.shape)
    moved = jnp.clip(warp(photos, flow) + noise, 0, 1)
    difference = paint(moved) - warp(painted, flow)
    return jnp.mean(jnp.square(255 * difference), (1, 2, 3))


def warp(images: jax.Array, flow: jax.Array) -> jax.Array:
    """Each pixel from where the flow says, bilinear; beyond the border, the border's.

    Args:
      images: `[b, h, w, c]`.
      flow: `[b, h, w, 2]`, pixels down and across.
    """
    height, width = images.shape[1:3]
    rows = jnp.arange(height)[:, None] + flow[..., 0]
    columns = jnp.arange(width) + flow[..., 1]

    def of_one(image: jax.Array, row: jax.Array, column: jax.Array) -> jax.Array:
        row, column = jnp.clip(row, 0, height - 1), jnp.clip(column, 0, width - 1)
        top = jnp.clip(jnp.floor(row).astype(int), 0, max(0, height - 2))
        left = jnp.clip(jnp.floor(column).astype(int), 0, max(0, width - 2))
        down, right = (row - top)[..., None], (column - left)[..., None]
        bottom, beyond = (
            jnp.minimum(top + 1, height - 1),
            jnp.minimum(left + 1, width - 1),
        )
        upper = image[top, left] * (1 - right) + image[top, beyond] * right
        lower = image[bottom, left] * (1 - right) + image[bottom, beyond] * right
        return upper * (1 - down) + lower * down

    return jax.vmap(of_one)(images, rows, columns)
