"""Distances of style from one map of a painting, and of the painting from itself."""

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np

from bench.quality import sliced
from bench.quality.patches import Patches, distances
from bench.quality.sliced import Cloud

_COLOURS, _PIXELS = 64, 16384  # Directions and positions.


class Gauge(Protocol):
    """A distance from a painting's map `[h, w, c]`."""

    floor: float
    """Mean distance between halves of the map."""

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
    """Distance to the nearest patches, the worse of both ways."""

    def __init__(self, painting: np.ndarray):
        """Takes the painting's features."""
        self._patches = Patches.of(painting)
        self.floor = _floor(
            painting, lambda a, b: max(distances(Patches.of(a), Patches.of(b)))
        )

    def __call__(self, picture: np.ndarray) -> float:
        """See `Gauge`."""
        return max(distances(Patches.of(picture), self._patches))


def _of_pixels(pixels: np.ndarray) -> Cloud:
    return Cloud.of(pixels, directions=_COLOURS, positions=_PIXELS)


def _floor(
    painting: np.ndarray, distance: Callable[[np.ndarray, np.ndarray], float]
) -> float:
    return float(np.mean([distance(a, b) for a, b in _halves(painting)]))


def _halves(painting: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Left and right, top and bottom."""
    middle = painting.shape[1] // 2
    yield painting[:, :middle], painting[:, middle:]
    middle = painting.shape[0] // 2
    yield painting[:middle], painting[middle:]
