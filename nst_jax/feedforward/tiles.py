"""Large pictures painted in tiles, without seams.

A tile sees as far beyond its border as its result depends on, and is normalised with
the statistics of the whole picture. These are gathered layer by layer over all tiles,
as counts, means and sums of squares. Features of half the picture's height and width,
or a quarter, are kept whole, so that only the first layer and the one before the last
are done twice.
"""

import dataclasses
import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from nst_jax.feedforward.bordered import framed, whole
from nst_jax.feedforward.transformer import (
    Statistics,
    TransformerNetwork,
    convolved,
    normalized,
)
from nst_jax.networks.tiles import Span, spans
from weights_convert.architectures.transformer import Block, Transformer


@dataclasses.dataclass(frozen=True)
class _Merged:
    """Statistics of parts of a picture added up (Chan et al. 1979), in float64."""

    count: float = 0
    mean: Any = 0.0
    squares: Any = 0.0

    def and_of(self, count: float, found: Statistics) -> "_Merged":
        mean, variance = (np.asarray(part, np.float64) for part in found)
        total, apart = self.count + count, mean - self.mean
        squares = self.squares + count * variance
        squares = squares + apart**2 * self.count * count / total
        return _Merged(total, self.mean + apart * count / total, squares)

    @property
    def statistics(self) -> Statistics:
        parts = self.mean, self.squares / self.count
        mean, variance = (jnp.asarray(part, jnp.float32) for part in parts)
        return mean, variance


def paint(
    network: TransformerNetwork,
    image: np.ndarray,
    style: jax.Array | None,
    *,
    tile: int,
) -> np.ndarray:
    """A painted picture, the same as the network gives at once but for rounding.

    Args:
      network: that paints.
      image: `[h, w, 3]`, sRGB in [0, 1], 16 pixels a side or more.
      style: `[1, n]`, as the network takes it.
      tile: height and width of a tile without what it sees beyond, in pixels.

    Returns:
      `[h, w, 3]` float32, sRGB in [0, 1].
    """
    height, width = image.shape[:2]
    photo: Any = framed(image, (whole(height), whole(width)))[None]
    values: Any = network.entered(photo)
    entering: Any = None
    for segment in segments(network.architecture):
        if segment[0].place == 1:
            entering = values
        last = segment[-1]
        size = tile * values.shape[1] // photo.shape[1]
        values, used = _swept(network, segment, values, style, size)
        added = entering if last.place == 2 else None
        block = network.blocks[last.name]
        values = _normalized(
            network.architecture, _plain(last), block, values, used, style, added
        )
    return np.asarray(_shown(network, values)[0, :height, :width])


def segments(architecture: Transformer) -> list[tuple[Block, ...]]:
    """Runs of layers of whose ends the whole picture's features are kept."""
    first, last = architecture.layers[:2], architecture.layers[-2:]
    return [first, *((layer,) for layer in architecture.layers[2:-2]), last]


def reach(segment: Sequence[Block]) -> tuple[int, int]:
    """Pixels of its input beyond a tile that a segment's output depends on.

    Returns:
      These, and what they and borders of tiles are a multiple of.
    """
    far, step, unit = 0.0, 1.0, 1
    for layer in segment:
        step /= 2 if layer.upsample else 1
        far += step * (layer.size // 2)
        step *= layer.stride
        unit *= layer.stride
    return -int(-far // unit) * unit, unit


def _swept(
    network: TransformerNetwork,
    segment: Sequence[Block],
    values: Any,
    style: jax.Array | None,
    tile: int,
) -> tuple[jax.Array, Statistics | None]:
    """What a segment's last convolution gives, whole, and its statistics."""
    beyond, unit = reach(segment)
    tile = max(unit, tile // unit * unit)
    axes = [spans(length, tile, beyond) for length in values.shape[1:3]]
    known: list[Statistics | None] = []
    output: Any = None
    how, blocks = network.architecture, [network.blocks[one.name] for one in segment]
    for depth, layer in enumerate(segment, start=1):
        last = depth == len(segment)
        if not (layer.norm or last):
            known.append(None)
            continue
        found, part = _Merged(), tuple(map(_plain, segment[:depth]))
        for place, window, box in _windows(values, axes):
            raw, parts = _run(how, part, blocks[:depth], window, style, known, box)
            if parts is not None:
                found = found.and_of(*parts)
            if last:
                if output is None:
                    output = _empty(values, window, raw)
                output = _placed(output, raw, place, box, window.shape[1])
        known.append(found.statistics if layer.norm else None)
    return output, known[-1]


def _windows(
    values: Any, axes: Sequence[Sequence[Span]]
) -> Iterator[tuple[np.ndarray, jax.Array, np.ndarray]]:
    """Where each tile begins, what it sees, and rows and columns of its own part."""
    for spans_of in itertools.product(*axes):
        place = np.array([span.first for span in spans_of])
        box = np.array([[s.begin - s.first, s.end - s.first] for s in spans_of])
        down, across = spans_of
        if isinstance(values, np.ndarray):
            rows = slice(down.first, down.first + down.size)
            columns = slice(across.first, across.first + across.size)
            yield place, jnp.asarray(values[:, rows, columns]), box
        else:
            yield place, _cut(values, place, (down.size, across.size)), box


@functools.partial(jax.jit, static_argnums=2)
def _cut(values: jax.Array, place: jax.Array, size: tuple[int, int]) -> jax.Array:
    sizes = (1, *size, values.shape[-1])
    return lax.dynamic_slice(values, (0, place[0], place[1], 0), sizes)


def _empty(values: Any, window: jax.Array, raw: jax.Array) -> jax.Array:
    """Room for a segment's output, whose scale a tile tells."""
    high, wide = (
        length * after // before
        for length, before, after in zip(
            values.shape[1:3], window.shape[1:3], raw.shape[1:3], strict=True
        )
    )
    return jnp.zeros((1, high, wide, raw.shape[-1]), raw.dtype)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _run(
    how: Transformer,
    segment: tuple[Block, ...],
    blocks: Sequence[Mapping[str, Any]],
    values: jax.Array,
    style: jax.Array | None,
    known: Sequence[Statistics | None],
    box: jax.Array,
) -> tuple[jax.Array, tuple[jax.Array, Statistics] | None]:
    """The last convolution's output, and count and statistics within the box."""
    size, last = values.shape[1], segment[-1]
    for layer, block, used in zip(segment[:-1], blocks, known, strict=False):
        values = convolved(how, layer, block, values)
        values = normalized(how, layer, block, values, used, style)
    values = convolved(how, last, blocks[-1], values)
    if not last.norm:
        return values, None
    mask = _own(values, box * values.shape[1] // size)
    count = mask.sum(dtype=jnp.float32)
    exact = values.astype(jnp.float32)
    mean = jnp.where(mask, exact, 0).sum((1, 2)) / count
    apart = jnp.where(mask, exact - mean[:, None, None], 0)
    return values, (count, (mean, jnp.square(apart).sum((1, 2)) / count))


@functools.partial(jax.jit, static_argnums=4, donate_argnums=0)
def _placed(
    output: jax.Array, raw: jax.Array, place: jax.Array, box: jax.Array, size: int
) -> jax.Array:
    """The output with a tile's own part in it."""
    down, across = (place[n] * raw.shape[1] // size for n in (0, 1))
    start = (0, down, across, 0)
    mask = _own(raw, box * raw.shape[1] // size)
    there = lax.dynamic_slice(output, start, raw.shape)
    return lax.dynamic_update_slice(output, jnp.where(mask, raw, there), start)


@functools.partial(jax.jit, static_argnums=(0, 1), donate_argnums=3)
def _normalized(
    how: Transformer,
    layer: Block,
    block: Mapping[str, Any],
    values: jax.Array,
    used: Statistics | None,
    style: jax.Array | None,
    added: jax.Array | None,
) -> jax.Array:
    values = normalized(how, layer, block, values, used, style)
    return values if added is None else values + added


@functools.partial(jax.jit, donate_argnums=1)
def _shown(network: TransformerNetwork, values: jax.Array) -> jax.Array:
    return jnp.clip(network.shown(values), 0, 1)


def _plain(layer: Block) -> Block:
    """A layer without its name: those of one kind share a program."""
    return dataclasses.replace(layer, name="")


def _own(values: jax.Array, box: jax.Array) -> jax.Array:
    """Which of `[1, h, w, c]` are within rows and columns: `[1, h, w, 1]`."""
    down, across = (jnp.arange(n) for n in values.shape[1:3])
    rows = (down >= box[0, 0]) & (down < box[0, 1])
    columns = (across >= box[1, 0]) & (across < box[1, 1])
    return (rows[:, None] & columns)[None, ..., None]
