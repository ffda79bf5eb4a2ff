"""Hypercolumns at places of a picture: what several taps show there, as one vector."""

import dataclasses

import jax
import jax.numpy as jnp

from nst_jax.losses.view import View


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Column:
    """Several taps of one picture, which are read together at any place of it.

    Hypercolumns (Hariharan et al. 2015, "Hypercolumns for object segmentation and
    fine-grained localization"; Mostajabi et al. 2015) as Kolkin et al. 2019 have them
    ("STROTSS", arXiv:1904.12785, section 2.1). Losses of it draw places, by the key
    `grid.draw`; where there is none, it is that of what is asked for.

    Attributes:
      grid: the picture `[h, w, 3]`, whose pixels are the places, and what each counts.
      maps: of the taps, `[h', w', c']`.
      strides: pixels between places of each map. Static.
    """

    grid: View
    maps: tuple[View, ...]
    strides: tuple[int, ...] = dataclasses.field(metadata={"static": True})

    def at(self, rows: jax.Array, columns: jax.Array) -> jax.Array:
        """Features of all taps at pixels, `[n]` twice -> `[n, c]`, float32 at least.

        A pixel's place in a map is its own, halved with each pooling, and read between
        the four around it bilinearly; beyond the last row or column is that one.
        """
        found = [
            _read(view, stride, rows, columns)
            for view, stride in zip(self.maps, self.strides, strict=True)
        ]
        return jnp.concatenate(found, axis=-1)


def _read(view: View, stride: int, rows: jax.Array, columns: jax.Array) -> jax.Array:
    """`[h', w', c']` -> `[n, c']`."""
    _, width, channels = view.features.shape
    features = view.features.reshape(-1, channels)
    wide = jnp.promote_types(features.dtype, jnp.float32)
    if stride == 1:
        return features[rows * width + columns].astype(wide)
    last_row, last_column = _last(view)
    (top, down), (left, right) = (
        _between(places / stride, last)
        for places, last in ((rows, last_row), (columns, last_column))
    )
    total = jnp.zeros((len(rows), channels), wide)
    for row, share in ((top, 1 - down), (jnp.minimum(top + 1, last_row), down)):
        for column, part in (
            (left, 1 - right),
            (jnp.minimum(left + 1, last_column), right),
        ):
            there = features[row * width + column].astype(wide)
            total += (share * part)[:, None] * there
    return total


def _last(view: View) -> tuple[jax.Array, jax.Array]:
    """The last row and column of a view that belong to the picture."""
    height, width = view.features.shape[:2]
    if view.weight is None:
        return jnp.int32(height - 1), jnp.int32(width - 1)
    there = view.weight > 0
    rows = jnp.where(jnp.any(there, axis=1), jnp.arange(height), 0)
    columns = jnp.where(jnp.any(there, axis=0), jnp.arange(width), 0)
    return jnp.max(rows), jnp.max(columns)


def _between(places: jax.Array, last: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The place before each, and how far it is from there to the next."""
    places = jnp.minimum(places, last)
    before = jnp.floor(places).astype(jnp.int32)
    return before, places - before
