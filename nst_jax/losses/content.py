"""The content loss: squared difference of features, place by place."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp

from nst_jax.losses import terms
from nst_jax.losses.view import View


def mean(total: jax.Array, count: jax.Array) -> jax.Array:
    """The mean, which keeps one weight meaningful at every size: most systems'."""
    return total / count


def half_sum(total: jax.Array, count: jax.Array) -> jax.Array:
    """Half the sum (Gatys et al. 2016, eq. 1)."""
    return total / 2


@dataclasses.dataclass(frozen=True)
class Content:
    """Squared difference of two views' features.

    Gatys et al. 2016, "Image Style Transfer Using Convolutional Neural Networks",
    equation 1.
    The statistic is the view itself: parts of a picture are compared with the same
    parts of the photo.

    Attributes:
      content_loss: of the sum of squares and the number of them, `mean` or `half_sum`.
    """

    content_loss: Callable[[jax.Array, jax.Array], jax.Array] = mean
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
        return self.content_loss(jnp.sum(squared), count)

    def blend(self, targets: Sequence[View], shares: Sequence[float]) -> View:
        """Features between others, of one shape."""
        return targets[0] if len(targets) == 1 else terms.mean(targets, shares)
