"""Total variation: how much neighbouring pixels differ."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import jax
import jax.numpy as jnp

Length = int | jax.Array


def total_variation(
    image: jax.Array, *, norm: str = "l2", extent: jax.Array | None = None
) -> jax.Array:
    """Differences of neighbouring pixels, across and down, as a float32 scalar.

    Rudin, Osher & Fatemi 1992; squared as in Mahendran & Vedaldi 2015
    (arXiv:1412.0035, eq. 4 with beta = 2).

    Args:
      image: `[h, w, c]`; a side of one pixel has no differences along it.
      norm: "l1" or "l2", the mean of absolute or squared differences across plus the
        mean of those down; "l1_sum" or "l2_sum", their sums; "l2_inner_sum", the sum
        without the last row's differences across and the last column's down, as
        Johnson's neural-style and its followers have it.
      extent: `[2]` int32, height and width of the part that counts, from the top left
        corner; None for the whole image.
    """
    measure, reduce, edge = _NORMS[norm]
    across = measure(image[:, 1:] - image[:, :-1])
    down = measure(image[1:] - image[:-1])
    height, width = image.shape[:2] if extent is None else extent
    return reduce(across, height - edge, width - 1) + reduce(
        down, height - 1, width - edge
    )


def _sum(values: jax.Array, height: Length, width: Length) -> jax.Array:
    rows = jnp.arange(values.shape[0])[:, None] < height
    columns = jnp.arange(values.shape[1]) < width
    return jnp.sum(jnp.where((rows & columns)[..., None], values, 0))


def _mean(values: jax.Array, height: Length, width: Length) -> jax.Array:
    count = jnp.maximum(height * width * values.shape[2], 1)
    return _sum(values, height, width) / count


def _absolute(values: jax.Array) -> jax.Array:
    # jnp.abs has slope 1 at 0: flat areas would drift. This has 0, as in PyTorch.
    return values * jnp.sign(values)


# Of a difference, of all of them, and how many lines at the far edge don't count.
_NORMS: Mapping[str, tuple[Callable, Callable, int]] = MappingProxyType(
    {
        "l1": (_absolute, _mean, 0),
        "l2": (jnp.square, _mean, 0),
        "l1_sum": (_absolute, _sum, 0),
        "l2_sum": (jnp.square, _sum, 0),
        "l2_inner_sum": (jnp.square, _sum, 1),
    }
)
