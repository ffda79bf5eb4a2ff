"""Positions drawn from a view, for losses that compare every one with every other.

A loss of the pixels of a run has to be one function: what is drawn is fixed. It follows
from the positions that count alone, so that a padded picture, or a part that a mask
cuts out, is drawn from as if it were alone.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from nst_jax.losses.view import View

POSITIONS = 1024
"""Positions of a draw, as STROTSS has them (Kolkin et al. 2019, arXiv:1904.12785)."""

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


def sample(view: View, draws: int) -> Points:
    """Draws of at most 1024 positions each, row and column together.

    Of fewer positions there is one draw, which has all. Otherwise those that count are
    cut into 1024 runs, row after row, and each draw has one of each run (jittered
    sampling, Cook 1986), another than other draws have. STROTSS draws anew at each
    step; several draws at once see as much and leave the loss one function.

    Args:
      view: `[h, w, c]`.
      draws: how many, each of which stands for the whole.
    """
    channels = view.features.shape[-1]
    features = view.features.reshape(-1, channels)
    wide = jnp.promote_types(features.dtype, jnp.float32)
    total = len(features)
    everywhere = jnp.ones(total, jnp.float32)
    weight = everywhere if view.weight is None else view.weight.reshape(-1)
    if total <= POSITIONS:
        return Points(features[None].astype(wide), weight[None])
    if view.weight is None:
        places = _places(draws, total)
        there = jnp.ones(places.shape, bool)
    else:
        counting = jnp.count_nonzero(weight)
        (order,) = jnp.nonzero(weight, size=total, fill_value=0)
        places = order[_places(draws, counting)]
        there = jnp.arange(POSITIONS) < counting
    return Points(features[places].astype(wide), jnp.where(there, weight[places], 0))


def _places(draws: int, count: int | jax.Array) -> jax.Array:
    """`[draws, 1024]` int32 below `count`; where that is less, each once at first."""
    run = jnp.maximum(jnp.asarray(count, jnp.float32) / POSITIONS, 1)
    places = jnp.floor((jnp.arange(POSITIONS) + _jitter(draws)) * run)
    return jnp.minimum(places.astype(jnp.int32), jnp.asarray(count, jnp.int32) - 1)


@functools.cache
def _jitter(draws: int) -> np.ndarray:
    """`[draws, 1024]` float32 in [0, 1)."""
    within = np.random.default_rng(0).integers(_WITHIN, size=(draws, POSITIONS))
    return (within / _WITHIN).astype(np.float32)
