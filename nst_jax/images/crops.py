"""Random squares of photos, as networks are trained on them."""

import os

import numpy as np
from PIL import Image

from nst_jax.errors import ImageError
from nst_jax.images import opening

_LARGEST = 1.5  # Of the shorter side, as a multiple of the square's.


def random_square(
    path: str | os.PathLike[str], size: int, rng: np.random.Generator
) -> np.ndarray:
    """A square of a photo, at a random scale and place, half of them mirrored.

    The shorter side is scaled to between `size` and 1.5 times that. JPEGs are decoded
    at a reduced scale where that is enough (`PIL.Image.draft`): colour profiles don't
    count here, speed does.

    Args:
      path: of a file that `files.read` takes.
      size: pixels a side.
      rng: three numbers are taken of it, whatever the picture is.

    Returns:
      `[size, size, 3]` uint8, sRGB.

    Raises:
      ImageError: a picture that can't be read, or with a side below 16 pixels.
    """
    scale, across, down = rng.random(3)
    with opening.opened(path) as picture:
        if min(picture.size) < 16:
            raise ImageError(f"{os.fspath(path)}: is too small to train on")
        shorter = round(size * (1 + (_LARGEST - 1) * scale))
        picture.draft("RGB", (shorter, shorter))
        ratio = min(picture.size) / shorter
        side = size * ratio
        mirrored = across >= 0.5
        left = (picture.width - side) * ((2 * across) % 1)
        top = (picture.height - side) * down
        square = picture.convert("RGB").resize(
            (size, size),
            Image.Resampling.BICUBIC,
            box=(left, top, left + side, top + side),
        )
        pixels = np.array(square)
    return pixels[:, ::-1] if mirrored else pixels
