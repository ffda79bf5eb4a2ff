"""Resizing images.

The filter is bicubic (Keys 1981 with a = -1/2), stretched by the scale when shrinking
so that nothing aliases: the filter of Pillow, and of `jax.image.resize(...,
method="cubic")`, so that an image resized here and one resized on the device agree.
Lanczos is a little sharper, but rings more at edges, and style transfer paints rings.
"""

from collections.abc import Callable, Iterable

import numpy as np
from PIL import Image

_FILTER = Image.Resampling.BICUBIC

_AT_ONCE, _WHOLE = 2**22, 2**24
"""Pixels of rows that are taken at once, and of an image that is held whole."""


def fit(height: int, width: int, longest: int) -> tuple[int, int]:
    """The size of a `height` x `width` image once its longest side is `longest`.

    Larger or smaller; the other side is rounded to nearest, half up, and at least 1.

    Raises:
      ValueError: a length below 1.
    """
    for name, value in ("height", height), ("width", width), ("longest", longest):
        if value < 1:
            raise ValueError(f"{name}: {value} pixels; must be 1 or more")
    long = max(height, width)

    def scaled(side: int) -> int:
        return max(1, (2 * side * longest + long) // (2 * long))

    return scaled(height), scaled(width)


def resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resizes with the antialiased bicubic filter, in float32.

    Args:
      image: `[h, w, c]`, in [0, 1].
      size: (height, width) of the result.

    Returns:
      `[*size, c]` float32, clipped to [0, 1] (the filter overshoots at edges); the
      image itself, its values untouched, where the size is the same.

    Raises:
      ValueError: a length below 1.
    """
    if min(size) < 1:
        raise ValueError(f"size: {tuple(size)} (height, width); must be 1 or more")
    image = np.asarray(image, np.float32)
    if image.shape[:2] == tuple(size):
        return image
    return np.clip(resampled(image, size), 0, 1)


def resampled(
    values: np.ndarray, size: tuple[int, int], *, linear: bool = False
) -> np.ndarray:
    """Numbers of any range, `[h, w, c]` -> `[*size, c]`, in float32.

    Args:
      values: such as a solver's state of each pixel.
      size: (height, width) of the result, 1 or more.
      linear: by the linear filter, which doesn't overshoot, in place of the bicubic.
    """
    height, width = size
    chosen = Image.Resampling.BILINEAR if linear else _FILTER
    resized = np.empty((height, width, values.shape[2]), np.float32)
    for c in range(values.shape[2]):
        channel = Image.fromarray(np.ascontiguousarray(values[..., c], np.float32))
        resized[..., c] = np.asarray(channel.resize((width, height), chosen))
    return resized


def details(image: np.ndarray) -> np.ndarray:
    """What halving an image loses: the finest level of its Laplacian pyramid.

    Burt & Adelson 1983, as STROTSS (Kolkin et al. 2019) and NNST have it, by the linear
    filter. Deviation: it is stretched when shrinking, where theirs takes two pixels
    each way.

    Args:
      image: `[h, w, c]`.

    Returns:
      `[h, w, c]` float32, around 0.
    """
    height, width = image.shape[:2]
    half = resampled(image, (max(1, height // 2), max(1, width // 2)), linear=True)
    return image - resampled(half, (height, width), linear=True)


def resize_rows(
    rows: Callable[[int, int, slice], np.ndarray],
    shape: tuple[int, int],
    *,
    ratio: tuple[int, int] | None = None,
    size: tuple[int, int] | None = None,
    depth: int = 3,
) -> np.ndarray:
    """Crops and resizes an image that is made a few rows at a time.

    It is what `crop` and `resize` make of the whole image, bit for bit. A large image
    is never whole: its rows are made anew for each channel.

    Args:
      rows: gives the image from a row to another, `[n, w, 3]` float32 in [0, 1], or
        some of the channels.
      shape: height and width of the whole.
      ratio: as of `crop`; None: all of it.
      size: as of `resize`; None: as it is.
      depth: how many channels there are.
    """
    (top, bottom), (left, right) = _middle(shape, ratio or shape)
    part = bottom - top, right - left
    step = max(1, _AT_ONCE // shape[1])
    strips = [(y, min(y + step, bottom)) for y in range(top, bottom, step)]

    def gathered(channels: slice) -> np.ndarray:
        count = channels.stop - (channels.start or 0)
        image = np.empty((*part, count), np.float32)
        for first, last in strips:
            strip = rows(first, last, channels)[:, left:right]
            image[first - top : last - top] = strip
        return image

    if size in (None, part) or shape[0] * shape[1] <= _WHOLE:
        return resize(gathered(slice(depth)), size or part)
    parts = [resize(gathered(slice(c, c + 1)), size) for c in range(depth)]
    return np.concatenate(parts, axis=-1)


def enlarged(
    changes: Iterable[tuple[str, tuple[int, int], tuple[int, int]]],
) -> str | None:
    """A line that says which pictures are enlarged, as little is gained by it.

    Args:
      changes: names, with (height, width) before and after.
    """
    found = [
        f"{name} is enlarged, from {width}x{height} pixels to {wide}x{high}"
        for name, (height, width), (high, wide) in changes
        if max(height, width) < max(high, wide)
    ]
    if not found:
        return None
    more = f" (it and {len(found) - 1} more)" if found[1:] else ""
    return f"{found[0]}{more}: a smaller size shows as much"


def crop(image: np.ndarray, ratio: tuple[int, int]) -> np.ndarray:
    """The largest part of an image that has an aspect ratio, from the middle.

    Args:
      image: `[h, w, c]`.
      ratio: of height to width.

    Returns:
      A view; its shorter direction is rounded to nearest, half up, and at least 1.

    Raises:
      ValueError: a part of the ratio below 1.
    """
    if min(ratio) < 1:
        raise ValueError(f"ratio: {tuple(ratio)}; both must be 1 or more")
    (top, bottom), (left, right) = _middle(image.shape[:2], ratio)
    return image[top:bottom, left:right]


def cropped(shape: tuple[int, int], ratio: tuple[int, int]) -> tuple[int, int]:
    """The height and width that `crop` gives an image of a shape."""
    (top, bottom), (left, right) = _middle(shape, ratio)
    return bottom - top, right - left


def square(image: np.ndarray, side: int) -> np.ndarray:
    """The middle square of `[h, w, c]`, resized to `[side, side, c]`."""
    return resize(crop(image, (1, 1)), (side, side))


def resize_longest(image: np.ndarray, longest: int) -> np.ndarray:
    """Resizes `[h, w, c]` so that its longest side is `longest`: `resize` to `fit`."""
    height, width = image.shape[:2]
    return resize(image, fit(height, width, longest))


def _middle(
    shape: tuple[int, ...], ratio: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    # First and last row, and column, of what `crop` takes.
    (height, width), (down, across) = shape, ratio
    if height * across > width * down:
        cropped = max(1, (2 * width * down + across) // (2 * across)), width
    else:
        cropped = height, max(1, (2 * height * across + down) // (2 * down))
    top, left = (height - cropped[0]) // 2, (width - cropped[1]) // 2
    return (top, top + cropped[0]), (left, left + cropped[1])
