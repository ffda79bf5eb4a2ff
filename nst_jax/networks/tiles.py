"""Large pictures seen in tiles: where these lie, and how far beyond them networks see.

A tile of which a network sees all that its features depend on shows just what the whole
picture would there. The grids of strides begin anew at every `unit` pixels: a tile that
begins there has the whole picture's places.
"""

import dataclasses
import functools
import math

import numpy as np

from weights_convert.architectures import (
    Architecture,
    Concatenation,
    Convolution,
    Pooling,
)

Shape = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Span:
    """One tile along an axis: what it sees, and which part of that is its own."""

    first: int
    size: int
    begin: int
    end: int


def spans(length: int, tile: int, beyond: int) -> list[Span]:
    """Tiles of one size along an axis; what is their own covers it once.

    Args:
      length: of the axis.
      tile: of a tile's own part, but for the first and the last one's.
      beyond: what a tile sees on either side of that.
    """
    size = min(length, tile + 2 * beyond)
    if size == length:
        return [Span(0, length, 0, length)]
    found, begin = [], 0
    while begin < length:
        first = min(max(0, begin - beyond), length - size)
        end = length if first + size == length else first + size - beyond
        found.append(Span(first, size, begin, end))
        begin = end
    return found


@dataclasses.dataclass(frozen=True)
class Tiling:
    """How pictures are cut for a network's taps.

    Attributes:
      side: of a tile's own part, in pixels, a multiple of `unit`.
      beyond: what it sees on either side, likewise.
      unit: pixels after which the grids of the taps begin anew.
    """

    side: int
    beyond: int
    unit: int

    @classmethod
    def of(
        cls, architecture: Architecture, taps: tuple[str, ...], side: int
    ) -> "Tiling":
        """Tiles of about this side, for taps of a network."""
        unit = math.lcm(*(architecture.stride(tap) for tap in taps))
        beyond = -(-reach(architecture, taps) // unit) * unit
        return cls(max(1, side // unit) * unit, beyond, unit)

    def cuts(self, shape: Shape) -> bool:
        """Whether pictures of a shape have more pixels than one tile sees."""
        return shape[0] * shape[1] > (self.side + 2 * self.beyond) ** 2

    def framed(self, shape: Shape) -> Shape:
        """A shape brought to whole units."""
        height, width = (-(-length // self.unit) * self.unit for length in shape)
        return height, width

    def windows(self, frame: Shape) -> tuple[Shape, np.ndarray]:
        """The size of tiles of a frame, and where each lies.

        Returns:
          Height and width; and `[tiles, 2, 3]` int32, of rows and columns the first
          that a tile sees, and the begin and end of its own.

        Raises:
          ValueError: a frame that isn't of whole units.
        """
        if any(length % self.unit for length in frame):
            raise ValueError(f"a frame of {frame} isn't of whole units of {self.unit}")
        down, across = (spans(length, self.side, self.beyond) for length in frame)
        found = [
            [(span.first, span.begin, span.end) for span in (row, column)]
            for row in down
            for column in across
        ]
        return (down[0].size, across[0].size), np.array(found, np.int32)


@functools.cache
def reach(architecture: Architecture, taps: tuple[str, ...]) -> int:
    """Pixels beyond those under a place of a tap on which its features depend."""
    farthest = 0
    for tap in taps:
        seen = {tap: (0, 0)}
        for layer in reversed(architecture.leading_to([tap])):
            first, last = seen.pop(layer.name)
            match layer:
                case Convolution():
                    size = max(layer.height, layer.width)
                    steps = layer.stride, layer.padding, size
                case Pooling():
                    steps = layer.stride, layer.padding, layer.size
                case _:
                    steps = 1, 0, 1
            stride, padding, size = steps
            first, last = first * stride - padding, last * stride - padding + size - 1
            bottoms = architecture.bottoms[layer.name]
            for name in bottoms if isinstance(layer, Concatenation) else bottoms[:1]:
                low, high = seen.get(name, (first, last))
                seen[name] = min(low, first), max(high, last)
        first, last = seen[""]
        farthest = max(farthest, -first, last - (architecture.stride(tap) - 1))
    return farthest
