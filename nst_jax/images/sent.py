"""Pictures as they are sent between machines: levels, of fewer bytes than floats."""

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from nst_jax.images.encode import quantize

Made = TypeVar("Made")


def narrowed(image: np.ndarray, bits: int) -> np.ndarray:
    """An image as it will be written: levels, of 8 or 16 bits.

    What isn't finite stays as it is, for who writes it to find.
    """
    return quantize(image, bits) if np.isfinite(image).all() else image


def widened(levels: np.ndarray) -> np.ndarray:
    """The image of levels, float32 in [0, 1], which gives them again."""
    if levels.dtype.kind == "f":
        return levels
    return levels.astype(np.float32) / np.float32(np.iinfo(levels.dtype).max)


def lossless(image: np.ndarray) -> np.ndarray:
    """The smallest levels from which `widened` makes an image again, or the image."""
    for bits in (8, 16):
        levels = quantize(image, bits)
        if np.array_equal(widened(levels), image):
            return levels
    return image


def narrowed_result(made: Made) -> Made:
    """A result with levels for its picture; an error as it is."""
    if isinstance(made, Exception):
        return made
    result: Any = made
    return _changed(result, lambda image: narrowed(image, result.options.bits))


def widened_result(made: Made) -> Made:
    """What `narrowed_result` was made of, but for the rounding."""
    return made if isinstance(made, Exception) else _changed(made, widened)


def _changed(result: Any, of: Callable[[np.ndarray], np.ndarray]) -> Any:
    alpha = None if result.alpha is None else of(result.alpha)
    return dataclasses.replace(result, image=of(result.image), alpha=alpha)
