"""Contact sheets: several images on one, to be looked at together."""

import dataclasses
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from nst_jax.images import resize


def grid(
    images: Sequence[np.ndarray],
    columns: int,
    *,
    labels: Sequence[str] | None = None,
    gap: int = 8,
    background: float = 1.0,
    label_size: int = 16,
) -> np.ndarray:
    """Images in rows, left to right and top to bottom, each centred in its cell.

    All cells are as large as the largest image needs. Nothing is resized.

    Args:
      images: at least one `[h, w, 3]` in [0, 1]; the sizes may differ.
      columns: images in a row; the last row may be shorter.
      labels: one text an image, drawn below it without accents (the font has none),
        cut with "…" where it is too wide.
      gap: pixels between the cells and around them.
      background: grey of gaps and empty cells, in [0, 1].
      label_size: height of the letters' line in pixels.

    Returns:
      `[h, w, 3]` float32 in [0, 1].

    Raises:
      ValueError: no images, less than 1 column, or not one label an image.
    """
    if not images:
        raise ValueError("images: is empty; give at least one")
    if columns < 1:
        raise ValueError(f"columns: {columns}; must be 1 or more")
    if labels is not None and len(labels) != len(images):
        raise ValueError(f"labels: {len(labels)} for {len(images)} images")
    height = max(image.shape[0] for image in images)
    width = max(image.shape[1] for image in images)
    strips = [_label(text, width, label_size, background) for text in labels or ()]
    pitch = height + gap + (strips[0].shape[0] if strips else 0)
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    shape = (gap + rows * pitch, gap + columns * (width + gap), 3)
    sheet = np.full(shape, background, np.float32)
    for index, image in enumerate(images):
        top = gap + index // columns * pitch
        left = gap + index % columns * (width + gap)
        _paste(sheet, image, top, left, height, width)
        if strips:
            strip = strips[index]
            below = top + height
            sheet[below : below + strip.shape[0], left : left + width] = strip
    return sheet


def table(
    contents: Iterable[np.ndarray | None],
    styles: Iterable[np.ndarray | None],
    results: Iterable[np.ndarray | None],
    *,
    content_labels: Sequence[str],
    style_labels: Sequence[str],
    cell: int = 256,
    gap: int = 8,
    background: float = 1.0,
    label_size: int = 16,
    longest: int = 9000,
) -> np.ndarray:
    """Photos down, paintings across, each result where the two cross.

    Every picture is scaled to its cell, its aspect ratio kept, and centred. The
    iterables may be generators that read a picture when it is its turn: no more than
    one is needed at a time.

    Args:
      contents: the photos, `[h, w, 3]` in [0, 1]; None: an empty cell with a dash.
      styles: the paintings, likewise.
      results: those of the first photo, painting by painting, then of the second...
      content_labels: one text a photo; as for `grid`.
      style_labels: one text a painting.
      cell: longest side of a picture in pixels.
      gap: pixels between the cells and around them.
      background: grey of the sheet, in [0, 1].
      label_size: height of the letters' line in pixels.
      longest: bound of the sheet's sides, kept by smaller cells. The default keeps it
        below the 89 million pixels that are read without objection.

    Returns:
      `[h, w, 3]` float32 in [0, 1].

    Raises:
      ValueError: no labels, not one picture a label, or too many for `longest`.
    """
    rows, columns = len(content_labels), len(style_labels)
    if not rows or not columns:
        raise ValueError(f"labels: {rows} photos, {columns} paintings; give one each")
    sizes = _sizes((rows, columns), (cell, gap, label_size), longest)
    photos = _scaled(_exactly("contents", contents, rows), sizes[0])
    paintings = _scaled(_exactly("styles", styles, columns), sizes[0])
    layout = _layout(photos, paintings, *sizes)
    sheet = layout.empty(columns, background)
    for column, (picture, label) in enumerate(
        zip(paintings, style_labels, strict=True)
    ):
        layout.head(sheet, picture, label, 0, column + 1)
    for row, (picture, label) in enumerate(zip(photos, content_labels, strict=True)):
        layout.head(sheet, picture, label, row + 1, 0)
    for index, picture in enumerate(_exactly("results", results, rows * columns)):
        layout.put(sheet, picture, 1 + index // columns, 1 + index % columns)
    return sheet


@dataclasses.dataclass(frozen=True)
class _Layout:
    """Where the cells of a table are; row 0 and column 0 hold the originals."""

    heights: tuple[int, ...]
    width: int
    gap: int
    label_size: int

    @property
    def strip(self) -> int:
        return round(1.5 * self.label_size)

    def corner(self, row: int, column: int) -> tuple[int, int]:
        # The originals have their gap on both sides, hence the one more after them.
        above = sum(self.heights[:row]) + row * (self.strip + self.gap)
        left = column * (self.width + self.gap)
        more_above, more_left = self.gap * (row > 0), self.gap * (column > 0)
        return self.gap + above + more_above, self.gap + left + more_left

    def empty(self, columns: int, background: float) -> np.ndarray:
        """The sheet, originals on a slightly different grey, like a table's head."""
        shape = self.corner(len(self.heights), columns + 1)
        sheet = np.full((*shape, 3), background, np.float32)
        top, left = self.corner(1, 1)
        shade = background + (-0.08 if background > 0.5 else 0.08)
        sheet[: top - self.gap] = shade
        sheet[:, : left - self.gap] = shade
        return sheet

    def head(
        self,
        sheet: np.ndarray,
        picture: np.ndarray | None,
        label: str,
        row: int,
        column: int,
    ) -> None:
        self.put(sheet, picture, row, column)
        top, left = self.corner(row, column)
        below = top + self.heights[row]
        grey = float(sheet[below, left, 0])
        strip = _label(label, self.width, self.label_size, grey)
        sheet[below : below + self.strip, left : left + self.width] = strip

    def put(
        self, sheet: np.ndarray, picture: np.ndarray | None, row: int, column: int
    ) -> None:
        top, left = self.corner(row, column)
        height, width = self.heights[row], self.width
        if picture is not None:
            scaled = resize.resize(picture, _fitted(picture.shape, height, width))
        else:
            size = max(1, height // 32), max(1, width // 6)
            scaled = np.full((*size, 3), 0.6, np.float32)
        _paste(sheet, scaled, top, left, height, width)


def _layout(
    photos: Sequence[np.ndarray | None],
    paintings: Sequence[np.ndarray | None],
    cell: int,
    gap: int,
    label_size: int,
) -> _Layout:
    def longest(pictures: Sequence[np.ndarray | None], axis: int) -> int:
        sides = [picture.shape[axis] for picture in pictures if picture is not None]
        return max(sides, default=cell)

    # Only as large as the pictures need: a row of wide photos is low.
    heights = (longest(paintings, 0), *(longest([photo], 0) for photo in photos))
    return _Layout(heights, longest([*photos, *paintings], 1), gap, label_size)


def _sizes(
    counts: tuple[int, int], wanted: tuple[int, int, int], longest: int
) -> tuple[int, int, int]:
    # -> cell, gap, label_size: as wanted, or what keeps both sides below `longest`
    cell, gap, label_size = wanted
    height = (counts[0] + 1) * (cell + gap + round(1.5 * label_size)) + 2 * gap
    width = (counts[1] + 1) * (cell + gap) + 2 * gap
    scale = longest / max(height, width)
    if scale >= 1:
        return wanted
    gap = max(min(gap, 2), int(scale * gap))
    label_size = max(min(label_size, 9), int(scale * label_size))
    strip = round(1.5 * label_size)
    high = (longest - 2 * gap) // (counts[0] + 1) - gap - strip
    wide = (longest - 2 * gap) // (counts[1] + 1) - gap
    if min(high, wide) < 8:
        message = f"{counts[0]} photos x {counts[1]} paintings; too many for {longest}"
        raise ValueError(f"labels: {message} pixels a side, make several sheets")
    return min(cell, high, wide), gap, label_size


def _scaled(
    pictures: Iterable[np.ndarray | None], longest: int
) -> list[np.ndarray | None]:
    return [
        None if picture is None else resize.resize_longest(picture, longest)
        for picture in pictures
    ]


def _fitted(shape: tuple[int, ...], height: int, width: int) -> tuple[int, int]:
    # The largest size of this aspect ratio in height x width, rounded to nearest.
    scale = min(height / shape[0], width / shape[1])
    return max(1, round(scale * shape[0])), max(1, round(scale * shape[1]))


def _exactly(
    name: str, pictures: Iterable[np.ndarray | None], count: int
) -> Iterator[np.ndarray | None]:
    found = 0
    for found, picture in enumerate(pictures, start=1):
        if found > count:
            break
        yield picture
    if found != count:
        problem = "more" if found > count else f"only {found}"
        raise ValueError(f"{name}: {problem} pictures for {count} cells")


def _paste(
    sheet: np.ndarray, image: np.ndarray, top: int, left: int, height: int, width: int
) -> None:
    # Into the middle of the cell of `height` x `width` at (top, left), in place.
    h, w = image.shape[:2]
    top, left = top + (height - h) // 2, left + (width - w) // 2
    sheet[top : top + h, left : left + w] = image


def _label(text: str, width: int, size: int, background: float) -> np.ndarray:
    # -> [lines of `size`, width, 3]: centred, black or white, whichever can be read
    font = ImageFont.load_default(size=size)
    # Pillow's own font has no accented letters; without their accents it has most.
    plain = unicodedata.normalize("NFKD", " ".join(text.split()))
    text = "".join(letter for letter in plain if not unicodedata.combining(letter))
    if font.getlength(text) > width:
        while text and font.getlength(text + "…") > width:
            text = text[:-1]
        text += "…"
    strip = Image.new("L", (width, round(1.5 * size)))
    middle = (width / 2, strip.height / 2)
    ImageDraw.Draw(strip).text(middle, text, fill=255, font=font, anchor="mm")
    ink = 0.0 if background > 0.5 else 1.0
    coverage = np.asarray(strip, np.float32)[..., None] / 255
    return np.repeat(background + (ink - background) * coverage, 3, axis=-1)
