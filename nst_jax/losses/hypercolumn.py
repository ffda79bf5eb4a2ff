"""Hypercolumns: what several taps show of one place, as one vector."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from nst_jax.losses.view import View

HYPERCOLUMN = "hypercolumn"
"""The name of their view."""

_COARSER = 4  # Sides of a picture are so many times those of its hypercolumns.


def shape_of(shape: tuple[int, int]) -> tuple[int, int]:
    """Height and width of the hypercolumns of a picture of a shape."""
    height, width = (max(1, side // _COARSER) for side in shape)
    return height, width


def hypercolumns(
    views: Sequence[View], shape: tuple[int, int], extents: jax.Array | None = None
) -> View:
    """Taps of pictures brought to one grid and laid side by side.

    Kolkin et al. 2022, "Neural Neighbor Style Transfer" (arXiv:2203.13215), section
    3.1, as its code has it: each tap is divided by the number of its channels, so that
    those with many don't decide alone, and read bilinearly at a quarter of the
    picture's size, corners at corners.

    Args:
      views: of taps, `[b, h', w', c']` each, of b pictures and their padding.
      shape: height and width of the pictures, padding included.
      extents: `[b, 2]` int32, height and width of each without; None: there is none.

    Returns:
      `[b, h // 4, w // 4, c]` float32, c of all taps together; 0 in padding.
    """
    height, width = shape_of(shape)
    inner = None if extents is None else jnp.maximum(extents // _COARSER, 1)
    found = []
    for view in views:
        features = view.features.astype(
            jnp.promote_types(view.features.dtype, jnp.float32)
        )
        channels = features.shape[-1]
        for axis, length in ((1, height), (2, width)):
            of = None if inner is None else inner[:, axis - 1]
            features = _read(features, axis, length, of, _lengths(view, axis))
        found.append(features / channels)
    return View.of(jnp.concatenate(found, axis=-1), inner, clean=True)


def _lengths(view: View, axis: int) -> jax.Array | None:
    """`[b]`, how long each picture is along an axis of a tap; None: all of it."""
    if view.weight is None:
        return None
    return jnp.sum(jnp.any(view.weight > 0, axis=3 - axis), axis=1)


def _read(
    features: jax.Array,
    axis: int,
    length: int,
    inner: jax.Array | None,
    own: jax.Array | None,
) -> jax.Array:
    """Features at other places along an axis, `length` of which `[b]` inner count."""
    before = features.shape[axis]
    if inner is None or own is None:
        if before == length:
            return features
        inner, own = jnp.array([length]), jnp.array([before])
    places = jnp.arange(length)
    # One place reads the first one.
    steps = jnp.maximum(inner - 1, 1)[:, None]
    at = places * (own - 1)[:, None] / steps
    near = jnp.maximum(1 - jnp.abs(at[..., None] - jnp.arange(before)), 0)
    near = (near * (places < inner[:, None])[..., None]).astype(features.dtype)
    near = jnp.broadcast_to(near, (len(features), length, before))
    return jnp.einsum(
        "bij,bjwc->biwc" if axis == 1 else "bij,bhjc->bhic", near, features
    )
