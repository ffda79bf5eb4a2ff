"""Masks: what each place of a picture counts, from files and arrays.

A mask is `[h, w]` float32 in [0, 1]. It may have any size: what counts is where of the
picture a place lies.
"""

import math
from typing import Any

import numpy as np
from PIL import Image

from nst_jax.errors import ImageError
from nst_jax.images import decode, opening, resize
from nst_jax.images.frames import Shape
from nst_jax.images.opening import Note
from nst_jax.images.source import Report, Source

_SNAPPED = 4.5 / 255
"""As near to black or white JPEG's noise leaves them."""
_COLOUR, _COLOURED = 24 / 255, 0.002
"""Channels of a colour differ by more; a coloured picture has more of them."""
_ASPECT, _PIXELS = 0.01, 2
"""A mask's shape may differ from the picture's by so much, or by so many pixels."""


def source(given: Any) -> Source:
    """The source of a mask: a picture as of `Source.of`, or truth values `[h, w]`.

    Raises:
      ImageError: neither.
    """
    is_truth = getattr(getattr(given, "dtype", None), "kind", "") == "b"
    return Source.of(np.asarray(given, np.float32) if is_truth else given)


def read(source: Source, report: Report | None = None) -> np.ndarray:
    """A mask `[h, w]` float32 in [0, 1]: 1 where a file is white, or opaque.

    Of a picture with one colour and transparency, the opacity is the mask. What JPEG
    left nearly black or white is black or white. EXIF rotation is applied.

    Args:
      source: grey, or of one colour with alpha; or an array `[h, w]` of one.
      report: takes lines for the user.

    Raises:
      ImageError: a file that can't be read, or that has colours.
    """
    notes: dict[str, None] = {}
    colours, opacity = levels(source, notes.setdefault)
    light = colours.mean(-1)
    if opacity is not None:
        shown = light[opacity > 0]
        if not shown.size or np.ptp(shown) <= 2 * _SNAPPED:
            light, colours = opacity, opacity[..., None]
        else:
            notes["what is transparent counts as black"] = None
            light = light * opacity
    if np.mean(np.ptp(colours, axis=-1) > _COLOUR) > _COLOURED:
        raise ImageError(
            f"{source.name}: has colours, but a mask is grey: white where it counts; a "
            "map of regions, a colour each, is for content_mask and style_mask"
        )
    if report is not None:
        for note in notes:
            report(f"{source.name}: {note}")
    light = np.where(light <= _SNAPPED, 0, np.where(light >= 1 - _SNAPPED, 1, light))
    return light.astype(np.float32)


def levels(source: Source, note: Note) -> tuple[np.ndarray, np.ndarray | None]:
    """Colours `[h, w, 3]` and opacity `[h, w]`, float32 in [0, 1]; None: all opaque.

    Raises:
      ImageError: a file that can't be read.
    """
    match source.given:
        case np.ndarray():
            return _of_array(source.given)
        case Image.Image():
            return _of_picture(source.given, note)
    given = source.given if isinstance(source.given, bytes) else source.key
    with opening.opened(given, note) as picture:
        return _of_picture(decode.upright(picture), note)


def _of_array(array: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    values = array.astype(np.float32)
    if array.dtype == np.uint8:
        values = values / np.float32(255)
    values = values[..., None] if values.ndim == 2 else values
    opacity = values[..., 3] if values.shape[2] == 4 else None
    colours = np.broadcast_to(values[..., :3], (*values.shape[:2], 3))
    return colours, opacity


def _of_picture(
    picture: Image.Image, note: Note
) -> tuple[np.ndarray, np.ndarray | None]:
    if not picture.has_transparency_data:
        pixels = decode.of_upright(picture, note)
        return pixels.rows(0, pixels.shape[0], slice(0, 3)), None
    return _of_array(np.asarray(picture.convert("RGBA")))


def check_shape(name: str, mask: Shape, picture: Shape, of: str) -> None:
    """Raises `ImageError` if a mask has another aspect ratio than its picture.

    Args:
      name: of the mask.
      mask: its height and width.
      picture: those of the picture.
      of: what messages call that.
    """
    (down, across), (height, width) = mask, picture
    apart = abs(down - across * height / width)
    if apart > max(_PIXELS, _ASPECT * down):
        raise ImageError(
            f"{name}: is {across}x{down} pixels, of another aspect ratio than {of}, "
            f"{width}x{height}: give one of the same picture, of any size"
        )


def area(mask: np.ndarray, shape: Shape) -> np.ndarray:
    """`[h, w]` -> `[*shape]`: the mean over what each place covers of the mask."""
    if mask.shape == tuple(shape):
        return mask
    height, width = shape
    return _means(_means(mask, height).T, width).T.astype(np.float32)


def _means(values: np.ndarray, count: int) -> np.ndarray:
    """`[n, m]` -> `[count, m]`: means over equal parts of the first axis, float64."""
    length = len(values)
    sums = np.cumsum(np.pad(values, ((1, 0), (0, 0))), axis=0, dtype=np.float64)
    edges = np.arange(count + 1) * length / count
    first = np.minimum(edges.astype(int), length - 1)
    upto = sums[first] + (edges - first)[:, None] * values[first]
    return np.diff(upto, axis=0) * (count / length)


def sized(mask: np.ndarray, ratio: Shape | None, shape: Shape) -> np.ndarray:
    """A mask `[h, w]` cropped and sized as its picture is: `[*shape]`.

    Args:
      mask: of the whole picture.
      ratio: of height to width, of the middle part that is taken; None: all.
      shape: height and width.
    """
    part = mask if ratio is None else resize.crop(mask, ratio)
    return area(part, shape)


def feathered(mask: np.ndarray, pixels: float) -> np.ndarray:
    """A mask `[h, w]` whose edges are soft over about so many pixels.

    Gaussian, with a deviation of half of them; masks that add up to 1 still do.
    """
    if not pixels:
        return mask
    reach = max(1, math.ceil(1.5 * pixels))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (pixels / 2)) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    for _ in range(2):  # Down, then across.
        padded = np.pad(mask, ((reach, reach), (0, 0)), mode="edge")
        mask = sum(
            (w * padded[i : i + len(mask)] for i, w in enumerate(weights)),
            start=np.zeros_like(mask),
        ).T
    return np.clip(mask, 0, 1)
