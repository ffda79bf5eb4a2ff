"""Two-way nearest patches: texture that was invented, and strokes that are missing.

Moments and quantiles don't see how features lie beside each other. Here 3x3 patches of
a picture look for the nearest ones of the painting, which is bad where it has texture
that the painting hasn't (coherence), and the painting's look for those of the picture,
which is bad where strokes are missing (completeness): Simakov et al. 2008,
"Summarizing visual data using bidirectional similarity", by centred cosines as in
Kolkin et al. 2022 (arXiv:2203.13215).
"""

import dataclasses

import numpy as np

from bench.quality.sliced import places

QUERIES, CANDIDATES = 1024, 2048
"""Patches that look, and those that are looked at, at most; on jittered grids."""

_SIDE = 3


@dataclasses.dataclass(frozen=True)
class Patches:
    """Patches of a map.

    Attributes:
      queries: `[n, 9c]`.
      candidates: `[m, 9c]`.
    """

    queries: np.ndarray
    candidates: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray) -> "Patches":
        """Those of features `[h, w, c]`, 3 positions a side at least."""
        return cls(_cut(features, QUERIES), _cut(features, CANDIDATES))


def distances(one: Patches, painting: Patches) -> tuple[float, float]:
    """Coherence and completeness: mean distances to the nearest, in [0, 2].

    A distance is 1 - cosine, after the mean patch of the painting is taken off both.
    """
    centre = painting.candidates.mean(axis=0)
    coherence = _nearest(one.queries, painting.candidates, centre)
    completeness = _nearest(painting.queries, one.candidates, centre)
    return coherence, completeness


def _nearest(queries: np.ndarray, candidates: np.ndarray, centre: np.ndarray) -> float:
    cosines = _unit(queries - centre) @ _unit(candidates - centre).T
    return float(np.mean(1 - cosines.max(axis=1)))


def _unit(patches: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(patches, axis=1, keepdims=True)
    return patches / np.maximum(lengths, 1e-12)


def _cut(features: np.ndarray, count: int) -> np.ndarray:
    height, width, channels = features.shape
    inner = height - _SIDE + 1, width - _SIDE + 1
    rows, columns = np.divmod(places(inner, count), inner[1])
    parts = [
        features[rows + down, columns + across]
        for down in range(_SIDE)
        for across in range(_SIDE)
    ]
    return np.concatenate(parts, axis=1).reshape(-1, _SIDE**2 * channels)
