"""The style loss of neural neighbours: each place like the painting's nearest one."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp

from nst_jax.losses import terms
from nst_jax.losses.cosine import pairwise, unit
from nst_jax.losses.nearest import centred, mean_of, nearest, summed
from nst_jax.losses.sampling import Points
from nst_jax.losses.view import View


@dataclasses.dataclass(frozen=True)
class Neighbors:
    """Angles between hypercolumns and those that were chosen for their places.

    Kolkin et al. 2022, "Neural Neighbor Style Transfer" (arXiv:2203.13215), section
    3.2: `mean(1 - cos(target, features))`. What is chosen is a hypercolumn of the
    painting for each place of the picture that a size begins with, by `Match`; it stays
    for the size, so that the loss is one function of the picture.

    The statistic is the hypercolumns, of length 1.
    """

    additive: ClassVar[bool] = False
    follows: ClassVar[bool] = True

    def statistic(self, view: View) -> Points:
        """`[h, w, c]` -> features of length 1, `[1, h * w, c]`."""
        features, weight = points_of(view)
        return Points(unit(features)[None], weight[None])

    def distance(self, statistic: Points, target: Points) -> jax.Array:
        """The mean over places."""
        weight = statistic.weight
        apart = pairwise(statistic.features, target.features)
        total = jnp.sum(weight)
        return jnp.sum(weight * apart) / jnp.where(total > 0, total, 1)

    def blend(self, targets: Sequence[Points], shares: Sequence[float]) -> Points:
        """What was chosen for the same places, between others."""
        return targets[0] if len(targets) == 1 else terms.mean(targets, shares)


def points_of(view: View) -> tuple[jax.Array, jax.Array]:
    """Features `[n, c]` of a view `[h, w, c]`, float32 at least, and their weights."""
    features = view.features.reshape(-1, view.features.shape[-1])
    features = features.astype(jnp.promote_types(features.dtype, jnp.float32))
    if view.weight is None:
        return features, jnp.ones(len(features), features.dtype)
    return features, view.weight.reshape(-1).astype(features.dtype)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Sum:
    """Features added up, of several pictures: what they are centred by.

    Attributes:
      features: `[c]`.
      weight: a scalar.
    """

    features: jax.Array
    weight: jax.Array

    @classmethod
    def of(cls, view: View) -> "Sum":
        """Of a view `[h, w, c]`."""
        features, weight = points_of(view)
        return cls(summed(features, weight), jnp.sum(weight))

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(self.features + other.features, self.weight + other.weight)

    @property
    def mean(self) -> jax.Array:
        """`[c]`; 0 of nothing."""
        return self.features / jnp.where(self.weight > 0, self.weight, 1)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Match:
    """The nearest features so far of the places of a picture (section 3.2, eq. 1).

    By the cosine distance after each side has lost its own mean.

    Attributes:
      places: `[n, c]`, features of the picture, centred, of length 1.
      found: `[n, c]`, the nearest of others, as they are.
      cosine: `[n]`, of the angles; minus infinity before the first.
    """

    places: jax.Array
    found: jax.Array
    cosine: jax.Array

    @classmethod
    def of(cls, view: View) -> "Match":
        """For the places of a view `[h, w, c]`."""
        features, weight = points_of(view)
        units = centred(features, mean_of(features, weight))
        none = jnp.full(len(units), -jnp.inf, units.dtype)
        return cls(units, jnp.zeros_like(units), none)

    def among(self, view: View, mean: jax.Array) -> "Match":
        """With the features of one more picture to choose from; the first of equals.

        Args:
          view: `[h, w, c]`.
          mean: `[c]`, of all that there is to choose from.
        """
        features, weight = points_of(view)
        place, cosine = nearest(self.places, centred(features, mean), weight)
        better = cosine > self.cosine
        found = jnp.where(better[:, None], features[place], self.found)
        return Match(self.places, found, jnp.where(better, cosine, self.cosine))

    def target(self, view: View) -> Points:
        """What is asked of the view that it is of."""
        _, weight = points_of(view)
        return Points(unit(self.found)[None], weight[None])
