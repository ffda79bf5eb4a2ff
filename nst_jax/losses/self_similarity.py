"""The content loss of self-similarity: which places of the photo are alike."""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from nst_jax.losses import terms
from nst_jax.losses.column import Column
from nst_jax.losses.cosine import between, unit
from nst_jax.losses.kink import rounded_off
from nst_jax.losses.sampling import Places, Points, places_of, sample
from nst_jax.losses.view import View

_DRAWS = 4


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Drawn:
    """Distances between places of a column.

    Attributes:
      points: `[1, n, n]`, as those of a tap.
      places: where they are.
    """

    points: Points
    places: Places


# Of the mean distance: differences of less are rounding, and have a slope of their size
# in place of 1.
_ALIKE = 1e-4


@dataclasses.dataclass(frozen=True)
class SelfSimilarity:
    """Difference of the two pictures' distances between their own places.

    Kolkin et al. 2019 ("STROTSS"), section 2.3: of 1024 positions, each with each, the
    cosine distances of features, each column divided by its sum; the mean absolute
    difference times their number. Colours and tones may go, where things are stays. At
    most 2, for any network and photo.

    Deviations: the kink at 0 is rounded off where a difference is no more than
    rounding, so that the photo is at rest; and of taps by themselves four draws of
    positions, always the same, have a mean, in place of one that is drawn anew at each
    step. Of a `Column` it is one, drawn anew.

    The statistic is the distances, divided so, and what the positions count. A photo's
    column is kept whole, to be read wherever the picture is.
    """

    additive: ClassVar[bool] = False

    def statistic(self, view: View | Column) -> Points | Drawn | Column:
        """`[h, w, c]` -> distances `[g, n, n]`, of one draw or four."""
        if not isinstance(view, Column):
            return _distances(sample(view, _DRAWS))
        if view.grid.draw is None:
            return view
        places = places_of(view)
        return Drawn(_at(view, places), places)

    def distance(self, statistic: Points | Drawn, target: Points | Column) -> jax.Array:
        """Of distances in the same places: the mean over columns and draws."""
        if isinstance(statistic, Drawn) and isinstance(target, Column):
            wanted = _at(target, statistic.places)
            return self.distance(statistic.points, wanted)
        assert isinstance(statistic, Points), statistic
        assert isinstance(target, Points), target
        weight = statistic.weight
        total = jnp.sum(weight, axis=-1)
        count = jnp.where(total > 0, total, 1)
        apart = statistic.features - target.features
        size = rounded_off(apart, _ALIKE / count[:, None, None])
        return jnp.mean(jnp.einsum("gij,gi,gj->g", size, weight, weight) / count)

    def blend(self, targets: Sequence[Any], shares: Sequence[float]) -> Any:
        """Distances between others, of photos of one shape; of columns, features."""
        return targets[0] if len(targets) == 1 else terms.mean(targets, shares)


def _at(column: Column, places: Places) -> Points:
    features = column.at(places.rows, places.columns)
    return _distances(Points(features[None], places.weight[None]))


def _distances(points: Points) -> Points:
    """Features `[g, n, c]` -> distances `[g, n, n]`, each column divided by its sum."""
    units, weight = unit(points.features), points.weight
    apart = between(units, units)
    sums = jnp.sum(weight[..., None] * apart, axis=1, keepdims=True)
    return Points(apart / jnp.where(sums > 0, sums, 1), weight)
