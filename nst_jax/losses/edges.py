"""The content loss of edges: the photo's Laplacian."""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from nst_jax.losses import terms
from nst_jax.losses.view import View


@dataclasses.dataclass(frozen=True)
class Edges:
    """Squared difference of the Laplacians of two pictures.

    Li et al. 2017, "Laplacian-steered neural style transfer" (arXiv:1707.01253): of the
    picture, averaged over squares, the sum over channels of the Laplacian of four
    neighbours; of several sizes of squares, the sum. Pixels are 0 to 255 here, so that
    the paper's weights carry over: 100, beside a content weight of 20.

    Deviation: squares are at every place, not side by side, and neighbours a square's
    side away: the mean over all grids that there can be, which leaves none in the
    picture, and cuts padding and masks where they are. A place counts what the least of
    the pixels that it looks at counts.

    Attributes:
      edge_pools: sides of the squares in pixels. Of a picture with a side of less than
        three of them there are no edges.
    """

    edge_pools: tuple[int, ...] = (4,)
    additive: ClassVar[bool] = False

    def statistic(self, view: View) -> tuple[dict[str, jax.Array], ...]:
        """Of `[h, w, c]` in [0, 1]: Laplacians `[h', w']`, what each counts, and what
        their sum is divided by.
        """
        wide = jnp.promote_types(view.features.dtype, jnp.float32)
        grey = 255 * jnp.sum(view.features.astype(wide), axis=-1)
        # Of what a mask cuts out the count is that of the whole picture.
        own = view.count if view.weight is None else jnp.sum(view.weight)
        times = view.count / jnp.where(own > 0, own, 1)
        return tuple(_edges(grey, view.weight, side, times) for side in self.edge_pools)

    def distance(self, statistic: Any, target: Any) -> jax.Array:
        """The sum over sizes of the mean over places."""
        total = jnp.float32(0)
        for found, wanted in zip(statistic, target, strict=True):
            squared = jnp.square(found["edges"] - wanted["edges"])
            count = found["count"]
            total += jnp.sum(found["weight"] * squared) / jnp.where(count, count, 1)
        return total

    def blend(self, targets: Sequence[Any], shares: Sequence[float]) -> Any:
        """Edges between others', of photos of one shape."""
        return targets[0] if len(targets) == 1 else terms.mean(targets, shares)


def _edges(
    image: jax.Array, weight: jax.Array | None, side: int, times: jax.Array
) -> dict[str, jax.Array]:
    """Of an image `[h, w]` averaged over squares the Laplacian, at each place that has
    neighbours, and the least weight that it looks at there.
    """
    if min(image.shape) < 3 * side:
        nothing = jnp.zeros((0, 0), image.dtype)
        return {"edges": nothing, "weight": nothing, "count": jnp.zeros(())}
    means = image / side**2
    for window in ((side, 1), (1, side)):
        zero = np.zeros((), means.dtype)
        means = jax.lax.reduce_window(means, zero, jax.lax.add, window, (1, 1), "VALID")
    inner = slice(side, -side)
    around = means[: -2 * side, inner] + means[2 * side :, inner]
    around += means[inner, : -2 * side] + means[inner, 2 * side :]
    edges = around - 4 * means[inner, inner]
    if weight is None:
        there = jnp.ones_like(edges)
        return {"edges": edges, "weight": there, "count": times * edges.size}
    least = jax.lax.stop_gradient(weight)
    for window in ((3 * side, 1), (1, 3 * side)):
        most = np.full((), np.inf, least.dtype)
        least = jax.lax.reduce_window(least, most, jax.lax.min, window, (1, 1), "VALID")
    return {"edges": edges, "weight": least, "count": times * jnp.sum(least)}
