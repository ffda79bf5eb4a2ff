"""The style loss of neural neighbours of each tap by itself, found at every step."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp

from nst_jax.losses.cosine import pairwise
from nst_jax.losses.nearest import centred, mean_of, nearest
from nst_jax.losses.sampling import Points
from nst_jax.losses.strided import SIDE, strided
from nst_jax.losses.view import View

_VALUES = 2**9  # Draws of a painting, times channels: 33 MB a tap of 64 x 64 places.


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Drawn:
    """Features at places that were drawn.

    Attributes:
      points: of one draw, or of several.
      draw: what chooses among those of a painting; None: each has its own.
    """

    points: Points
    draw: jax.Array | None


@dataclasses.dataclass(frozen=True)
class SplitNeighbors:
    """Angles between features and the nearest of the painting's, centred.

    Kolkin et al. 2022, "Neural Neighbor Style Transfer" (arXiv:2203.13215), section
    3.3, "feature splitting": of a tap, `mean_i min_j` of the cosine distance after each
    side has lost its own mean, the nearest found anew at every step, their places held
    fixed in the gradient. Features are of every so many places, at most 64 a side, at
    an offset that is drawn anew at each step where the view says by what.

    The public code leaves taps of at most 64 places a side with the sample of the tap
    before; here each has its own, as the paper says. Other deviations: strides are
    rounded up, not down, so that no side has more than 64; the painting's offsets are
    as many as fit 512 channels (8 of relu1_1, 1 of relu4_1), drawn once, of which each
    step takes one, where the code takes the picture's own.

    The statistic is the features drawn. A blend has those of all paintings that have a
    share: each place goes to the nearest, whatever the shares.
    """

    additive: ClassVar[bool] = False
    fresh: ClassVar[bool] = True

    def statistic(self, view: View) -> Drawn:
        """`[h, w, c]` -> `[g, n, c]`: one draw if the view says by what, or several."""
        channels = view.features.shape[-1]
        return Drawn(strided(view, max(1, _VALUES // channels)), view.draw)

    def distance(self, statistic: Drawn, target: Points) -> jax.Array:
        """The mean over draws, of which there is one as a rule."""
        points, draw = statistic.points, statistic.draw
        if draw is not None:
            other = jax.random.fold_in(draw, 1)  # Than the picture's offset.
            number = jax.random.randint(other, (), 0, len(target.features))
            target = jax.tree.map(
                lambda x: jax.lax.dynamic_index_in_dim(x, number), target
            )
        return jnp.mean(jax.lax.map(lambda pair: _of_draw(*pair), (points, target)))

    def blend(self, targets: Sequence[Drawn], shares: Sequence[float]) -> Points:
        """Points of all whose share isn't 0."""
        kept = [
            target.points
            for target, share in zip(targets, shares, strict=True)
            if share > 0
        ]
        return jax.tree.map(lambda *leaves: jnp.concatenate(leaves, axis=1), *kept)

    @functools.partial(jax.jit, static_argnums=(0, 2, 3))
    def fitted(self, target: Points, shape: tuple[int, int], turns: int) -> Points:
        """As many points of each draw for all pictures that are done side by side.

        Where there are more, as of a painting that is larger than the picture, or of
        several, they are taken evenly; what lacks weighs 0.

        Args:
          target: from `blend`.
          shape: height and width of the tap, of the picture that is made.
          turns: ways that the painting is turned: each may have as many places as a
            square picture.
        """
        count = turns * min(SIDE, max(shape)) ** 2

        def of_draw(features: jax.Array, weight: jax.Array) -> Points:
            there = jnp.count_nonzero(weight)
            (order,) = jnp.nonzero(weight, size=len(weight), fill_value=0)
            slots = jnp.arange(count)
            # In float32: products of places would overflow.
            apart = jnp.maximum(there.astype(jnp.float32) / count, 1)
            places = jnp.minimum((slots * apart).astype(jnp.int32), there - 1)
            chosen = order[jnp.maximum(places, 0)]
            return Points(features[chosen], jnp.where(slots < there, weight[chosen], 0))

        return jax.vmap(of_draw)(target.features, target.weight)


def _of_draw(points: Points, wanted: Points) -> jax.Array:
    """Of one draw of each, `[n, c]` and `[m, c]`."""
    here = centred(points.features, mean_of(points.features, points.weight))
    there = centred(wanted.features, mean_of(wanted.features, wanted.weight))
    place, _ = nearest(here, there, wanted.weight)
    apart = pairwise(here, there[place])
    total = jnp.sum(points.weight)
    some = (total > 0) & jnp.any(wanted.weight > 0)
    mean = jnp.sum(points.weight * apart) / jnp.where(total > 0, total, 1)
    return jnp.where(some, mean, 0)  # Of nothing: nothing.
