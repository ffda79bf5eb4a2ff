"""Pooling of frozen networks: square windows, floor or ceil mode, fast gradients.

A mean is over what a window covers of the image and the padding around it, zeros
included; what a window of ceil mode reaches over that doesn't count (Caffe's
`PoolingLayer`, and PyTorch's `avg_pool2d`).
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from nst_jax.devices import suited
from nst_jax.networks.extents import confine, count_windows


@dataclasses.dataclass(frozen=True)
class Windows:
    """Windows of `size` x `size` pixels, `stride` apart, `padding` pixels around.

    Raises:
      ValueError: windows that leave out pixels between them.
    """

    size: int = 2
    stride: int = 2
    padding: int = 0
    ceil: bool = False

    def __post_init__(self) -> None:
        """Checks what the gradients rely on."""
        if self.stride > self.size:
            raise ValueError(f"stride={self.stride} is larger than size={self.size}")

    def count(self, length: Any) -> Any:
        """How many there are along axes of `length` pixels: ints or int32 arrays."""
        return count_windows(
            length, self.size, self.stride, self.padding, ceil=self.ceil
        )

    @property
    def side_by_side(self) -> bool:
        """Whether no pixel is in two of them, and none beyond the first edges."""
        return self.size == self.stride and not self.padding

    @property
    def number(self) -> Any:
        """The dtype of what numbers a window's pixels: a byte as long as it will do."""
        return jnp.int8 if self.size**2 <= 128 else jnp.int32

    @property
    def places(self) -> list[tuple[int, int]]:
        """The pixels of a window, row and column, in reading order."""
        return list(np.ndindex(self.size, self.size))


PLAIN = Windows()


def max_pool(
    images: jax.Array, windows: Windows = PLAIN, extents: jax.Array | None = None
) -> jax.Array:
    """Maximum of each window: `[b, h, w, c]` -> `[b, h', w', c]`.

    By default of 2x2, an odd last row or column dropped, as the VGGs have it. The
    backward pass sends each cotangent to the pixel that equals the window's maximum,
    and of several equal ones to the first in reading order, as PyTorch does:
    comparisons instead of XLA's slow select-and-scatter.

    Args:
      images: `[b, h, w, c]`.
      windows: where they are.
      extents: `[b, 2]` int32, see `Network.__call__`.
    """
    if extents is not None and (windows.ceil or windows.padding):
        images = confine(images, extents, -jnp.inf)
    return _maximum(images, windows)


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def _maximum(images: jax.Array, windows: Windows) -> jax.Array:
    shape = _pooled_shape(images, windows)
    if 0 in shape:
        return jnp.zeros(shape, images.dtype)
    ahead = windows.padding
    padding = [
        (ahead, max(0, _reach(count, windows) - ahead - length))
        for length, count in zip(images.shape[1:3], shape[1:3], strict=True)
    ]
    size, stride = windows.size, windows.stride
    return lax.reduce_window(
        images,
        -jnp.inf,
        lax.max,
        (1, size, size, 1),
        (1, stride, stride, 1),
        ((0, 0), *padding, (0, 0)),
    )


def _maximum_forward(
    images: jax.Array, windows: Windows
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    """The maxima; of the images only the shape, and where in its window each was."""
    shape = _pooled_shape(images, windows)
    shaped = images[..., :0]
    if 0 in shape:
        return jnp.zeros(shape, images.dtype), (shaped, jnp.zeros(shape, bool))
    pixels = _cut(images, windows, -jnp.inf)
    pooled = functools.reduce(jnp.maximum, pixels)
    last = len(pixels) - 1
    place = jnp.full(shape, last, windows.number)
    for number in reversed(range(last)):
        place = jnp.where(pixels[number] == pooled, windows.number(number), place)
    if suited.barriers():  # Else the places are found on the way back: of all pixels.
        pooled, place = lax.optimization_barrier((pooled, place))
    return pooled, (shaped, place)


def _maximum_backward(
    windows: Windows, residuals: tuple[jax.Array, jax.Array], cotangent: jax.Array
) -> tuple[jax.Array]:
    shaped, place = residuals
    shape = (*shaped.shape[:3], cotangent.shape[3])
    if not place.size:
        return (jnp.zeros(shape, cotangent.dtype),)
    if windows.side_by_side:
        number = jnp.arange(len(windows.places), dtype=windows.number)
        inside = number.reshape(windows.size, 1, windows.size, 1)
        chosen = _seen(place) == inside
        return (_laid(jnp.where(chosen, _seen(cotangent), 0), shape),)
    parts = [
        jnp.where(place == number, cotangent, 0)
        for number in range(len(windows.places))
    ]
    return (_spread(parts, shape, windows),)


_maximum.defvjp(_maximum_forward, _maximum_backward)


def average_pool(
    images: jax.Array, windows: Windows = PLAIN, extents: jax.Array | None = None
) -> jax.Array:
    """Mean of each window: `[b, h, w, c]` -> `[b, h', w', c]`.

    Gatys et al. 2015 (arXiv:1508.06576) replace the network's max pooling with it.

    Args:
      images: `[b, h, w, c]`, zero outside of `extents`.
      windows: where they are; by default as for `max_pool`.
      extents: `[b, 2]` int32, see `Network.__call__`.
    """
    shape = _pooled_shape(images, windows)
    if 0 in shape:
        return jnp.zeros(shape, images.dtype)
    sums = _sum(images.astype(jnp.float32), windows)
    if extents is None or not windows.ceil:
        covered = [
            _covered(np.array(length), count, windows)
            for length, count in zip(images.shape[1:3], shape[1:3], strict=True)
        ]
        rows, columns = (np.maximum(c, 1).astype(np.float32) for c in covered)
    else:
        rows, columns = (
            jnp.maximum(_covered(extents[:, axis], shape[1 + axis], windows), 1)
            for axis in (0, 1)
        )
    pixels = (rows[..., :, None] * columns[..., None, :])[..., None]
    return (sums / pixels).astype(images.dtype)


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def _sum(images: jax.Array, windows: Windows) -> jax.Array:
    return functools.reduce(jnp.add, _cut(images, windows, 0.0))


def _sum_forward(images: jax.Array, windows: Windows) -> tuple[jax.Array, jax.Array]:
    # Of the images only the shape counts; a shape is no array.
    return _sum(images, windows), images[:, :, :, :0]


def _sum_backward(
    windows: Windows, shaped: jax.Array, cotangent: jax.Array
) -> tuple[jax.Array]:
    shape = (*shaped.shape[:3], cotangent.shape[3])
    if windows.side_by_side:
        batch, rows, columns, channels = cotangent.shape
        whole = (batch, rows, windows.size, columns, windows.size, channels)
        return (_laid(jnp.broadcast_to(_seen(cotangent), whole), shape),)
    return (_spread([cotangent] * len(windows.places), shape, windows),)


_sum.defvjp(_sum_forward, _sum_backward)


@dataclasses.dataclass(frozen=True)
class Mode:
    """What a value of `Options.pooling` stands for.

    Attributes:
      pool: `(images, windows, extents) -> images`, such as `max_pool`.
      picks: each window gives its largest pixel, so that a ReLU before it may as well
        come after it.
      ceil: all windows have Caffe's rounding, even where the architecture has another.
    """

    pool: Callable[..., jax.Array]
    picks: bool = False
    ceil: bool = False


MAX = Mode(max_pool, picks=True)
AVG = Mode(average_pool)
MAX_CEIL = Mode(max_pool, picks=True, ceil=True)
AVG_CEIL = Mode(average_pool, ceil=True)


def _covered(length: Any, count: int, windows: Windows) -> Any:
    """Pixels, padding included, that each window covers along an axis: `[..., count]`.

    `length`, an array of an int or of lengths `[...]`, is of the image without padding.
    """
    starts = np.arange(count) * windows.stride - windows.padding
    beyond = starts + windows.size - (length[..., None] + windows.padding)
    return windows.size - beyond * (beyond > 0)


def _pooled_shape(images: jax.Array, windows: Windows) -> tuple[int, int, int, int]:
    batch, height, width, channels = images.shape
    return batch, windows.count(height), windows.count(width), channels


def _reach(count: int, windows: Windows) -> int:
    """Pixels from the start of the first window to the end of the last."""
    return (count - 1) * windows.stride + windows.size


def _cut(images: jax.Array, windows: Windows, outside: float) -> list[jax.Array]:
    """The pixels of all windows by their place in them: `[b, h', w', c]` each."""
    _, rows, columns, _ = _pooled_shape(images, windows)
    ends = [
        _reach(count, windows) - windows.padding - length
        for count, length in zip((rows, columns), images.shape[1:3], strict=True)
    ]
    ahead, none = windows.padding, (0, 0, 0)
    config = (none, (ahead, ends[0], 0), (ahead, ends[1], 0), none)
    whole = lax.pad(images, jnp.asarray(outside, images.dtype), config)
    stride = windows.stride
    return [
        whole[
            :,
            i : i + (rows - 1) * stride + 1 : stride,
            j : j + (columns - 1) * stride + 1 : stride,
        ]
        for i, j in windows.places
    ]


def _seen(windows: jax.Array) -> jax.Array:
    """`[b, h', w', c]` as each pixel of a window sees it: `[b, h', 1, w', 1, c]`."""
    return windows[:, :, None, :, None]


def _laid(pixels: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """The pixels of windows side by side, `[b, h', s, w', s, c]`, as images of a shape.

    So every pixel is written once, in one pass over them.
    """
    batch, rows, size, columns, _, channels = pixels.shape
    whole = pixels.reshape(batch, rows * size, columns * size, channels)
    below, right = shape[1] - rows * size, shape[2] - columns * size
    none = (0, 0, 0)
    margins = (none, (0, below, 0), (0, right, 0), none)
    return lax.pad(whole, jnp.zeros((), whole.dtype), margins)


def _spread(
    parts: list[jax.Array], shape: tuple[int, ...], windows: Windows
) -> jax.Array:
    """What images of this shape get from their windows: the adjoint of `_cut`.

    Rows and columns of one remainder by the stride get theirs from the same places of
    windows. They are added up by remainder, and then laid side by side.
    """
    batch, height, width, channels = shape
    stride, ahead = windows.stride, windows.padding
    deepest = (windows.size - 1) // stride
    zero, none = jnp.zeros((), parts[0].dtype), (0, 0, 0)
    sums: dict[tuple[int, int], jax.Array] = {}
    for (i, j), part in zip(windows.places, parts, strict=True):
        down, across = i // stride, j // stride
        if deepest:
            config = ((down, deepest - down, 0), (across, deepest - across, 0))
            part = lax.pad(part, zero, (none, *config, none))
        key = i % stride, j % stride
        sums[key] = sums[key] + part if key in sums else part
    # Joined along channels, the pixels of a window's line lie side by side.
    lines = [
        jnp.concatenate([sums[i, j] for j in range(stride)], axis=-1)
        for i in range(stride)
    ]
    rows, columns = (stride * length for length in sums[0, 0].shape[1:3])
    grid = jnp.stack(lines, axis=2).reshape(batch, rows, columns, channels)
    below, right = height + ahead - rows, width + ahead - columns
    return lax.pad(grid, zero, (none, (-ahead, below, 0), (-ahead, right, 0), none))
