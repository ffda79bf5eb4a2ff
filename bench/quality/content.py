"""How much of the photo is left: what its parts have in common, and its edges."""

import numpy as np
from scipy import ndimage

from nst_jax.images import color, resize

GRID = 32
"""Positions a side at which a map's self-similarity is looked at, at most."""

_SIGMA = 1.5  # Of SSIM's window, in pixels.
_DARK, _FLAT = 0.01, 0.03  # SSIM's constants, as shares of the range.


def self_similarity(features: np.ndarray) -> np.ndarray:
    """How unlike the parts of a picture are to each other, whatever they look like.

    1 - cosine between features at the middles of a grid's cells, each column divided
    by its sum: the content of STROTSS (Kolkin et al. 2019, arXiv:1904.12785), which
    lets colours and tones go as long as the layout stays.

    Args:
      features: `[h, w, c]`.

    Returns:
      `[n, n]`, n at most `GRID`^2.
    """
    height, width, channels = features.shape
    rows, columns = (
        np.floor((np.arange(min(GRID, side)) + 0.5) * side / min(GRID, side))
        for side in (height, width)
    )
    points = features[rows.astype(int)][:, columns.astype(int)].reshape(-1, channels)
    points = points.astype(np.float64)
    unit = points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12)
    apart = np.maximum(1 - unit @ unit.T, 0)
    return apart / np.maximum(apart.sum(axis=0), 1e-12)


def apart(one: np.ndarray, photo: np.ndarray) -> float:
    """Distance of two self-similarities `[n, n]`: n times the mean difference."""
    return float(len(photo) * np.mean(np.abs(one - photo)))


def edges(image: np.ndarray) -> np.ndarray:
    """Sizes of the luminance's gradient at half size: `[h, w, 3]` -> `[h/2, w/2]`."""
    height, width = (max(1, round(side / 2)) for side in image.shape[:2])
    light = resize.resize(color.luminance(image), (height, width))[..., 0]
    down, across = (ndimage.sobel(light.astype(float), axis=k) / 8 for k in (0, 1))
    return np.hypot(down, across)


def unlike(one: np.ndarray, photo: np.ndarray) -> float:
    """1 - SSIM of two maps of edges `[h, w]`: 0 where they are the same.

    Structural similarity (Wang et al. 2004) with a Gaussian window of deviation 1.5;
    the range of values is that of the photo's edges.
    """
    span = max(float(photo.max()), 1e-6)
    mean_a, mean_b = _blurred(one), _blurred(photo)
    var_a = _blurred(one * one) - mean_a**2
    var_b = _blurred(photo * photo) - mean_b**2
    both = _blurred(one * photo) - mean_a * mean_b
    dark, flat = (_DARK * span) ** 2, (_FLAT * span) ** 2
    above = (2 * mean_a * mean_b + dark) * (2 * both + flat)
    below = (mean_a**2 + mean_b**2 + dark) * (var_a + var_b + flat)
    return float(1 - np.mean(above / below))


def _blurred(values: np.ndarray) -> np.ndarray:
    return ndimage.gaussian_filter(values, _SIGMA)
