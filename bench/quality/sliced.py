"""Sliced Wasserstein distances: how far apart two clouds of vectors are.

Along a direction, the 2-Wasserstein distance of two distributions is that of their
quantiles; over many directions it is that of the clouds (Rabin et al. 2011; as a style
distance Heitz et al. 2021, arXiv:2006.07229). Directions and positions are fixed, so
that a picture has one number.
"""

import dataclasses
import functools

import numpy as np

DIRECTIONS = 128
POSITIONS = 4096
QUANTILES = 512


@dataclasses.dataclass(frozen=True)
class Cloud:
    """Vectors as their shadows along directions.

    Attributes:
      quantiles: `[directions, QUANTILES]`, in rising order.
      spread: `[directions]`, standard deviations.
    """

    quantiles: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(
        cls,
        vectors: np.ndarray,
        *,
        directions: int = DIRECTIONS,
        positions: int = POSITIONS,
    ) -> "Cloud":
        """The cloud of a map `[h, w, c]`.

        Args:
          vectors: features, or pixels.
          directions: so many.
          positions: of the map that are looked at; a jittered grid of that many cells
            where it has more.
        """
        points = vectors.reshape(-1, vectors.shape[-1])
        points = points[places(vectors.shape[:2], positions)]
        shadows = bank(points.shape[1], directions) @ points.T
        return cls(_quantiles(np.sort(shadows, axis=1)), shadows.std(axis=1))


def distance(one: Cloud, painting: Cloud, spread: np.ndarray | float = 1.0) -> float:
    """The sliced 2-Wasserstein distance, 0 of a cloud from itself.

    Args:
      one: a picture's.
      painting: the painting's.
      spread: `[directions]`, what shadows are divided by, such as `measure` of the
        painting; 1: the distance in the units of the vectors.
    """
    spread = np.asarray(spread, np.float32)
    apart = (one.quantiles - painting.quantiles) / spread.reshape(-1, 1)
    return float(np.sqrt(np.mean(np.square(apart))))


def measure(painting: Cloud) -> np.ndarray:
    """`[directions]`: a painting's spreads; those that are next to 0 are enlarged."""
    least = 1e-3 * max(float(painting.spread.max()), 1e-12)
    return np.maximum(painting.spread, least)


@functools.cache
def bank(channels: int, directions: int) -> np.ndarray:
    """`[directions, channels]` unit vectors, the same ones at every call."""
    drawn = np.random.default_rng(0).normal(size=(directions, channels))
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    return drawn.astype(np.float32)


@functools.cache
def places(shape: tuple[int, int], count: int) -> np.ndarray:
    """About `count` places of a map, as indices into its positions row by row.

    One in each cell of a grid, at random but the same ones at every call: all of a map
    that has no more. The cells are as square as the counts allow.

    Args:
      shape: height and width of the map.
      count: of places.
    """
    height, width = shape
    if height * width <= count:
        return np.arange(height * width)
    rows = max(1, min(height, round(np.sqrt(count * height / width))))
    columns = max(1, min(width, count // rows))
    rng = np.random.default_rng(0)
    down, across = (
        np.floor((np.arange(n)[:, None] + rng.random((n, m))) * side / n).astype(int)
        for n, m, side in ((rows, columns, height), (columns, rows, width))
    )
    found = np.minimum(down, height - 1) * width + np.minimum(across, width - 1).T
    return found.reshape(-1)


def _quantiles(ordered: np.ndarray) -> np.ndarray:
    """`[directions, n]` in rising order -> `[directions, QUANTILES]`, interpolated."""
    last = ordered.shape[1] - 1
    at = np.clip((np.arange(QUANTILES) + 0.5) / QUANTILES * (last + 1) - 0.5, 0, last)
    low = np.floor(at).astype(int)
    share = (at - low).astype(np.float32)
    high = np.minimum(low + 1, last)
    return ordered[:, low] * (1 - share) + ordered[:, high] * share
