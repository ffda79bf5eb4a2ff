"""The style loss of optimal transport between Gaussians of features."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp

from nst_jax.losses import terms
from nst_jax.losses.products import products, sums
from nst_jax.losses.roots import nuclear_norm, precision, product, root_trace
from nst_jax.losses.terms import Sums
from nst_jax.losses.view import View


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Positions:
    """Features where there are fewer positions than channels.

    Attributes:
      features: `[n, c]`.
      weight: `[n]`, what each counts; None: 1.
      count: float32 scalar, the sum of the weight.
    """

    features: jax.Array
    weight: jax.Array | None
    count: jax.Array

    def centred(self) -> tuple[jax.Array, jax.Array]:
        """Mean `[c]`, and `X`, `[n, c]`, with `X^T X` the covariance."""
        if self.weight is None:
            mean = jnp.sum(self.features, axis=0) / self.count
            return mean, (self.features - mean) * jax.lax.rsqrt(self.count)
        weight = self.weight.astype(self.features.dtype)[:, None]
        mean = jnp.sum(weight * self.features, axis=0) / self.count
        return mean, (self.features - mean) * jnp.sqrt(weight / self.count)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Moments:
    """A painting's features as a Gaussian.

    Attributes:
      mean: `[c]`.
      axes: `[c, c]`, the eigenvectors of the covariance, in columns.
      variances: `[c]`, the eigenvalues.
      added: to each variance, where covariances are compared.
      second: the second moment, which distances are divided by.
    """

    mean: jax.Array
    axes: jax.Array
    variances: jax.Array
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
    painting is at a distance of 0 with no gradient. Of fewer positions than channels
    nothing is raised: with features `X^T X = S` the trace of the root is the sum of the
    singular values of `X S_s^1/2`, whose squares are never formed. A padded picture
    is taken by the positions of its frame.

    The statistic is the sums and products of channels over positions, and their count;
    of fewer positions than channels the features. So parts of a picture add up where
    they have as many positions as channels.
    """

    additive: ClassVar[bool] = True

    def statistic(self, view: View) -> Sums | Positions:
        """`[h, w, c]` -> sums `[c]` and products `[c, c]`, in float32 at least."""
        height, width, channels = view.features.shape
        return at(view) if height * width < channels else moments(view)

    def gathered(self, view: View) -> Sums:
        """The sums and products of a part of a picture, however few places it has."""
        return moments(view)

    def distance(self, statistic: Sums | Positions, target: Moments) -> jax.Array:
        """Of a statistic from a blend."""
        if isinstance(statistic, Positions):
            mean, shapes = _of_positions(statistic, target)
        else:
            mean, shapes = _of_moments(statistic, target)
        apart = jnp.sum(jnp.square(mean - target.mean))
        shapes += jax.lax.stop_gradient(jnp.maximum(-shapes, 0))
        return (apart + shapes) / jnp.where(target.second > 0, target.second, 1)

    def blend(
        self, targets: Sequence[Sums | Positions], shares: Sequence[float]
    ) -> Moments:
        """Means of the moments about 0: those of a picture with a part like each."""
        mean, covariance = blended([_summed(target) for target in targets], shares)
        values, axes = jnp.linalg.eigh(covariance)
        variances = jnp.maximum(values, 0)
        added = 4 * precision(values) ** 0.5 * variances[-1]
        second = jnp.sum(jnp.square(mean)) + jnp.sum(variances)
        return Moments(mean, axes, variances, added, second)


def moments(view: View) -> Sums:
    """`[h, w, c]` -> sums `[c]` and products `[c, c]` over positions, that add up."""
    with jax.default_matmul_precision("highest"):
        return Sums({"one": sums(view), "two": products(view)}, view.count)


def at(view: View) -> Positions:
    """`[h, w, c]` -> features at positions, in float32 at least."""
    features = view.features.reshape(-1, view.features.shape[-1])
    wide = jnp.promote_types(features.dtype, jnp.float32)
    weight = None if view.weight is None else view.weight.reshape(-1)
    return Positions(features.astype(wide), weight, view.count)


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


def _summed(statistic: Sums | Positions) -> Sums:
    if isinstance(statistic, Sums):
        return statistic
    weighted = features = statistic.features
    if statistic.weight is not None:
        weighted = features * statistic.weight.astype(features.dtype)[:, None]
    sums = {"one": jnp.sum(weighted, axis=0), "two": product(weighted.T, features)}
    return Sums(sums, statistic.count)


def _of_moments(statistic: Sums, target: Moments) -> tuple[jax.Array, jax.Array]:
    """The mean, and the distance of the covariances, both raised."""
    mean, covariance = gaussian(statistic)
    covariance += target.added * jnp.eye(len(covariance), dtype=covariance.dtype)
    variances = target.variances + target.added
    turned = product(product(target.axes.T, covariance), target.axes)
    between = jnp.sqrt(variances)[:, None] * turned * jnp.sqrt(variances)
    root = root_trace((between + between.T) / 2)
    return mean, jnp.trace(covariance) + jnp.sum(variances) - 2 * root


def _of_positions(statistic: Positions, target: Moments) -> tuple[jax.Array, jax.Array]:
    """The mean, and the distance of the covariances, as they are."""
    mean, centred = statistic.centred()
    across = product(centred, target.axes) * jnp.sqrt(target.variances)
    total = jnp.sum(jnp.square(centred)) + jnp.sum(target.variances)
    return mean, total - 2 * nuclear_norm(across)
