"""Total variation: how much neighbouring pixels differ."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from nst_jax.losses.terms import Sums
from nst_jax.losses.view import View


@dataclasses.dataclass(frozen=True)
class Norm:
    """How a system measures differences.

    Attributes:
      measure: of a difference.
      averaged: the mean of all, or their sum.
      inner: leave out the last row's differences across and the last column's down.
      diagonal: along diagonals too, and where the picture ends, by its border repeated.
    """

    measure: Callable[[jax.Array], jax.Array]
    averaged: bool
    inner: bool = False
    diagonal: bool = False


def _absolute(values: jax.Array) -> jax.Array:
    # jnp.abs has slope 1 at 0: flat areas would drift. This has 0, as in PyTorch.
    return values * jnp.sign(values)


L1 = Norm(_absolute, averaged=True)
"""The mean of the absolute differences across, plus that of those down."""

L2 = Norm(jnp.square, averaged=True)
"""The same with squares."""

L1_SUM = Norm(_absolute, averaged=False)
"""The sum of the absolute differences."""

L2_SUM = Norm(jnp.square, averaged=False)
"""The sum of the squares."""

L2_INNER_SUM = Norm(jnp.square, averaged=False, inner=True)
"""The sum without what lies along the far edges, as Johnson's neural-style and its
followers have it."""

NINE_POINT = Norm(jnp.square, averaged=True, diagonal=True)
"""Two thirds of the mean squares across and down and a sixth of those along diagonals,
the picture's border repeated around it: Crowson's `style-transfer-pytorch`."""


@dataclasses.dataclass(frozen=True)
class TotalVariation:
    """Differences of neighbouring pixels, across and down; it has no target.

    Rudin, Osher & Fatemi 1992; squared as in Mahendran & Vedaldi 2015
    (arXiv:1412.0035, eq. 4 with beta = 2). Two pixels count the product of their
    weights. What crosses from one part of a picture to another is in neither.

    Attributes:
      tv: the norm.
      tv_range: white; black is 0.
    """

    tv: Norm = L2
    tv_range: float = 1.0
    additive: ClassVar[bool] = False

    def statistic(self, view: View) -> tuple[Sums, ...]:
        """Differences across and down, of `[h, w, c]` in [0, 1]: each a scalar.

        Along both diagonals too, where the norm has them.
        """
        image, weight = self.tv_range * view.features, view.weight
        if self.tv.diagonal:
            return _nine_point(image, weight, self.tv.measure)
        across = self.tv.measure(image[:, 1:] - image[:, :-1])
        down = self.tv.measure(image[1:] - image[:-1])
        if weight is None:
            pairs = jnp.ones(across.shape[:2]), jnp.ones(down.shape[:2])
        else:
            pairs = weight[:, 1:] * weight[:, :-1], weight[1:] * weight[:-1]
        if self.tv.inner:
            across, down = across[:-1], down[:, :-1]
            pairs = pairs[0][:-1], pairs[1][:, :-1]
            if weight is not None:
                pairs = pairs[0] * weight[1:, :-1], pairs[1] * weight[:-1, 1:]
        return _sums(across, pairs[0]), _sums(down, pairs[1])

    def distance(self, statistic: tuple[Sums, ...], target: None) -> jax.Array:
        """What they amount to; a side of one pixel has no differences along it."""
        if self.tv.averaged:
            return sum(s.values / jnp.maximum(s.count, 1) for s in statistic)
        return sum(s.values for s in statistic)

    def blend(self, targets: Sequence[Any], shares: Sequence[float]) -> None:
        """None: no picture is wanted to be like another."""


def _nine_point(
    image: jax.Array, weight: jax.Array | None, measure: Callable[[jax.Array], Any]
) -> tuple[Sums, ...]:
    """Of a picture, or a rectangle with a weight, and a border that repeats its own."""
    height, width, _ = image.shape
    rows, columns = jnp.arange(-1, height + 1), jnp.arange(-1, width + 1)
    if weight is None:
        weight = jnp.ones((height, width))
        rows, columns = (x.clip(0, x.size - 3) for x in (rows, columns))
    else:
        rows = _kept_within(rows, weight.any(axis=1))
        columns = _kept_within(columns, weight.any(axis=0))
    framed = image[rows][:, columns]
    middle = framed[1:-1, 1:-1]
    across = measure(framed[1:-1, 2:] - middle)
    down = measure(framed[2:, 1:-1] - middle)
    falling = measure(framed[1:, 1:] - framed[:-1, :-1])
    rising = measure(framed[1:, :-1] - framed[:-1, 1:])
    # Of four pixels that meet, one at least is the picture's.
    edged = jnp.pad(weight, 1)
    corners = edged[1:, 1:], edged[:-1, 1:], edged[1:, :-1], edged[:-1, :-1]
    meeting = functools.reduce(jnp.maximum, corners)
    return (
        _sums(2 / 3 * across, weight),
        _sums(2 / 3 * down, weight),
        _sums(1 / 6 * falling, meeting),
        _sums(1 / 6 * rising, meeting),
    )


def _kept_within(places: jax.Array, counts: jax.Array) -> jax.Array:
    """Places, those outside of what counts moved to its ends."""
    first = jnp.argmax(counts)
    last = len(counts) - 1 - jnp.argmax(counts[::-1])
    return places.clip(first, last)


def _sums(values: jax.Array, pairs: jax.Array) -> Sums:
    total = jnp.sum(values * pairs[..., None])
    return Sums(total, jnp.sum(pairs) * values.shape[-1])
