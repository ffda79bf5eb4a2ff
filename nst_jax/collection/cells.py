"""Grids of pictures with names: what contact sheets and plates are made of.

The letters are those of Pillow's own font, which has no accented ones: without their
accents it has most.
"""

import dataclasses
import functools
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from nst_jax.images import encode, resize

Picture = np.ndarray | None
"""`[h, w, 3]` in [0, 1]; None for one that is missing: its cell has a dash."""

Colour = tuple[int, int, int]

INK: Colour = (30, 28, 25)
SOFT: Colour = (107, 103, 95)
_DASH: Colour = (153, 153, 153)


@dataclasses.dataclass(frozen=True)
class Cells:
    """Cells in rows of several heights, and a strip for a name below each.

    Attributes:
      corner: left and top of the first cell, in pixels of the sheet.
      width: of all cells.
      heights: of the rows, without their strips.
      gap: after each column, and after each row's strip.
      strip: height of a name.
    """

    corner: tuple[int, int]
    width: int
    heights: Sequence[int]
    gap: int
    strip: int

    def place(self, row: int, column: int) -> tuple[int, int]:
        """Left and top of a cell; one past the last is where the sheet goes on."""
        left, top = self.corner
        above = sum(self.heights[:row]) + row * (self.strip + self.gap)
        return left + column * (self.width + self.gap), top + above

    def end(self, columns: int) -> tuple[int, int]:
        """Where the gaps after the last column and the last row end."""
        return self.place(len(self.heights), columns)

    def put(self, sheet: Image.Image, picture: Picture, row: int, column: int) -> None:
        """Scales a picture to its cell, its aspect ratio kept, and centres it."""
        width, height = self.width, self.heights[row]
        if picture is None:
            size = max(1, width // 6), max(1, height // 32)
            scaled = Image.new("RGB", size, _DASH)
        else:
            pixels = resize.resize(picture, _fitted(picture.shape, height, width))
            scaled = Image.fromarray(encode.quantize(pixels))
        left, top = self.place(row, column)
        left += (width - scaled.width) // 2
        sheet.paste(scaled, (left, top + (height - scaled.height) // 2))

    def name(
        self,
        sheet: Image.Image,
        lines: Sequence[str],
        row: int,
        column: int,
        size: int,
        ink: Colour = INK,
    ) -> None:
        """Writes lines at the bottom of a cell's strip, in letters of `size` pixels."""
        left, top = self.place(row, column)
        above = top + self.heights[row] + self.strip - strip(len(lines), size)
        write(sheet, lines, (left + self.width / 2, above), size, "m", ink)


def largest(pictures: Iterable[Picture], longest: int) -> tuple[int, int]:
    """Width and height that hold each picture with its longest side at `longest`."""
    shapes = (None if picture is None else picture.shape[:2] for picture in pictures)
    return holding(shapes, longest)


def holding(shapes: Iterable[tuple[int, ...] | None], longest: int) -> tuple[int, int]:
    """The same of pictures of which height and width are known; None: is missing."""
    sizes = [
        resize.fit(shape[0], shape[1], longest) for shape in shapes if shape is not None
    ] or [(longest, longest)]
    return max(width for _, width in sizes), max(height for height, _ in sizes)


def strip(lines: int, size: int) -> int:
    """Pixels that lines of letters of a size take."""
    return _pitch(size) * lines + 2


def cut(text: str, width: float, size: int) -> str:
    """A text as one line, cut with "…" where it is wider than `width`."""
    text = _plain(text)
    if length(text, size) <= width:
        return text
    while text and length(text + "…", size) > width:
        text = text[:-1]
    return text + "…"


def wrapped(text: str, width: float, size: int) -> list[str]:
    """A text as lines no wider than `width`, but for words that are."""
    lines = [""]
    for word in _plain(text).split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and length(longer, size) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def length(text: str, size: int) -> float:
    """Pixels from the first letter to the last."""
    return _font(size).getlength(_plain(text))


def write(
    sheet: Image.Image,
    lines: Sequence[str],
    place: tuple[float, float],
    size: int,
    side: str,
    ink: Colour = INK,
) -> None:
    """Writes lines below `place`, which is their left (l), right (r) or middle (m)."""
    pen, (x, top) = ImageDraw.Draw(sheet), place
    for number, line in enumerate(lines):
        middle = x, top + 1 + _pitch(size) * (number + 0.5)
        pen.text(middle, _plain(line), fill=ink, font=_font(size), anchor=f"{side}m")


def _fitted(shape: tuple[int, ...], height: int, width: int) -> tuple[int, int]:
    # The largest size of this aspect ratio in height x width, rounded to nearest.
    high, wide = resize.fit(shape[0], shape[1], max(height, width))
    if high <= height and wide <= width:
        return high, wide
    scale = min(height / shape[0], width / shape[1])
    return max(1, round(scale * shape[0])), max(1, round(scale * shape[1]))


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", " ".join(text.split()))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _pitch(size: int) -> int:
    return round(1.35 * size)


@functools.cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)
