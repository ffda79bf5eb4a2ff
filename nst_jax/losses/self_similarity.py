"""The content loss of self-similarity: which places of the photo are alike."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp

from nst_jax.losses import terms
from nst_jax.losses.cosine import between, unit
from nst_jax.losses.sampling import Points, sample
from nst_jax.losses.view import View

_DRAWS = 4

_ALIKE = 1e-4
"""Of the mean distance: differences of less are rounding, and have a slope of their
size in place of 1."""


@dataclasses.dataclass(frozen=True)
class SelfSimilarity:
    """Difference of the two pictures' distances between their own places.

    Kolkin et al. 2019 ("STROTSS"), section 2.3: of 1024 positions, each with each, the
    cosine distances of features, each column divided by its sum; the mean absolute
    difference times their number. Colours and tones may go, where things are stays. At
    most 2, for any network and photo.

    Deviations: each tap is by itself; four draws of positions, always the same, have a
    mean, in place of one that is drawn anew at each step; and the kink at 0 is rounded
    off where a difference is no more than rounding, so that the photo is at rest.

    The statistic is the distances, divided so, and what the positions count.
    """

    additive: ClassVar[bool] = False

    def statistic(self, view: View) -> Points:
        """`[h, w, c]` -> distances `[g, n, n]`, of one draw or four."""
        points = sample(view, _DRAWS)
        units, weight = unit(points.features), points.weight
        apart = between(units, units)
        sums = jnp.sum(weight[..., None] * apart, axis=1, keepdims=True)
        return Points(apart / jnp.where(sums > 0, sums, 1), weight)

    def distance(self, statistic: Points, target: Points) -> jax.Array:
        """Of distances in the same places: the mean over columns and draws."""
        weight = statistic.weight
        total = jnp.sum(weight, axis=-1)
        count = jnp.where(total > 0, total, 1)
        apart = statistic.features - target.features
        least = _ALIKE / count[:, None, None]
        far = apart * jnp.sign(apart) - least / 2
        size = jnp.where(jnp.abs(apart) < least, jnp.square(apart) / (2 * least), far)
        return jnp.mean(jnp.einsum("gij,gi,gj->g", size, weight, weight) / count)

    def blend(self, targets: Sequence[Points], shares: Sequence[float]) -> Points:
        """Distances between others, of photos of one shape."""
        return targets[0] if len(targets) == 1 else terms.mean(targets, shares)
