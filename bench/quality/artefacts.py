"""What is wrong with a picture whatever its style: clipping, grain, grids, frames."""

import numpy as np
from scipy import ndimage

from nst_jax.images import color

LAGS = (2, 4, 8, 16)
"""Pixels between the repeats of a checkerboard, and of the grids of pooling layers."""

FRAME = 8
"""Pixels at the border that are compared with the inside."""

_FINE = 0.35  # Cycles a pixel, of at most 0.5 along an axis.
_LEAST = 1e-6


def counted(
    image: np.ndarray, photo: np.ndarray, painting: np.ndarray
) -> dict[str, float]:
    """The artefacts of a picture, each against what photo and painting have of it.

    Args:
      image: `[h, w, 3]` in [0, 1], as it was saved in 8 bits.
      photo: `[h, w, 3]`.
      painting: `[h', w', 3]`.

    Returns:
      "clipped": share of values at 0 or 1 beyond that of photo and painting.
      "grain": amplitude of what is finer than 0.35 cycles a pixel, by the painting's.
      "grid": how much more alike pixels are at one of `LAGS` than at its neighbours,
        beyond photo and painting; correlation, 0 where there is no grid.
      "border": mean step between neighbours within 8 pixels of the border, by that of
        the inside, divided by the same of the photo: 1 where the border is as busy.
      "tint": mean of the largest less the smallest channel where photo and painting
        have no colour; left out where they have.
    """
    beyond = max(clipped(photo), clipped(painting))
    periodic = max(grid(photo), grid(painting))
    found = {
        "clipped": max(0.0, clipped(image) - beyond),
        "grain": grain(image) / max(grain(painting), _LEAST),
        "grid": max(0.0, grid(image) - periodic),
        "border": border(image) / max(border(photo), _LEAST),
    }
    if color.is_grey(photo) and color.is_grey(painting):
        found["tint"] = float(np.mean(image.max(-1) - image.min(-1)))
    return found


def clipped(image: np.ndarray) -> float:
    """Share of the values that are black or white, to half an 8-bit step."""
    return float(np.mean((image < 0.5 / 255) | (image > 254.5 / 255)))


def grain(image: np.ndarray) -> float:
    """Root mean square of the luminance's part above 0.35 cycles a pixel."""
    light = color.luminance(image)[..., 0].astype(np.float64)
    window = np.outer(*(np.hanning(side + 2)[1:-1] for side in light.shape))
    power = np.square(np.abs(np.fft.fft2((light - light.mean()) * window)))
    down, across = (np.fft.fftfreq(side) for side in light.shape)
    fine = np.hypot(down[:, None], across) > _FINE
    return float(np.sqrt(power[fine].sum() / light.size / np.square(window).sum()))


def grid(image: np.ndarray) -> float:
    """How far the correlation at one of `LAGS` stands out from those beside it."""
    light = color.luminance(image)[..., 0].astype(np.float64)
    detail = light - ndimage.gaussian_filter(light, 2.0)
    detail -= detail.mean()
    peaks = [0.0]
    for axis, side in enumerate(detail.shape):
        for lag in LAGS:
            if lag + 1 < side:
                before, here, after = (
                    _correlation(detail, axis, lag + k) for k in (-1, 0, 1)
                )
                peaks.append(here - max(before, after))
    return max(peaks)


def _correlation(detail: np.ndarray, axis: int, lag: int) -> float:
    moved = np.moveaxis(detail, axis, 0)
    return float(np.mean(moved[lag:] * moved[:-lag]) / max(detail.var(), 1e-12))


def border(image: np.ndarray) -> float:
    """Mean step between neighbours near the border, by that of the inside."""
    light = color.luminance(image)[..., 0]
    down = np.abs(np.diff(light, axis=0))[:, :-1]
    across = np.abs(np.diff(light, axis=1))[:-1]
    steps = down + across
    inside = np.zeros(steps.shape, bool)
    inside[FRAME:-FRAME, FRAME:-FRAME] = True
    if inside.all() or not inside.any():
        return 1.0
    return float(steps[~inside].mean() / max(float(steps[inside].mean()), _LEAST))
