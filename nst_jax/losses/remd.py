"""The style loss of relaxed optimal transport: each feature near some of the other."""

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from nst_jax.losses.column import Column
from nst_jax.losses.cosine import between, pairwise, unit
from nst_jax.losses.sampling import POSITIONS, Points, sample
from nst_jax.losses.view import View

_DRAWS, _VALUES = 32, 2**11  # At most, and times channels: millions of products.


@dataclasses.dataclass(frozen=True)
class RelaxedEMD:
    """The relaxed earth mover's distance of features, by their cosine distance.

    `max(mean_i min_j C_ij, mean_j min_i C_ij)` (Kolkin et al. 2019, "Style transfer by
    relaxed optimal transport and self-similarity", arXiv:1904.12785, section 2.2;
    Kusner et al. 2015): every feature of the picture is to be near one of the
    painting's, and every one of the painting's is to be used. It sees directions of
    features, not how strong they are.

    Of a `Column` that is the paper's: features of all taps as one long vector, at 1024
    positions drawn anew at each step, against five draws of the painting. Of taps by
    themselves several draws of 1024, always the same, have a mean: as many as fit 2
    billion products a tap, 32 where there are 64 channels, 4 where there are 512. The
    paper's other terms are in `strotss` and `palette`.

    The statistic is the features drawn. A blend has points of each painting, as many as
    its share.
    """

    additive: ClassVar[bool] = False

    def statistic(self, view: View | Column) -> Points:
        """`[h, w, c]` -> features of length 1, `[g, n, c]`."""
        points = drawn(view)
        return Points(unit(points.features), points.weight)

    def distance(self, statistic: Points, target: Points) -> jax.Array:
        """The mean over draws."""
        return relaxed(statistic, target, between, pairwise)

    def blend(self, targets: Sequence[Points], shares: Sequence[float]) -> Points:
        """Points of all: `[g, 1024, c]`, however few positions they are from; of
        columns `[1, 5120, c]`.
        """
        return blend(targets, shares)


Costs = Callable[[jax.Array, jax.Array], jax.Array]
"""Of points: every two, `[n, c]` and `[m, c]` -> `[n, m]`; or each with its own other,
`[n, c]` twice -> `[n]`."""


def relaxed(
    statistic: Points, target: Points, between: Costs, pairwise: Costs
) -> jax.Array:
    """The relaxed distance by any costs, the mean over draws.

    Args:
      statistic: `[g, n, c]`, or of one draw.
      target: `[g, m, c]`.
      between: of every two points.
      pairwise: the same of pairs.
    """
    draws = len(target.features)
    one = jax.tree.map(lambda x: jnp.broadcast_to(x, (draws, *x.shape[1:])), statistic)
    found = jax.lax.map(
        lambda pair: _of_draw(pair[0], pair[1], between, pairwise), (one, target)
    )
    return jnp.mean(found)


def blend(targets: Sequence[Points], shares: Sequence[float]) -> Points:
    """Points of several paintings, as many of each as its share: as `RelaxedEMD`'s."""
    if len(targets) == 1:
        return _whole(targets[0])
    wholes = [_whole(target) for target in targets]
    count = wholes[0].features.shape[1]
    slots = np.round(np.cumsum([0.0, *shares]) * count).astype(int)
    parts = [
        _some(whole, int(after - before), share)
        for whole, share, (before, after) in zip(
            wholes, shares, itertools.pairwise(slots), strict=True
        )
    ]
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves, axis=1), *parts)


def drawn(view: View | Column) -> Points:
    """What is compared of a view: as many draws as `RelaxedEMD` says."""
    if isinstance(view, Column):
        return sample(view, 1)
    return sample(view, _draws(view.features.shape[-1]))


def _draws(channels: int) -> int:
    return max(1, min(_DRAWS, _VALUES // channels))


def _of_draw(
    points: Points, wanted: Points, between: Costs, pairwise: Costs
) -> jax.Array:
    """Of a draw of each: `[n, c]` and `[m, c]`.

    The nearest are looked for without a gradient, which is that of the pairs found.
    """
    here, there = points.features, wanted.features
    costs = jax.lax.stop_gradient(between(here, there))
    nearest = _least(jnp.where(wanted.weight > 0, costs, jnp.inf), axis=1)
    using = _least(jnp.where(points.weight[:, None] > 0, costs, jnp.inf), axis=0)
    apart = jnp.maximum(
        _mean(pairwise(here, there[nearest]), points.weight),
        _mean(pairwise(here[using], there), wanted.weight),
    )
    return jnp.where(jnp.any(points.weight > 0), apart, 0)  # Of nothing: nothing.


def _least(costs: jax.Array, axis: int) -> jax.Array:
    """As `jnp.argmin`, whose loop isn't vectorised on CPUs: 12 times sooner there."""
    least = jnp.min(costs, axis, keepdims=True)
    places = jax.lax.broadcasted_iota(jnp.int32, costs.shape, axis)
    return jnp.min(jnp.where(costs == least, places, costs.shape[axis] - 1), axis)


def _mean(values: jax.Array, weight: jax.Array) -> jax.Array:
    total = jnp.sum(weight)
    return jnp.sum(values * weight) / jnp.where(total > 0, total, 1)


def _whole(points: Points) -> Points:
    """As many draws and points as there can be; those that aren't there weigh 0.

    Of a column there are more than of a draw, in one.
    """
    _, count, channels = points.features.shape
    if count > POSITIONS:
        return points
    lacking = POSITIONS - count
    features = jnp.pad(points.features, ((0, 0), (0, lacking), (0, 0)))
    weight = jnp.pad(points.weight, ((0, 0), (0, lacking)))
    shape = (_draws(channels), POSITIONS)
    return Points(
        jnp.broadcast_to(features, (*shape, channels)),
        jnp.broadcast_to(weight, shape),
    )


def _some(points: Points, slots: int, share: float) -> Points:
    """So many of points, evenly over those that are there, with a share's weight.

    Where these are fewer than the slots some come twice, and weigh half each time.
    """

    def of_draw(features: jax.Array, weight: jax.Array) -> tuple[jax.Array, jax.Array]:
        there = jnp.count_nonzero(weight)
        (order,) = jnp.nonzero(weight, size=len(weight), fill_value=0)
        places = (jnp.arange(slots) * 2 + 1) * there // (2 * slots)
        times = jnp.zeros(len(weight)).at[places].add(1)
        chosen = weight[order[places]] / times[places]
        total = jnp.sum(chosen)
        return features[order[places]], share * chosen / jnp.where(total > 0, total, 1)

    if not slots:
        return Points(points.features[:, :0], points.weight[:, :0])
    return Points(*jax.vmap(of_draw)(points.features, points.weight))
