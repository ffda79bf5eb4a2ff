"""One photo in many styles, hung row by row."""

import math
from collections.abc import Iterable, Sequence

from PIL import Image

from nst_jax.collection import cells
from nst_jax.collection.cells import Cells, Picture
from nst_jax.images.frames import Shape

_CELL, _GAP, _LETTERS = 256, 8, 16
_LONGEST = 9000  # Keeps a sheet below the 89 million pixels that are read unasked.
_GROUND = (255, 255, 255)


def wall(
    pictures: Iterable[Picture], shapes: Iterable[Shape | None], labels: Sequence[str]
) -> Image.Image:
    """Pictures with their labels below, in rows of about a square.

    Args:
      pictures: `[h, w, 3]` in [0, 1]; None: an empty cell with a dash. They may be read
        one by one: no more than one is needed at a time.
      shapes: their heights and widths, for which the cells are made; None of what is
        missing.
      labels: one text a picture.

    Returns:
      Of 8 bits a channel.

    Raises:
      ValueError: too many for one sheet.
    """
    columns = max(1, math.ceil(math.sqrt(len(labels))))
    rows = math.ceil(len(labels) / columns)
    cell = min(_CELL, _LONGEST // columns - _GAP - cells.strip(1, _LETTERS))
    if cell < 8:
        raise ValueError(f"labels: {len(labels)} pictures; too many for one sheet")
    width, high = cells.holding(shapes, cell)
    strip = cells.strip(1, _LETTERS)
    places = Cells((_GAP, _GAP), width, [high] * rows, _GAP, strip)
    sheet = Image.new("RGB", places.end(columns), _GROUND)
    for number, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        row, column = divmod(number, columns)
        places.put(sheet, picture, row, column)
        text = cells.cut(label, width, _LETTERS)
        places.name(sheet, [text], row, column, _LETTERS)
    return sheet
