"""Means and covariances of points, and how far those of two pictures are apart."""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from nst_jax.losses import products
from nst_jax.losses.kink import rounded_off
from nst_jax.losses.sampling import Points
from nst_jax.losses.view import View

_ALIKE = 1e-4  # Of the mean size of the painting's: see `rounded_off`.


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Moments:
    """Of features: the mean `[c]`, and the covariance `[c, c]` divided by the count."""

    mean: jax.Array
    covariance: jax.Array

    @classmethod
    def of(cls, points: Points) -> "Moments":
        """Of all draws together; of nothing they are 0."""
        channels = points.features.shape[-1]
        features = points.features.reshape(1, -1, channels)
        weight = points.weight.reshape(1, -1)
        total = jnp.sum(weight)
        count = jnp.where(total > 0, total, 1)
        mean = products.sums(View(features, weight, count)) / count
        centred = View(features - mean, weight, count)
        return cls(mean, products.products(centred) / count)

    @classmethod
    def blend(cls, found: Sequence["Moments"], shares: Sequence[float]) -> "Moments":
        """Of points of all, as many as their shares, which have sum 1."""
        if len(found) == 1:
            return found[0]
        mean, second = jnp.float32(0), jnp.float32(0)
        for one, share in zip(found, shares, strict=True):
            mean += share * one.mean
            second += share * (one.covariance + jnp.outer(one.mean, one.mean))
        return cls(mean, second - jnp.outer(mean, mean))

    def apart(self, wanted: "Moments") -> jax.Array:
        """The mean absolute difference of means, and that of covariances, added up.

        Kolkin et al. 2019 (arXiv:1904.12785), equation 7. Deviation: differences that
        are no more than rounding have no slope.
        """
        pairs = (self.mean, wanted.mean), (self.covariance, wanted.covariance)
        total = jnp.float32(0)
        for found, asked in pairs:
            least = _ALIKE * jnp.mean(jnp.abs(asked))
            total += jnp.mean(rounded_off(found - asked, least))
        return total
