"""The content loss: squared difference of features, place by place."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp

from nst_jax.losses import terms
from nst_jax.losses.terms import Sums
from nst_jax.losses.view import View


@dataclasses.dataclass(frozen=True)
class Content:
    """The mean squared difference of two views' features.

    Gatys et al. 2016, "Image Style Transfer Using Convolutional Neural Networks",
    equation 1, but for the scale: most systems have the mean, which keeps one weight
    meaningful at every size.
    The statistic is the view itself: parts of a picture are compared with the same
    parts of the photo, and what `compared` gives of them adds up.
    """

    additive: ClassVar[bool] = False

    def statistic(self, view: View) -> View:
        """The view."""
        return view

    def distance(self, statistic: View, target: View) -> jax.Array:
        """Of features `[h, w, c]` of any float dtype; a float32 scalar."""
        return self.amount(self.compared(statistic, target))

    def compared(self, view: View, target: View) -> Sums:
        """Squared differences of places, added up, and how many these are."""
        features, wanted = view.features, target.features
        wide = jnp.promote_types(features.dtype, jnp.float32)
        squared = jnp.square(features.astype(wide) - wanted.astype(wide))
        if view.weight is not None:
            squared = squared * view.weight[..., None]
        return Sums({"apart": jnp.sum(squared)}, view.count * features.shape[-1])

    def amount(self, sums: Sums) -> jax.Array:
        """The loss that what was compared of a whole picture amounts to: a scalar."""
        return sums.values["apart"] / sums.count

    def blend(self, targets: Sequence[View], shares: Sequence[float]) -> View:
        """Features between others, of one shape."""
        return targets[0] if len(targets) == 1 else terms.mean(targets, shares)


@dataclasses.dataclass(frozen=True)
class HalfSum(Content):
    """Half the sum of the squared differences, as the paper has it."""

    def amount(self, sums: Sums) -> jax.Array:
        """Half the sum."""
        return sums.values["apart"] / 2


@dataclasses.dataclass(frozen=True)
class Share(Content):
    """The mean squared difference as a share of the photo's mean square.

    1 for a picture of which the tap sees nothing, whatever the network and the photo: a
    weight means the same for all, as those of the style losses that are shares do.
    """

    def compared(self, view: View, target: View) -> Sums:
        """The photo's own squares too, and how many of them there are."""
        sums = super().compared(view, target)
        wide = jnp.promote_types(target.features.dtype, jnp.float32)
        squares = jnp.square(target.features.astype(wide))
        if target.weight is None:
            places = jnp.float32(squares.size)
        else:
            squares = squares * target.weight[..., None]
            places = jnp.sum(target.weight) * squares.shape[-1]
        photo = {"squares": jnp.sum(squares), "places": places}
        return Sums(sums.values | photo, sums.count)

    def amount(self, sums: Sums) -> jax.Array:
        """The mean divided by that of the target's squares."""
        places = sums.values["places"]
        energy = sums.values["squares"] / jnp.where(places > 0, places, 1)
        total = sums.count * jnp.where(energy > 0, energy, 1)
        return sums.values["apart"] / total
