"""Contact sheets: all results of a batch and their originals on one picture."""

from collections.abc import Iterable, Iterator, Sequence

from PIL import Image

from nst_jax.collection import cells
from nst_jax.collection.cells import Cells, Picture
from nst_jax.errors import counted
from nst_jax.images import resize

_CELL, _GAP, _LETTERS = 256, 8, 16  # Pixels, where there is room.
_LONGEST = 9000  # Keeps a sheet below the 89 million pixels that are read unasked.
_GROUND, _SHADE = (255, 255, 255), (235, 235, 235)


def table(
    contents: Iterable[Picture],
    styles: Iterable[Picture],
    results: Iterable[Picture],
    *,
    content_labels: Sequence[str],
    style_labels: Sequence[str],
) -> Image.Image:
    """Photos down, paintings across, each result where the two cross.

    Every picture is scaled to its cell, its aspect ratio kept, and centred. The
    iterables may be generators that read a picture when it is its turn: no more than
    one is needed at a time. Cells shrink where there are very many.

    Args:
      contents: the photos, `[h, w, 3]` in [0, 1]; None: an empty cell with a dash.
      styles: the paintings, likewise.
      results: those of the first photo, painting by painting, then of the second...
      content_labels: one text a photo, without accents (the font has none), cut with
        "…" where it is too wide.
      style_labels: one text a painting.

    Returns:
      Of 8 bits a channel. As floats the largest would be a gigabyte, and another for
      each copy.

    Raises:
      ValueError: no labels, not one picture a label, or too many for one sheet.
    """
    rows, columns = len(content_labels), len(style_labels)
    if not rows or not columns:
        raise ValueError(
            f"labels: {counted(rows, 'photo')}, {counted(columns, 'painting')}; give "
            "one each"
        )
    cell, gap, letters = _sizes(rows, columns)
    photos = _scaled(_exactly("contents", contents, rows), cell)
    paintings = _scaled(_exactly("styles", styles, columns), cell)
    # Only as large as the pictures need: a row of wide photos is low.
    width, _ = cells.largest([*photos, *paintings], cell)
    _, high = cells.largest(paintings, cell)
    heights = [cells.largest([photo], cell)[1] for photo in photos]
    strip = cells.strip(1, letters)
    # The originals have their gap on both sides, hence the third.
    left, top = width + 3 * gap, high + strip + 3 * gap
    head = Cells((left, gap), width, [high], gap, strip)
    side = Cells((gap, top), width, heights, gap, strip)
    body = Cells((left, top), width, heights, gap, strip)
    sheet = Image.new("RGB", body.end(columns), _GROUND)
    sheet.paste(_SHADE, (0, 0, sheet.width, top - gap))
    sheet.paste(_SHADE, (0, 0, left - gap, sheet.height))
    for place, label in enumerate(style_labels):
        head.put(sheet, paintings[place], 0, place)
        head.name(sheet, [cells.cut(label, width, letters)], 0, place, letters)
    for place, label in enumerate(content_labels):
        side.put(sheet, photos[place], place, 0)
        side.name(sheet, [cells.cut(label, width, letters)], place, 0, letters)
    for place, picture in enumerate(_exactly("results", results, rows * columns)):
        body.put(sheet, picture, *divmod(place, columns))
    return sheet


def _sizes(rows: int, columns: int) -> tuple[int, int, int]:
    # -> cell, gap, letters: as wanted, or what keeps both sides below `_LONGEST`
    height = (rows + 1) * (_CELL + _GAP + cells.strip(1, _LETTERS)) + 2 * _GAP
    width = (columns + 1) * (_CELL + _GAP) + 2 * _GAP
    scale = _LONGEST / max(height, width)
    if scale >= 1:
        return _CELL, _GAP, _LETTERS
    gap, letters = max(2, int(scale * _GAP)), max(9, int(scale * _LETTERS))
    high = (_LONGEST - 2 * gap) // (rows + 1) - gap - cells.strip(1, letters)
    wide = (_LONGEST - 2 * gap) // (columns + 1) - gap
    if min(high, wide) < 8:
        photos, paintings = counted(rows, "photo"), counted(columns, "painting")
        message = f"{photos} x {paintings}; too many for {_LONGEST}"
        raise ValueError(f"labels: {message} pixels a side, make several sheets")
    return min(_CELL, high, wide), gap, letters


def _scaled(pictures: Iterable[Picture], longest: int) -> list[Picture]:
    return [
        None if picture is None else resize.resize_longest(picture, longest)
        for picture in pictures
    ]


def _exactly(name: str, pictures: Iterable[Picture], count: int) -> Iterator[Picture]:
    found = 0
    for found, picture in enumerate(pictures, start=1):
        if found > count:
            break
        yield picture
    if found != count:
        only = f"only {counted(found, 'picture')}"
        problem = "more pictures" if found > count else only
        raise ValueError(f"{name}: {problem} for {counted(count, 'cell')}")
