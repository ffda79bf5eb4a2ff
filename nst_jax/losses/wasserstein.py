"""The style loss of optimal transport between Gaussians of features."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp

from nst_jax.losses import terms
from nst_jax.losses.products import products, sums
from nst_jax.losses.roots import precision, product, root_trace
from nst_jax.losses.terms import Sums
from nst_jax.losses.view import View


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Moments:
    """A painting's features as a Gaussian.

    Attributes:
      mean: `[c]`.
      root: `[c, c]`, the square root of the covariance and of what is added to it.
      variance: the trace of these.
      added: to each variance.
      second: the second moment, which distances are divided by.
    """

    mean: jax.Array
    root: jax.Array
    variance: jax.Array
    added: jax.Array
    second: jax.Array


@dataclasses.dataclass(frozen=True)
class W2:
    """Squared 2-Wasserstein distance of Gaussians, as a share of the painting's energy.

    `|m - m_s|^2 + tr(S + S_s - 2 (S_s^1/2 S S_s^1/2)^1/2)` (Dowson & Landau 1982) of
    means and covariances over positions, divided by `|m_s|^2 + tr S_s`: so that one set
    of weights suits all networks, taps and paintings. As a style loss: V. Marron 2017
    ("Style transfer as optimal transport") and K. Crowson's `style-transfer-pytorch`,
    which isn't divided.

    Both covariances are raised by some of the painting's largest variance, in float32
    a 700th: the roots are of products of two of them, whose eigenvalues can be told
    from 0 no further. What varies less than that counts less, and a picture like the
    painting is at a distance of 0 with no gradient. Of fewer positions than channels it
    is the same formula, to 1e-4 in float64; in float32 about a tenth low at VGG-19's
    relu5_1 of 256 pixels. The Gram matrix of positions would do without the products of
    products, but isn't a sum over parts.

    The statistic is the sums and products of channels over positions, and their count.
    """

    additive: ClassVar[bool] = True

    def statistic(self, view: View) -> Sums:
        """`[h, w, c]` -> sums `[c]` and products `[c, c]`, in float32 at least."""
        with jax.default_matmul_precision("highest"):
            return Sums({"one": sums(view), "two": products(view)}, view.count)

    def distance(self, statistic: Sums, target: Moments) -> jax.Array:
        """Of a statistic from a blend."""
        mean, covariance = gaussian(statistic)
        covariance = _raised(covariance, target.added)
        apart = jnp.sum(jnp.square(mean - target.mean))
        between = product(product(target.root, covariance), target.root)
        shapes = jnp.trace(covariance) + target.variance
        shapes -= 2 * root_trace((between + between.T) / 2)
        shapes += jax.lax.stop_gradient(jnp.maximum(-shapes, 0))
        return (apart + shapes) / jnp.where(target.second > 0, target.second, 1)

    def blend(self, targets: Sequence[Sums], shares: Sequence[float]) -> Moments:
        """Means of the moments about 0: those of a picture with a part like each."""
        mean, covariance = blended(targets, shares)
        values, vectors = jnp.linalg.eigh(covariance)
        added = 4 * precision(values) ** 0.5 * jnp.maximum(values[-1], 0)
        raised = jnp.maximum(values, 0) + added
        root = product(vectors * jnp.sqrt(raised), vectors.T)
        variance = jnp.sum(raised)
        second = jnp.sum(jnp.square(mean)) + variance
        return Moments(mean, root, variance, added, second)


def gaussian(statistic: Sums) -> tuple[jax.Array, jax.Array]:
    """Mean `[c]` and covariance `[c, c]` of sums over positions."""
    mean = statistic.values["one"] / statistic.count
    second = statistic.values["two"] / statistic.count
    return mean, second - mean[:, None] * mean


def blended(
    targets: Sequence[Sums], shares: Sequence[float]
) -> tuple[jax.Array, jax.Array]:
    """The same of pictures between others: by the means of their moments about 0."""
    means = [jax.tree.map(lambda v, n=t.count: v / n, t.values) for t in targets]
    moments = terms.mean(means, shares)
    return gaussian(Sums(moments, jnp.ones_like(targets[0].count)))


def _raised(covariance: jax.Array, added: jax.Array) -> jax.Array:
    return covariance + added * jnp.eye(len(covariance), dtype=covariance.dtype)
