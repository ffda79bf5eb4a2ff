"""What a convolution sees beyond the border of a picture.

Networks are trained with zeros there. An optimisation answers them with a frame of its
own: its outermost pixels are seen by fewer positions, and beside lines that no picture
has. Other programs let the picture go on: its border repeated, ahead of the first
convolution only (K. Crowson's style-transfer-pytorch), or the picture reflected, ahead
of each (Gatys et al. 2017's released code).

A convolution is linear: that of a picture that goes on is that of zeros around it, and
what the lines beyond add along the border. So the large convolution stays as it is, by
Winograd's method too, and in padded frames each picture goes on at its own border.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

_ROWS, _COLUMNS = 1, 2  # Axes of `[b, h, w, c]`.


@dataclasses.dataclass(frozen=True)
class Border:
    """What a value of `Options.border` stands for.

    Attributes:
      step: how many lines further inside each line further beyond is taken from: 0
        repeats the border, 1 reflects the picture at it; None: there are zeros.
      first: whether only the first convolution sees that, and the others zeros.
    """

    step: int | None = None
    first: bool = False

    def inner(self, beyond: int, lengths: Any) -> Any:
        """How far from the border the line is that stands beyond it.

        Args:
          beyond: which line: 1 is the first.
          lengths: of the pictures, an int or `[b]` int32; a short one gives its last
            line.
        """
        wanted, last = (self.step or 0) * beyond, _last(lengths)
        if isinstance(last, int):
            return min(wanted, last)
        return jnp.minimum(wanted, last)


ZERO = Border()
REPLICATE = Border(step=0)
REFLECT = Border(step=1)
REPLICATE_FIRST = Border(step=0, first=True)


def extended(
    images: jax.Array, around: int, border: Border, extents: jax.Array | None = None
) -> jax.Array:
    """Pictures that go on beyond their borders.

    Args:
      images: `[b, h, w, c]`, zero outside of `extents`.
      around: lines on each side.
      border: what they are; not zeros.
      extents: `[b, 2]` int32, see `Network.__call__`.

    Returns:
      `[b, h + 2 * around, w + 2 * around, c]`.
    """
    for axis, lengths in _lengths(images, extents):
        images = _extended(images, around, border, lengths, axis)
    return images


def convolved(
    images: jax.Array,
    kernel: jax.Array,
    plain: Callable[[jax.Array], jax.Array],
    border: Border,
    extents: jax.Array | None = None,
) -> jax.Array:
    """A 3x3 convolution with stride 1 of pictures that go on beyond their borders.

    Args:
      images: `[b, h, w, i]`, zero outside of `extents`.
      kernel: `[3, 3, i, o]`.
      plain: convolves `[b, h, w, i]` by it, with zeros around.
      border: how the pictures go on; not by zeros.
      extents: `[b, 2]` int32, see `Network.__call__`.

    Returns:
      `[b, h, w, o]`; beyond its extent a picture means nothing.
    """
    (_, heights), (_, widths) = _lengths(images, extents)
    more = []
    for axis, lengths, weights in (
        (_ROWS, heights, kernel),
        (_COLUMNS, widths, kernel.swapaxes(0, 1)),
    ):
        inner, last = border.inner(1, lengths), _last(lengths)
        for place, source, line in (
            (0 * lengths, inner, weights[0]),
            (last, last - inner, weights[2]),
        ):
            images, beyond = _shared(images, source, axis)
            if axis == _ROWS:  # The corners are theirs.
                beyond = _extended(beyond, 1, border, widths, _COLUMNS)
            else:
                beyond = jnp.pad(beyond, ((0, 0), (1, 1), (0, 0), (0, 0)))
            seen = _along(beyond, line, _ROWS + _COLUMNS - axis)
            more.append((seen, place, axis))
    found = plain(images)
    for seen, place, axis in more:
        found = _added(found, seen, place, axis)
    return found


def _lengths(
    images: jax.Array, extents: jax.Array | None
) -> tuple[tuple[int, Any], tuple[int, Any]]:
    """Rows and columns: the axis, and how many there are: an int, or `[b]` of each."""
    if extents is None:
        return (_ROWS, images.shape[_ROWS]), (_COLUMNS, images.shape[_COLUMNS])
    return (_ROWS, extents[:, 0]), (_COLUMNS, extents[:, 1])


def _last(lengths: Any) -> Any:
    """The last line of each picture; of one that has none, the first of its frame."""
    last = lengths - 1
    return max(last, 0) if isinstance(last, int) else jnp.maximum(last, 0)


def _extended(
    images: jax.Array, around: int, border: Border, lengths: Any, axis: int
) -> jax.Array:
    """Pictures that go on along one axis."""
    widths = [(around, around) if n == axis else (0, 0) for n in range(4)]
    lines = []
    for beyond in range(1, around + 1):
        inner = border.inner(beyond, lengths)
        for place, source in (
            (0 * lengths + around - beyond, inner),
            (around + _last(lengths) + beyond, _last(lengths) - inner),
        ):
            images, line = _shared(images, source, axis)
            lines.append((line, place))
    found = jnp.pad(images, widths)
    for line, place in lines:
        found = _added(found, line, place, axis)
    return found


def _along(lines: jax.Array, kernel: jax.Array, axis: int) -> jax.Array:
    """Lines along an axis, 2 longer than the result, by `[3, i, o]`."""
    size, inputs, outputs = kernel.shape
    count = lines.shape[axis] - size + 1
    windows = jnp.concatenate(
        [lax.slice_in_dim(lines, n, n + count, axis=axis) for n in range(size)],
        axis=-1,
    )
    return windows @ kernel.reshape(size * inputs, outputs)


# A line is taken, and added, where it lies: left to JAX, the gradient of taking one
# would be an array of zeros with a line in it, which takes longer than a convolution.


def _taken(images: jax.Array, places: Any, axis: int) -> jax.Array:
    """A line of each picture, 1 long along the axis.

    Args:
      images: `[b, h, w, c]`.
      places: which: an int, or `[b]` int32 of each.
      axis: along which they are counted.
    """
    if isinstance(places, int):
        return lax.slice_in_dim(images, places, places + 1, axis=axis)
    indices = places.reshape(-1, 1, 1, 1)
    return jnp.take_along_axis(images, indices, axis, mode="clip")


def _sum(images: jax.Array, lines: jax.Array, places: Any, axis: int) -> jax.Array:
    """Pictures with a line added to that at `places`."""
    if isinstance(places, int):
        both = _taken(images, places, axis) + lines
        return lax.dynamic_update_slice_in_dim(images, both, places, axis)
    shape = [images.shape[axis] if n == axis else 1 for n in range(4)]
    here = jnp.arange(images.shape[axis]).reshape(shape) == places.reshape(-1, 1, 1, 1)
    return images + jnp.where(here, lines, 0)


def _added(images: jax.Array, lines: jax.Array, places: Any, axis: int) -> jax.Array:
    """`_sum`, whose gradient takes the line."""

    @jax.custom_vjp
    def added(images: jax.Array, lines: jax.Array, kept: Any) -> jax.Array:
        return _sum(images, lines, places if kept is None else kept, axis)

    def forward(
        images: jax.Array, lines: jax.Array, kept: Any
    ) -> tuple[jax.Array, Any]:
        return added(images, lines, kept), kept

    def backward(kept: Any, cotangent: jax.Array) -> tuple[jax.Array, jax.Array, None]:
        line = _taken(cotangent, places if kept is None else kept, axis)
        return cotangent, line, None

    added.defvjp(forward, backward)
    return added(images, lines, None if isinstance(places, int) else places)


def _shared(images: jax.Array, places: Any, axis: int) -> tuple[jax.Array, jax.Array]:
    """Pictures as they are, and a line of each, whose gradient is added in place."""

    @jax.custom_vjp
    def shared(images: jax.Array, kept: Any) -> tuple[jax.Array, jax.Array]:
        return images, _taken(images, places if kept is None else kept, axis)

    def forward(
        images: jax.Array, kept: Any
    ) -> tuple[tuple[jax.Array, jax.Array], Any]:
        return shared(images, kept), kept

    def backward(
        kept: Any, cotangents: tuple[jax.Array, jax.Array]
    ) -> tuple[Any, None]:
        where = places if kept is None else kept
        return _sum(*cotangents, where, axis), None

    shared.defvjp(forward, backward)
    return shared(images, None if isinstance(places, int) else places)
