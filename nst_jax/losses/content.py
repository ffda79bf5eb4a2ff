"""The content loss: squared difference of features, place by place."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp

from nst_jax.losses import terms
from nst_jax.losses.view import View


@dataclasses.dataclass(frozen=True)
class Content:
    """The mean squared difference of two views' features.

    Gatys et al. 2016, "Image Style Transfer Using Convolutional Neural Networks",
    equation 1, but for the scale: most systems have the mean, which keeps one weight
    meaningful at every size.
    The statistic is the view itself: parts of a picture are compared with the same
    parts of the photo.
    """

    additive: ClassVar[bool] = False

    def statistic(self, view: View) -> View:
        """The view."""
        return view

    def distance(self, statistic: View, target: View) -> jax.Array:
        """Of features `[h, w, c]` of any float dtype; a float32 scalar."""
        features, wanted = statistic.features, target.features
        wide = jnp.promote_types(features.dtype, jnp.float32)
        squared = jnp.square(features.astype(wide) - wanted.astype(wide))
        if statistic.weight is not None:
            squared = squared * statistic.weight[..., None]
        count = statistic.count * features.shape[-1]
        return self.scaled(jnp.sum(squared), count, target)

    def scaled(self, total: jax.Array, count: jax.Array, target: View) -> jax.Array:
        """What a sum of so many squares amounts to beside a target: a scalar."""
        return total / count

    def blend(self, targets: Sequence[View], shares: Sequence[float]) -> View:
        """Features between others, of one shape."""
        return targets[0] if len(targets) == 1 else terms.mean(targets, shares)


@dataclasses.dataclass(frozen=True)
class HalfSum(Content):
    """Half the sum of the squared differences, as the paper has it."""

    def scaled(self, total: jax.Array, count: jax.Array, target: View) -> jax.Array:
        """Half the sum."""
        return total / 2


@dataclasses.dataclass(frozen=True)
class Share(Content):
    """The mean squared difference as a share of the photo's mean square.

    1 for a picture of which the tap sees nothing, whatever the network and the photo: a
    weight means the same for all, as those of the style losses that are shares do.
    """

    def scaled(self, total: jax.Array, count: jax.Array, target: View) -> jax.Array:
        """The mean divided by that of the target's squares."""
        wide = jnp.promote_types(target.features.dtype, jnp.float32)
        squares = jnp.square(target.features.astype(wide))
        if target.weight is None:
            energy = jnp.mean(squares)
        else:
            weight = target.weight[..., None]
            places = jnp.sum(target.weight) * squares.shape[-1]
            energy = jnp.sum(squares * weight) / jnp.where(places > 0, places, 1)
        return total / (count * jnp.where(energy > 0, energy, 1))
