"""STROTSS's loss of colours: each pixel near one of the painting's."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp

from nst_jax.losses import cosine, remd
from nst_jax.losses.column import Column
from nst_jax.losses.sampling import Points
from nst_jax.losses.view import View

_LEAST = 1e-5  # Of squared distances, whose root would be infinitely steep at 0.


@dataclasses.dataclass(frozen=True)
class Palette:
    """The relaxed earth mover's distance of colours.

    Kolkin et al. 2019 (arXiv:1904.12785), section 2.2, as their code has it: the cost
    of two colours, each less grey, is the cosine distance plus the root of a third of
    the squared distance. The decorrelated basis that they turn colours to first is
    orthonormal but for rounding, and changes no distance.

    The statistic is the colours drawn: see `RelaxedEMD`.
    """

    additive: ClassVar[bool] = False

    def statistic(self, view: View | Column) -> Points:
        """Colours `[h, w, 3]` around 0 -> `[g, n, 3]`."""
        return remd.drawn(view)

    def distance(self, statistic: Points, target: Points) -> jax.Array:
        """The mean over draws."""
        return remd.relaxed(statistic, target, _between, _pairwise)

    def blend(self, targets: Sequence[Points], shares: Sequence[float]) -> Points:
        """Colours of all, as many as their shares."""
        return remd.blend(targets, shares)


def _between(colours: jax.Array, others: jax.Array) -> jax.Array:
    angles = cosine.between(cosine.unit(colours), cosine.unit(others))
    squared = jnp.sum(jnp.square(colours[:, None] - others[None]), axis=-1)
    return angles + _root(squared)


def _pairwise(colours: jax.Array, others: jax.Array) -> jax.Array:
    angles = cosine.pairwise(cosine.unit(colours), cosine.unit(others))
    return angles + _root(jnp.sum(jnp.square(colours - others), axis=-1))


def _root(squared: jax.Array) -> jax.Array:
    return jnp.sqrt(jnp.maximum(squared, _LEAST) / 3)
