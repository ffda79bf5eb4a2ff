"""Distances of style from one map of a painting, and of the painting from itself.

The floor of a distance is that between a painting's parts: the dark and the light
squares of a chessboard laid over it. Its halves would do worse: sky and ground of the
Starry Night are as far from each other in colour as a photo is from both.
"""

from collections.abc import Callable
from typing import ClassVar, Protocol

import numpy as np

from bench.quality import sliced
from bench.quality.patches import Patches, distances
from bench.quality.sliced import Cloud

_COLOURS, _PIXELS = 64, 16384  # Directions and positions.
_SQUARES = 8


class Gauge(Protocol):
    """A distance from a painting's map `[h, w, c]`."""

    floor: float
    """How far the painting is from itself."""

    def __call__(self, picture: np.ndarray) -> float:
        """The distance of a picture's map `[h', w', c]`."""


class Features:
    """Sliced distance of features, in units of the painting's spread."""

    def __init__(self, painting: np.ndarray):
        """Takes the painting's features."""
        self._cloud = Cloud.of(painting)
        self._spread = sliced.measure(self._cloud)
        self.floor = _floor(
            painting,
            lambda a, b: sliced.distance(Cloud.of(a), Cloud.of(b), self._spread),
        )

    def __call__(self, picture: np.ndarray) -> float:
        """See `Gauge`."""
        return sliced.distance(Cloud.of(picture), self._cloud, self._spread)


class Colours:
    """Sliced distance of OkLab pixels, in units of OkLab."""

    def __init__(self, painting: np.ndarray):
        """Takes the painting in OkLab."""
        self._cloud = _of_pixels(painting)
        self.floor = _floor(
            painting, lambda a, b: sliced.distance(_of_pixels(a), _of_pixels(b))
        )

    def __call__(self, picture: np.ndarray) -> float:
        """See `Gauge`."""
        return sliced.distance(_of_pixels(picture), self._cloud)


class Nearest:
    """Distance to the nearest patches, the worse of both ways.

    Its floor is 0, the painting itself: patches of a painting's parts are nearly as far
    from each other as a photo's from them, so that a scale between these has no length.
    """

    floor: ClassVar[float] = 0.0

    def __init__(self, painting: np.ndarray):
        """Takes the painting's features."""
        self._patches = Patches.of(painting)

    def __call__(self, picture: np.ndarray) -> float:
        """See `Gauge`."""
        return max(distances(Patches.of(picture), self._patches))


def _of_pixels(pixels: np.ndarray) -> Cloud:
    return Cloud.of(pixels, directions=_COLOURS, positions=_PIXELS)


def _floor(
    painting: np.ndarray, distance: Callable[[np.ndarray, np.ndarray], float]
) -> float:
    dark = _chessboard(painting.shape[:2])
    return distance(painting[dark][:, None], painting[~dark][:, None])


def _chessboard(shape: tuple[int, ...]) -> np.ndarray:
    """`[h, w]`: which positions are on dark squares, of at most 8 a side."""
    rows, columns = (np.arange(side) * min(_SQUARES, side) // side for side in shape)
    return (rows[:, None] + columns) % 2 == 1
