"""STROTSS's style loss: relaxed optimal transport, and moments."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import jax

from nst_jax.losses import remd
from nst_jax.losses.column import Column
from nst_jax.losses.cosine import between, pairwise, unit
from nst_jax.losses.moments import Moments
from nst_jax.losses.sampling import Points
from nst_jax.losses.view import View


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Seen:
    """Features of length 1 at places that were drawn, and the moments of features."""

    directions: Points
    moments: Moments


@dataclasses.dataclass(frozen=True)
class Strotss:
    """Directions of features by relaxed transport, their size by moments.

    Kolkin et al. 2019, "Style transfer by relaxed optimal transport and
    self-similarity" (arXiv:1904.12785), equations 5 and 7: the relaxed earth mover's
    distance sees the angles of features; means and covariances, of the same points, how
    strong they are. The paper's palette is a term of its own (`palette`).

    Deviation: its code takes a painting's features at the nearest place before a
    coarser tap's, and the picture's between four; here both are read between four.

    The statistic is both, of the same points; see `RelaxedEMD` for which.
    """

    additive: ClassVar[bool] = False

    def statistic(self, view: View | Column) -> Seen:
        """`[h, w, c]` -> directions `[g, n, c]`, mean `[c]`, covariance `[c, c]`."""
        points = remd.drawn(view)
        directions = Points(unit(points.features), points.weight)
        return Seen(directions, Moments.of(points))

    def distance(self, statistic: Seen, target: Seen) -> jax.Array:
        """The sum of both."""
        found = statistic.directions, target.directions
        transport = remd.relaxed(*found, between, pairwise)
        return transport + statistic.moments.apart(target.moments)

    def blend(self, targets: Sequence[Seen], shares: Sequence[float]) -> Seen:
        """Of points of all, as many as their shares."""
        return Seen(
            remd.blend([target.directions for target in targets], shares),
            Moments.blend([target.moments for target in targets], shares),
        )
