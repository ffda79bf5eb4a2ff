"""Plates: a figure in one picture, with title, notes, originals and labelled grid."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from nst_jax.collection import cells
from nst_jax.collection.cells import Cells, Picture

_MARGIN, _GAP = 20, 10
_SMALLEST = 192  # Longest side of a cell: smaller pictures are magnified to it.
_ORIGINAL, _NAME = 128, 96  # Longest side of an original; room for its name.
_TITLE, _LABEL, _NOTE = 24, 15, 13
_ROW_LABELS = 150
_NARROWEST = 560  # Of the title and the notes.
_GROUND = (255, 255, 255)


@dataclasses.dataclass(frozen=True)
class Grid:
    """The pictures of a plate, `[h, w, 3]` in [0, 1] each, and their labels.

    Attributes:
      rows: labels from top to bottom.
      columns: labels from left to right.
      axes: what rows and columns are.
      pictures: by row and column; None for one that is missing.
      captions: by row and column, a line each.
      heads: pictures above the columns, by the columns' labels.
    """

    rows: Sequence[str]
    columns: Sequence[str]
    axes: tuple[str, str]
    pictures: Mapping[tuple[str, str], Picture]
    captions: Mapping[tuple[str, str], str]
    heads: Mapping[str, Picture]


def draw(
    title: str, notes: Sequence[str], originals: Mapping[str, Picture], grid: Grid
) -> np.ndarray:
    """The plate, `[h, w, 3]` float32 in [0, 1]; small pictures are magnified.

    Args:
      title: in large letters.
      notes: lines of text below it, wrapped.
      originals: pictures beside the title, by label.
      grid: the pictures.
    """
    below = _labelled(grid)
    above = _heading(title, notes, originals, below.width)
    top = _MARGIN + above.height + 2 * _GAP
    size = above.width + 2 * _MARGIN, top + below.height + _MARGIN
    plate = Image.new("RGB", size, _GROUND)
    plate.paste(above, (_MARGIN, _MARGIN))
    plate.paste(below, ((plate.width - below.width) // 2, top))
    return np.asarray(plate, np.float32) / 255


def _heading(
    title: str, notes: Sequence[str], originals: Mapping[str, Picture], narrowest: int
) -> Image.Image:
    # The originals, and to their right the text.
    left, bottom, places = 0, 0, []
    for picture in originals.values():
        width, height = cells.largest([picture], _ORIGINAL)
        width = max(width, _NAME)
        place = Cells((left, 0), width, [height], _GAP, cells.strip(1, _NOTE))
        left, bottom = place.end(1)[0], max(bottom, place.end(1)[1])
        places.append(place)
    left += _GAP * bool(places)
    room = max(narrowest - left, _NARROWEST)
    titles = cells.wrapped(title, room, _TITLE)
    lines = [line for note in notes for line in cells.wrapped(note, room, _NOTE)]
    below = cells.strip(len(titles), _TITLE) + 6
    bottom = max(bottom, below + cells.strip(len(lines), _NOTE))
    image = Image.new("RGB", (left + room, bottom), _GROUND)
    for place, (label, picture) in zip(places, originals.items(), strict=True):
        place.put(image, picture, 0, 0)
        place.name(image, [cells.cut(label, place.width, _NOTE)], 0, 0, _NOTE)
    cells.write(image, titles, (left, 0), _TITLE, "l")
    cells.write(image, lines, (left, below), _NOTE, "l", cells.SOFT)
    return image


def _labelled(grid: Grid) -> Image.Image:
    # The grid, its rows' labels to the left and its columns' above.
    rows = [cells.wrapped(row, _ROW_LABELS, _LABEL) for row in grid.rows]
    axis = cells.wrapped(grid.axes[0], _ROW_LABELS, _NOTE)
    lines = [line for label in [*rows, axis] for line in label]
    left = round(max(cells.length(line, _LABEL) for line in lines)) + 2 * _GAP
    head, body = _cells(grid, left)
    _, top = body.corner
    right, bottom = body.end(len(grid.columns))
    image = Image.new("RGB", (right - _GAP, bottom - _GAP), _GROUND)
    middle, side = (left + image.width) / 2, left - 2 * _GAP
    cells.write(image, [grid.axes[1]], (middle, 0), _NOTE, "m", cells.SOFT)
    above = top - head.gap - cells.strip(len(axis), _NOTE)
    cells.write(image, axis, (side, above), _NOTE, "r", cells.SOFT)
    for place, column in enumerate(grid.columns):
        if column in grid.heads:
            head.put(image, grid.heads[column], 0, place)
        lines = cells.wrapped(column, head.width, _LABEL)
        head.name(image, lines, 0, place, _LABEL)
    for place, label in enumerate(rows):
        spare = body.heights[place] - cells.strip(len(label), _LABEL)
        beside = side, body.place(place, 0)[1] + spare / 2
        cells.write(image, label, beside, _LABEL, "r")
    for y, row in enumerate(grid.rows):
        for x, column in enumerate(grid.columns):
            body.put(image, grid.pictures.get((row, column)), y, x)
            caption = grid.captions.get((row, column), "")
            body.name(image, [caption], y, x, _NOTE, cells.SOFT)
    return image


def _cells(grid: Grid, left: int) -> tuple[Cells, Cells]:
    # Of the heads, with the columns' labels for names, and of the pictures below.
    given = [picture for picture in grid.pictures.values() if picture is not None]
    longest = max([_SMALLEST, *(max(picture.shape) for picture in given)])
    width, _ = cells.largest([*given, *grid.heads.values()], longest)
    high = cells.largest(grid.heads.values(), longest)[1] if grid.heads else 0
    heights = [
        cells.largest([grid.pictures.get((row, c)) for c in grid.columns], longest)[1]
        for row in grid.rows
    ]
    most = max(len(cells.wrapped(column, width, _LABEL)) for column in grid.columns)
    strip, top = cells.strip(most, _LABEL) + 4, cells.strip(1, _NOTE) + 4
    head = Cells((left, top), width, [high], _GAP, strip)
    strip = cells.strip(1, _NOTE) if grid.captions else 0
    return head, Cells((left, head.end(1)[1]), width, heights, _GAP, strip)
