"""The style loss: squared difference of Gram matrices (Gatys et al. 2016, eq. 3-5)."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp

from nst_jax.losses import terms
from nst_jax.losses.products import products
from nst_jax.losses.terms import Sums
from nst_jax.losses.view import View


@dataclasses.dataclass(frozen=True)
class GramScale:
    """How a system scales Gram matrices and their squared difference.

    Attributes:
      per_channel: divide the Gram matrix by the channels too, not by the pixels only.
      loss_factor: times the mean squared difference.
      summed: times the sum of the squared differences instead.
      own_pixels: divide the painting's Gram matrix by its own pixels; otherwise by the
        picture's, however large the painting is.
      relative: divide the loss by the sum of both matrices' squares, which it can't
        exceed.
    """

    per_channel: bool
    loss_factor: float
    summed: bool = False
    own_pixels: bool = True
    relative: bool = False


CHW = GramScale(per_channel=True, loss_factor=1.0)
"""G/(C*H*W), mean squared difference: Johnson's neural-style, PyTorch tutorial."""

HW = GramScale(per_channel=False, loss_factor=1.0)
"""G/(H*W), mean squared difference: Gatys's own notebooks, pastiche."""

PAPER = GramScale(per_channel=False, loss_factor=0.25)
"""Sum of squares / (4 N^2 M^2), eq. 4. Each Gram matrix is divided by its own pixel
count M, so that a painting of another size than the photo's (which the paper excludes)
still asks for the same statistics."""

CAFFE = GramScale(per_channel=False, loss_factor=0.25, own_pixels=False)
"""The same by the picture's pixel count alone, as fzliu's style-transfer (Caffe) has
it: a larger painting asks for larger statistics."""

ARTICLE = GramScale(per_channel=False, loss_factor=0.25, summed=True)
"""Sum of squares / (4 M^2): not divided by channels, a Keras exercise of 2019."""

NORMALIZED = GramScale(per_channel=False, loss_factor=1.0, summed=True, relative=True)
"""`|G - G_s|^2 / (|G|^2 + |G_s|^2)` (Cheng et al. 2021, "Style-aware normalized loss
for improving arbitrary style transfer", arXiv:2104.10064): 0 to 1 at every tap, so that
one weight suits all paintings, networks and taps."""


@dataclasses.dataclass(frozen=True)
class Gram:
    """Squared difference of Gram matrices.

    The statistic is the products of channels, summed over positions, `[c, c]`, and the
    count of these.

    Attributes:
      gram: the scale.
    """

    gram: GramScale = CHW
    additive: ClassVar[bool] = True

    def statistic(self, view: View) -> Sums:
        """Products of channels, `[h, w, c]` -> `[c, c]`, summed in float32 at least."""
        return Sums(products(view), view.count)

    def matrix(self, sums: Sums) -> jax.Array:
        """The Gram matrix `[c, c]` of a statistic, by its own pixels (eq. 3)."""
        channels = sums.values.shape[-1] if self.gram.per_channel else 1
        return sums.values / (sums.count * channels)

    def distance(self, statistic: Sums, target: Sums) -> jax.Array:
        """Between the Gram matrices of two statistics."""
        if not self.gram.own_pixels:
            target = Sums(target.values, statistic.count)
        found, wanted = self.matrix(statistic), self.matrix(target)
        reduce = jnp.sum if self.gram.summed else jnp.mean
        loss = self.gram.loss_factor * reduce(jnp.square(found - wanted))
        if not self.gram.relative:
            return loss
        most = reduce(jnp.square(found)) + reduce(jnp.square(wanted))
        return loss / jnp.where(most > 0, most, 1)

    def blend(self, targets: Sequence[Sums], shares: Sequence[float]) -> Sums:
        """Gram matrices blend linearly, each by its own pixels if the scale says so."""
        if len(targets) == 1:
            return targets[0]
        own = self.gram.own_pixels
        matrices = [t.values / t.count if own else t.values for t in targets]
        return Sums(terms.mean(matrices, shares), jnp.ones_like(targets[0].count))
