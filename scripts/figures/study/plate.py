"""A figure in one picture: title, notes, originals, and the labelled grid."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from nst_jax.images import encode, resize

_MARGIN, _GAP = 20, 10
_SMALLEST = 192  # Longest side of a cell: smaller pictures are magnified to it.
_TITLE, _LABEL, _NOTE = 24, 15, 13
_LINE = 1.35
_ROW_LABELS = 150
_NARROWEST = 560
_INK, _SOFT, _GROUND = (30, 28, 25), (107, 103, 95), (255, 255, 255)

_Size = tuple[int, int]


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
    pictures: Mapping[tuple[str, str], np.ndarray | None]
    captions: Mapping[tuple[str, str], str]
    heads: Mapping[str, np.ndarray | None]


def draw(
    title: str,
    notes: Sequence[str],
    originals: Mapping[str, np.ndarray | None],
    grid: Grid,
) -> np.ndarray:
    """The plate, `[h, w, 3]` float32 in [0, 1]; small pictures are magnified.

    Args:
      title: in large letters.
      notes: lines of text below it, wrapped.
      originals: pictures beside the title, by label.
      grid: the pictures.
    """
    given = [picture for picture in grid.pictures.values() if picture is not None]
    cell = max([_SMALLEST, *(max(picture.shape) for picture in given)])
    scaled = {place: _fit(picture, cell) for place, picture in grid.pictures.items()}
    heads = {label: _fit(grid.heads.get(label), cell) for label in grid.columns}
    small = {label: _fit(picture, 128) for label, picture in originals.items()}
    known = [picture for picture in [*scaled.values(), *heads.values()] if picture]
    table = _Table(grid, scaled, heads, _largest(known, cell))
    beside = sum(p.width + _GAP for p in small.values() if p) + _GAP
    width = max(table.width + 2 * _MARGIN, _NARROWEST + beside)
    text = _Text(title, notes, width - 2 * _MARGIN - beside)
    below = max((p.height + 2 * _LABEL for p in small.values() if p), default=0)
    top = _MARGIN + max(text.height, below) + 2 * _GAP
    sheet = Image.new("RGB", (width, top + table.height + _MARGIN), _GROUND)
    left = _MARGIN
    for label, picture in small.items():
        if picture:
            sheet.paste(picture, (left, _MARGIN))
            middle = left + picture.width / 2
            _write(sheet, [label], (middle, _MARGIN + picture.height + 4), _NOTE, "ma")
            left += picture.width + _GAP
    text.put(sheet, (_MARGIN + beside if small else _MARGIN, _MARGIN))
    table.put(sheet, ((width - table.width) // 2, top))
    return np.asarray(sheet, np.float32) / 255


class _Text:
    """Title and notes, wrapped to a width."""

    def __init__(self, title: str, notes: Sequence[str], width: int):
        self._title = _wrapped(title, width, _TITLE)
        self._notes = [line for note in notes for line in _wrapped(note, width, _NOTE)]
        self.height = _height(self._title, _TITLE) + _height(self._notes, _NOTE) + 8

    def put(self, sheet: Image.Image, corner: _Size) -> None:
        left, top = corner
        _write(sheet, self._title, (left, top), _TITLE, "la")
        below = top + _height(self._title, _TITLE) + 8
        _write(sheet, self._notes, (left, below), _NOTE, "la", _SOFT)


class _Table:
    """The grid, its labels to the left and above."""

    def __init__(
        self,
        grid: Grid,
        pictures: Mapping[tuple[str, str], Image.Image | None],
        heads: Mapping[str, Image.Image | None],
        largest: _Size,
    ):
        self._grid, self._pictures, self._heads = grid, pictures, heads
        self._cell = largest
        self._labels = {row: _wrapped(row, _ROW_LABELS, _LABEL) for row in grid.rows}
        wide = max(
            _length(line, _LABEL)
            for lines in [*self._labels.values(), _wrapped(grid.axes[0], 150, _NOTE)]
            for line in lines
        )
        self._left = int(wide) + 2 * _GAP
        self._caption = round(_LINE * _NOTE) + 4 if grid.captions else 0
        columns = [_wrapped(label, largest[0], _LABEL) for label in grid.columns]
        self._names = dict(zip(grid.columns, columns, strict=True))
        head = max(p.height for p in heads.values() if p) if any(heads.values()) else 0
        names = max(_height(lines, _LABEL) for lines in columns)
        self._axis = round(_LINE * _NOTE) + 6
        self._head = head + (_GAP if head else 0)
        self._top = self._axis + self._head + names + 6
        self._heights = {
            row: max(
                (p.height for (r, _), p in pictures.items() if r == row and p),
                default=largest[1],
            )
            for row in grid.rows
        }

    @property
    def width(self) -> int:
        return self._left + len(self._grid.columns) * (self._cell[0] + _GAP) - _GAP

    @property
    def height(self) -> int:
        rows = sum(self._heights.values())
        return self._top + rows + len(self._heights) * (self._caption + _GAP) - _GAP

    def put(self, sheet: Image.Image, corner: _Size) -> None:
        left, top = corner
        rows, columns = self._grid.axes
        end = left + self._left - 2 * _GAP
        middle = left + (self._left + self.width) / 2
        _write(sheet, [columns], (middle, top), _NOTE, "ma", _SOFT)
        named = _wrapped(rows, _ROW_LABELS, _NOTE)
        above = top + self._top - 6 - _height(named, _NOTE)
        _write(sheet, named, (end, above), _NOTE, "ra", _SOFT)
        for index, column in enumerate(self._grid.columns):
            x = left + self._left + index * (self._cell[0] + _GAP)
            self._put_column(sheet, column, (x, top))
        y = top + self._top
        for row in self._grid.rows:
            lines, height = self._labels[row], self._heights[row]
            beside = y + (height - _height(lines, _LABEL)) / 2
            _write(sheet, lines, (end, beside), _LABEL, "ra")
            y += height + self._caption + _GAP

    def _put_column(self, sheet: Image.Image, column: str, corner: _Size) -> None:
        x, top = corner
        width, _ = self._cell
        middle = x + width / 2
        if head := self._heads[column]:
            place = x + (width - head.width) // 2, top + self._axis
            sheet.paste(head, place)
        lines = self._names[column]
        above = top + self._top - 6 - _height(lines, _LABEL)
        _write(sheet, lines, (middle, above), _LABEL, "ma")
        y = top + self._top
        for row in self._grid.rows:
            height = self._heights[row]
            picture = self._pictures.get((row, column))
            if picture:
                across, down = (width - picture.width) // 2, height - picture.height
                sheet.paste(picture, (x + across, y + down // 2))
            else:
                _write(sheet, ["-"], (middle, y + height / 2), _LABEL, "ma", _SOFT)
            caption = self._grid.captions.get((row, column), "")
            _write(sheet, [caption], (middle, y + height + 3), _NOTE, "ma", _SOFT)
            y += height + self._caption + _GAP


def _fit(picture: np.ndarray | None, longest: int) -> Image.Image | None:
    if picture is None:
        return None
    if max(picture.shape[:2]) != longest:
        picture = resize.resize_longest(picture, longest)
    return Image.fromarray(encode.quantize(np.clip(picture, 0, 1)))


def _largest(pictures: Sequence[Image.Image], default: int) -> _Size:
    width = max((picture.width for picture in pictures), default=default)
    return width, max((picture.height for picture in pictures), default=default)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)


def _length(text: str, size: int) -> float:
    return _font(size).getlength(text)


def _height(lines: Sequence[str], size: int) -> int:
    return round(_LINE * size) * len(lines)


def _wrapped(text: str, width: float, size: int) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and _length(longer, size) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _write(
    sheet: Image.Image,
    lines: Sequence[str],
    place: tuple[float, float],
    size: int,
    anchor: str,
    ink: tuple[int, int, int] = _INK,
) -> None:
    pen = ImageDraw.Draw(sheet)
    for number, line in enumerate(lines):
        below = place[0], place[1] + number * round(_LINE * size)
        pen.text(below, line, fill=ink, font=_font(size), anchor=anchor)
