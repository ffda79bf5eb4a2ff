"""Systems' pictures side by side with their names: for those who tune."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from bench.quality.painters import painting_of, photo_of
from bench.quality.pairs import Pair
from bench.quality.records import Folder
from nst_jax.images import encode, files, resize

_GAP, _LETTERS = 6, 16


def wall(
    records: Sequence[Mapping[str, Any]],
    pairs: Sequence[Pair],
    folder: Folder,
    *,
    cell: int,
) -> np.ndarray:
    """Pairs down; photo, painting, systems and their strengths across.

    Args:
      records: of pictures, of one size.
      pairs: in order.
      folder: of the pictures.
      cell: longest side of a picture here, in pixels.

    Returns:
      `[h, w, 3]` float32 in [0, 1].
    """
    columns = list(dict.fromkeys((one["system"], one["strength"]) for one in records))
    files_of = {
        (one["pair"], one["system"], one["strength"]): one["file"] for one in records
    }
    names = ["photo", "painting", *(f"{name} x{share}" for name, share in columns)]
    size = len(names) * (cell + _GAP), _LETTERS + len(pairs) * (cell + _GAP)
    found = Image.new("RGB", size, (255, 255, 255))
    draw = ImageDraw.Draw(found)
    for place, name in enumerate(names):
        draw.text((place * (cell + _GAP) + 2, 2), name, fill=(0, 0, 0))
    for row, pair in enumerate(pairs):
        pictures = [photo_of(pair, cell), painting_of(pair, cell)]
        for column in columns:
            file = files_of.get((pair.name, *column))
            blank = np.ones((1, 1, 3), np.float32)
            read = files.read(folder.pictures / file) if file else blank
            pictures.append(resize.resize_longest(read, cell) if file else read)
        for place, picture in enumerate(pictures):
            at = place * (cell + _GAP), _LETTERS + row * (cell + _GAP)
            found.paste(Image.fromarray(encode.quantize(picture)), at)
    return np.asarray(found, np.float32) / 255
