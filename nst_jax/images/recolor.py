"""Colours of a painting for a picture that was painted like it.

The last step of "Neural Neighbor Style Transfer" (Kolkin et al. 2022, arXiv:2203.13215)
in its public code: light and dark are those that were painted, hues the photo's, moved
to the mean and covariance of the painting's.
"""

from collections.abc import Sequence

import numpy as np

from nst_jax.images import color

_SMALLEST = 1e-4  # Added to covariances.
_MONOCHROME = 6e-5  # A painting whose chroma varies and covaries less has no hues.
_PASSES = 5
_SHARP = 10.0  # How fast the filter's weights fall with the difference in lightness.


def recolored(
    image: np.ndarray, photo: np.ndarray, paintings: Sequence[np.ndarray]
) -> np.ndarray:
    """A painted picture in the colours of its paintings.

    Each channel is kept to the painting's range. If that has hues, the picture's become
    the photo's, matched in mean and covariance, and smoothed where the picture is as
    light; otherwise all three channels are matched, and hues stay. Channels are those
    of OkLab's matrices, applied to sRGB's own values without making them linear, as the
    code has it. Left out: a recombination of pyramids that the code computes and
    doesn't use.

    Args:
      image: `[h, w, 3]` in [0, 1], that was painted.
      photo: `[h, w, 3]` in [0, 1], in its own colours.
      paintings: `[h', w', 3]` each, one or more, which count as one picture.

    Returns:
      `[h, w, 3]` float32 in [0, 1].
    """
    style = np.concatenate(
        [color.lightness_and_chroma(one).reshape(-1, 3) for one in paintings]
    )
    ranges = style.min(0), style.max(0)
    found = np.clip(color.lightness_and_chroma(image), *ranges)
    hues = np.cov(style[:, 1:].T, bias=True)
    if np.abs(hues).max() < _MONOCHROME:
        own = color.lightness_and_chroma(image)
        found = _matched(np.concatenate([found[..., :1], own[..., 1:]], -1), style)
    else:
        chroma = _matched(color.lightness_and_chroma(photo)[..., 1:], style[:, 1:])
        found[..., 1:] = _smoothed(chroma, found[..., 0])
    return color.of_lightness_and_chroma(np.clip(found, *ranges))


def _matched(values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Values `[h, w, c]` with mean and covariance of those wanted, `[n, c]`.

    By symmetric roots of covariances, to each of which as much is added.
    """
    flat = values.reshape(-1, values.shape[-1]).astype(np.float64)
    roots = []
    for of in (flat, wanted):
        variances, axes = np.linalg.eigh(np.cov(of.T, bias=True))
        scale = np.sqrt(np.maximum(variances, 0) + _SMALLEST)
        roots.append((axes * scale) @ axes.T)
    matrix = np.linalg.solve(roots[0], roots[1])
    return ((flat - flat.mean(0)) @ matrix + wanted.mean(0)).reshape(values.shape)


def _smoothed(chroma: np.ndarray, lightness: np.ndarray) -> np.ndarray:
    """Five passes of a bilateral filter over 3 x 3 places, borders repeated.

    Args:
      chroma: `[h, w, 2]`.
      lightness: `[h, w]`, by whose difference neighbours count.
    """
    height, width = lightness.shape
    light = np.pad(lightness, 1, "edge")
    places = [
        (slice(i, i + height), slice(j, j + width)) for i in range(3) for j in range(3)
    ]
    for _ in range(_PASSES):
        around = np.pad(chroma, ((1, 1), (1, 1), (0, 0)), "edge")
        total, weights = np.zeros_like(chroma), np.zeros_like(lightness)
        for place in places:
            weight = np.exp(-_SHARP * np.abs(lightness - light[place]))
            total += weight[..., None] * around[place]
            weights += weight
        chroma = total / weights[..., None]
    return chroma
