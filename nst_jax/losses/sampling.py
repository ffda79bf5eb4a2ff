"""Positions drawn from a view, for losses that compare every one with every other.

A loss of the pixels of a run has to be one function: what is drawn is fixed. Places of
hypercolumns are too few of what their fine taps see for that: they are drawn anew at
each step, which first-order solvers bear. Both follow from the positions that count
alone, so that a padded picture, or a part that a mask cuts out, is drawn from as if it
were alone.
"""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nst_jax.losses.column import Column
from nst_jax.losses.view import View

POSITIONS = 1024
"""Positions of a draw, as STROTSS has them (Kolkin et al. 2019, arXiv:1904.12785)."""

_OF_PAINTINGS = 5  # Draws of a painting's column, of 1000 each in STROTSS.
_WITHIN = 4096  # Places in a stratum: with POSITIONS of them exact in float32.


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Points:
    """Features at positions, without an order in space.

    Attributes:
      features: `[g, n, c]`, float32 at least, of g draws.
      weight: `[g, n]` float32, what each counts; 0: it isn't there.
    """

    features: jax.Array
    weight: jax.Array


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Places:
    """Pixels of a picture, without an order in space.

    Attributes:
      rows: `[n]` int32.
      columns: likewise.
      weight: `[n]` float32, what each counts; 0: it isn't there.
    """

    rows: jax.Array
    columns: jax.Array
    weight: jax.Array


def sample(view: View | Column, draws: int) -> Points:
    """Draws of at most 1024 positions each, row and column together.

    Of fewer positions there is one draw, which has all. Otherwise those that count are
    cut into 1024 runs, row after row, and each draw has one of each run (jittered
    sampling, Cook 1986), another than other draws have. STROTSS draws anew at each
    step; several draws at once see as much and leave the loss one function.

    Of a column there is one draw, of a key of its own, as STROTSS has it; where it has
    no key, as a painting's, five of them are one: `[1, 5120, c]`, always the same.
    Those that are lacking weigh 0.

    Args:
      view: `[h, w, c]`.
      draws: how many, each of which stands for the whole; of a view.
    """
    if isinstance(view, Column):
        if view.grid.draw is None:
            return _all_at_once(view)
        at = places_of(view)
        return Points(view.at(at.rows, at.columns)[None], at.weight[None])
    channels = view.features.shape[-1]
    features = view.features.reshape(-1, channels)
    wide = jnp.promote_types(features.dtype, jnp.float32)
    places, weight = _drawn(view, _jitter(draws))
    return Points(features[places].astype(wide), weight)


def places_of(column: Column) -> Places:
    """One draw of at most 1024 pixels, as `sample` has them, by the key of its grid."""
    key: Any = column.grid.draw
    within = jax.random.randint(key, (1, POSITIONS), 0, _WITHIN)
    places, weight = _drawn(column.grid, within / _WITHIN)
    width = column.grid.features.shape[1]
    return Places(places[0] // width, places[0] % width, weight[0])


def _all_at_once(column: Column) -> Points:
    places, weight = _drawn(column.grid, _jitter(_OF_PAINTINGS))
    # All of a small picture are one draw.
    lacking = _OF_PAINTINGS * POSITIONS - places.size
    places = jnp.pad(places.reshape(-1), (0, lacking))
    weight = jnp.pad(weight.reshape(-1), (0, lacking))
    width = column.grid.features.shape[1]
    features = column.at(places // width, places % width)
    return Points(features[None], weight[None])


def _drawn(view: View, jitter: Any) -> tuple[jax.Array, jax.Array]:
    """Positions `[g, n]`, row after row, and what they count; all if that are few.

    Args:
      view: `[h, w, c]`.
      jitter: `[g, 1024]` in [0, 1), which of each run.
    """
    total = view.features.shape[0] * view.features.shape[1]
    everywhere = jnp.ones(total, jnp.float32)
    weight = everywhere if view.weight is None else view.weight.reshape(-1)
    if total <= POSITIONS:
        return jnp.arange(total)[None], weight[None]
    if view.weight is None:
        places = _places(jitter, total)
        return places, jnp.ones(places.shape, jnp.float32)
    counting = jnp.count_nonzero(weight)
    (order,) = jnp.nonzero(weight, size=total, fill_value=0)
    places = order[_places(jitter, counting)]
    there = jnp.arange(POSITIONS) < counting
    return places, jnp.where(there, weight[places], 0)


def _places(jitter: Any, count: int | jax.Array) -> jax.Array:
    """`[draws, 1024]` int32 below `count`; where that is less, each once at first."""
    run = jnp.maximum(jnp.asarray(count, jnp.float32) / POSITIONS, 1)
    places = jnp.floor((jnp.arange(POSITIONS) + jitter) * run)
    return jnp.minimum(places.astype(jnp.int32), jnp.asarray(count, jnp.int32) - 1)


@functools.cache
def _jitter(draws: int) -> np.ndarray:
    """`[draws, 1024]` float32 in [0, 1)."""
    within = np.random.default_rng(0).integers(_WITHIN, size=(draws, POSITIONS))
    return (within / _WITHIN).astype(np.float32)
