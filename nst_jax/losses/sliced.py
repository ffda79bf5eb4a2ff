"""The style loss of sliced optimal transport: features in order, along directions."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from nst_jax.losses import terms
from nst_jax.losses.quantiles import quantiles
from nst_jax.losses.sampling import sample
from nst_jax.losses.view import View

DIRECTIONS = 512
LEVELS = 256

_VALUES = 2**13  # Draws times channels: what is gathered is a thousand times that.


def sliced_w2(
    points: jax.Array,
    others: jax.Array,
    directions: jax.Array,
    *,
    weight: jax.Array | None = None,
    other_weight: jax.Array | None = None,
    levels: int = 1024,
) -> jax.Array:
    """Squared sliced 2-Wasserstein distance of two sets of points.

    The mean over directions of the squared distance of what is projected on them
    (Bonneel et al. 2015, "Sliced and Radon Wasserstein barycenters of measures"; of
    features: Heitz et al. 2021, "A sliced Wasserstein loss for neural texture
    synthesis", arXiv:2006.07229), by as many quantiles of each. Of `levels` points each
    it is exact; of others the quantiles are means over shares of 1 / `levels`.

    Args:
      points: `[n, c]`.
      others: `[m, c]`.
      directions: `[d, c]`, of length 1, as of `bank`.
      weight: `[n]`, what each counts; None: all the same.
      other_weight: `[m]`, likewise.
      levels: quantiles.
    """

    def along(points: jax.Array, weight: jax.Array | None) -> jax.Array:
        values = jnp.matmul(directions, points.T, precision="highest")
        weight = jnp.ones(len(points)) if weight is None else weight
        return quantiles(values, weight, levels)

    apart = along(points, weight) - along(others, other_weight)
    return jnp.mean(jnp.square(apart))


@functools.cache
def bank(channels: int, directions: int = DIRECTIONS) -> np.ndarray:
    """Directions `[d, c]` of length 1, always the same: random orthonormal bases.

    Orthogonal ones tell more than as many independent ones (Rowland et al. 2019,
    "Orthogonal estimation of Wasserstein distances").
    """
    rng = np.random.default_rng(0)
    bases = []
    for _ in range(-(-directions // channels)):
        basis, triangle = np.linalg.qr(rng.normal(size=(channels, channels)))
        bases.append((basis * np.sign(np.diag(triangle))).T)
    return np.concatenate(bases)[:directions].astype(np.float32)


def marginals(view: View, directions: np.ndarray) -> jax.Array:
    """Quantiles of a view's features along directions: `[h, w, c]` -> `[d, 256]`.

    Of many positions each direction sees 1024, and other directions see others.

    Args:
      view: of a picture.
      directions: `[d, c]`.
    """
    count, channels = directions.shape
    most = max(1, _VALUES // channels)
    points = sample(view, max(g for g in range(1, most + 1) if count % g == 0))
    features, weight = points.features, points.weight
    groups = jnp.asarray(directions, features.dtype)
    groups = groups.reshape(len(features), -1, channels)
    values = jnp.einsum("gdc,gnc->gdn", groups, features, precision="highest")
    return quantiles(values, weight[:, None], LEVELS).reshape(count, LEVELS)


def share(found: jax.Array, wanted: jax.Array) -> jax.Array:
    """Squared difference of quantiles as a share of those wanted, squared: a scalar."""
    energy = jnp.sum(jnp.square(wanted))
    apart = jnp.sum(jnp.square(found - wanted))
    return apart / jnp.where(energy > 0, energy, 1)


@dataclasses.dataclass(frozen=True)
class Sliced:
    """Squared sliced 2-Wasserstein distance, as a share of the painting's energy.

    Heitz et al. 2021 (see `sliced_w2`), who draw as many directions as there are
    channels anew at each step. Here 512 are drawn once, so that L-BFGS sees one
    function: along each the features are compared in order, by 256 quantiles. A
    direction sees 1024 positions at most, and at taps of many positions other
    directions see others: a step sorts half a million numbers a tap at every size.
    Divided by the painting's second moment, in place of a network that is rescaled: one
    weight suits all taps, networks and paintings.

    The statistic is these quantiles, `[512, 256]`. Those of parts don't add up. A blend
    is the mean of quantiles: the barycentre along each direction (Bonneel et al. 2015).
    """

    additive: ClassVar[bool] = False

    def statistic(self, view: View) -> jax.Array:
        """`[h, w, c]` -> `[512, 256]`, in float32 at least."""
        return marginals(view, bank(view.features.shape[-1]))

    def distance(self, statistic: jax.Array, target: jax.Array) -> jax.Array:
        """Of quantiles, as a share of those that are wanted."""
        return share(statistic, target)

    def blend(self, targets: Sequence[jax.Array], shares: Sequence[float]) -> jax.Array:
        """Quantiles between others."""
        return terms.mean(targets, shares)
