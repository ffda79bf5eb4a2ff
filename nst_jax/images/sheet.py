"""Contact sheets: several images on one, to be looked at together."""

import unicodedata
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont


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
