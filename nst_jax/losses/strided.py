"""Every so many places of a view, for losses that compare each with each.

As `sampling`, for maps that are to be seen evenly: what counts of a view has a box, and
of that every so many rows and columns are taken from an offset on.
"""

import jax
import jax.numpy as jnp
import numpy as np

from nst_jax.losses.sampling import Points
from nst_jax.losses.view import View

SIDE = 64
"""Places along a side at most (Kolkin et al. 2022, arXiv:2203.13215: its code)."""


def strided(view: View, draws: int) -> Points:
    """Places at equal distances, at most 64 a side, `[g, n, c]`.

    Both ways they are equally far apart, as the longer side of what counts asks. If the
    view has a `draw` the offset is drawn by that, and there is one; otherwise there are
    several, always the same, spread over those that there can be.

    Args:
      view: `[h, w, c]`.
      draws: how many there are then.
    """
    height, width, channels = view.features.shape
    wide = jnp.promote_types(view.features.dtype, jnp.float32)
    weight = view.weight
    if weight is None:
        weight = jnp.ones((height, width), jnp.float32)
    (top, bottom), (left, right) = (_box(weight, axis) for axis in (0, 1))
    longest = jnp.maximum(bottom - top, right - left)
    step = jnp.maximum(-(-longest // SIDE), 1)
    if view.draw is None:
        offsets = jnp.floor(_spread(draws) * step).astype(jnp.int32)
    else:
        offsets = jax.random.randint(view.draw, (1, 2), 0, step)

    def taken(offset: jax.Array) -> Points:
        rows = top + offset[0] + step * jnp.arange(min(SIDE, height))
        columns = left + offset[1] + step * jnp.arange(min(SIDE, width))
        inside = (rows < bottom)[:, None] & (columns < right)
        rows = jnp.minimum(rows, height - 1)[:, None]
        columns = jnp.minimum(columns, width - 1)
        features = view.features[rows, columns].reshape(-1, channels)
        counts = jnp.where(inside, weight[rows, columns], 0).reshape(-1)
        return Points(features.astype(wide), counts)

    return jax.vmap(taken)(offsets)


def _box(weight: jax.Array, axis: int) -> tuple[jax.Array, jax.Array]:
    """Where what counts begins and ends along an axis."""
    some = jnp.any(weight > 0, axis=1 - axis)
    places = jnp.arange(len(some))
    first = jnp.min(jnp.where(some, places, len(some)))
    return first, jnp.max(jnp.where(some, places + 1, first))


def _spread(draws: int) -> np.ndarray:
    """`[draws, 2]` float32 in [0, 1): each row and each column another part of it."""
    rng = np.random.default_rng(0)
    parts = np.stack([rng.permutation(draws) for _ in range(2)], axis=1)
    return ((parts + 0.5) / draws).astype(np.float32)
