"""Pictures with more pixels around, as one-pass networks pad them."""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from nst_jax.devices import suited


def extended(
    images: jax.Array, around: int, mode: str, extents: jax.Array | None = None
) -> jax.Array:
    """Pictures with more pixels around, `[b, h, w, c]` -> `[b, h', w', c]`.

    Args:
      images: with more pixels a side than `around`.
      around: how many on each side.
      mode: "reflect" or "edge", as in `jnp.pad`.
      extents: `[b, 2]`, heights and widths; what is beyond `around` pixels means
        nothing. None: pictures fill their frame.
    """
    if extents is None:
        at_once = known(images) and suited.few_large_passes()
        pad = _gathered if at_once else _extended
        return pad(images, around, mode)
    places = _places(images.shape[1:3], around, mode, extents)
    return jax.vmap(lambda one, at: one[at[0][:, None], at[1]])(images, places)


def _extended(images: jax.Array, around: int, mode: str) -> jax.Array:
    widths = ((0, 0), (around, around), (around, around), (0, 0))
    return jnp.pad(images, widths, mode)


def _places(
    shape: Sequence[int], around: int, mode: str, extents: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Rows `[b, h']` and columns `[b, w']` that extended pictures are made of."""
    found = []
    for axis in (0, 1):
        last = extents[:, axis, None] - 1
        place = jnp.arange(-around, shape[axis] + around)[None]
        if mode == "reflect":
            place = last - abs(last - abs(place))
        found.append(jnp.clip(place, 0, last))
    return found[0], found[1]


@functools.partial(jax.custom_vjp, nondiff_argnums=(1, 2))
def _gathered(images: jax.Array, around: int, mode: str) -> jax.Array:
    """`_extended` in one pass: XLA's own has one for each axis, of concatenations."""
    shape = images.shape[1:3]
    rows, columns = _places(shape, around, mode, jnp.array([shape]))
    return images[:, rows[0][:, None], columns[0]]


def _gathered_forward(
    images: jax.Array, around: int, mode: str
) -> tuple[jax.Array, jax.Array]:
    return _gathered(images, around, mode), images[..., :0]


def _gathered_backward(
    around: int, mode: str, shaped: jax.Array, cotangent: jax.Array
) -> tuple[jax.Array]:
    """That of `_extended`: a gather's own is a scatter."""
    like = jax.ShapeDtypeStruct(
        (*shaped.shape[:3], cotangent.shape[3]), cotangent.dtype
    )
    pad = functools.partial(_extended, around=around, mode=mode)
    (found,) = jax.linear_transpose(pad, like)(cotangent)
    return (found,)


_gathered.defvjp(_gathered_forward, _gathered_backward)


def known(images: jax.Array) -> bool:
    """Whether its sizes are numbers, as they aren't in an export."""
    return all(isinstance(size, int) for size in images.shape)
