"""Sheets on which two systems' pictures are compared blind.

Photo and painting above, A and B below. Each comparison is there twice, its sides
swapped; names say nothing, and who is who is in a key that is kept elsewhere. Two
comparisons tell whether a rater looks: one of a picture with itself, one with noise.
"""

import dataclasses
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from nst_jax.errors import ImageError, OptionsError
from nst_jax.images import encode, files, outputs, resize

QUESTIONS: Mapping[str, str] = {
    "style": "Which looks more as if the painting's painter had painted it?",
    "content": "Which shows more of what is in the photo?",
    "flaws": "Which has fewer flaws: noise, seams, frames, smears, false colours?",
    "hang": "Which would you hang?",
}
ANSWERS = ("A", "B", "=")

COMPARED, SAME, NOISY = "compared", "same", "noisy"
"""Kinds of comparisons: of two systems, of a picture with itself, and with noise."""

_NOISE = 0.08  # Standard deviation, of a range of 1: to be seen at a glance.
_GAP, _LETTERS = 12, 20


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Two pictures of a pair.

    Attributes:
      pair: its name.
      kind: `COMPARED`, `SAME` or `NOISY`.
      photo: `[h, w, 3]` in [0, 1].
      painting: `[h', w', 3]`.
      first: `[h, w, 3]`; of `NOISY` the clean one.
      second: `[h, w, 3]`.
    """

    pair: str
    kind: str
    photo: np.ndarray
    painting: np.ndarray
    first: np.ndarray
    second: np.ndarray


def with_catches(
    comparisons: Sequence[Comparison], rng: np.random.Generator
) -> list[Comparison]:
    """The comparisons, and one of each kind that tells whether a rater looks.

    Raises:
      OptionsError: there are none.
    """
    if not comparisons:
        raise OptionsError("no pair has a picture by both systems: paint them first")
    same, noisy = (
        comparisons[n] for n in rng.choice(len(comparisons), 2, replace=True)
    )
    noise = rng.normal(0, _NOISE, noisy.first.shape)
    spoilt = np.clip(noisy.first + noise, 0, 1).astype(np.float32)
    return [
        *comparisons,
        dataclasses.replace(same, kind=SAME, second=same.first),
        dataclasses.replace(noisy, kind=NOISY, second=spoilt),
    ]


def write(
    comparisons: Sequence[Comparison],
    folder: Path,
    key: Path,
    *,
    systems: tuple[str, str],
    secret: Callable[[], str] = lambda: secrets.token_hex(16),
) -> int:
    """Writes the sheets, the questions, a table for the answers, and the key.

    Args:
      comparisons: of both systems; catches are added.
      folder: of the sheets; nothing may lie there.
      key: file that says who is who; not in `folder`.
      systems: the first's name and the second's.
      secret: gives what names, order and sides follow from.

    Returns:
      How many sheets there are.

    Raises:
      ImageError: a folder that isn't empty, or a key that is there or lies in it.
      OptionsError: nothing to compare.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ImageError(f"{folder}: isn't empty; name another folder for the sheets")
    if folder.resolve() in key.resolve().parents or key.exists():
        raise ImageError(f"{key}: keep the key elsewhere, by a name that is free")
    drawn = secret()
    rng = np.random.default_rng(list(drawn.encode()))
    every = with_catches(comparisons, rng)
    told: dict[str, dict[str, Any]] = {}
    folder.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(every):
        swapped = bool(rng.integers(2))
        for turn in (swapped, not swapped):
            name = _name(drawn, number, turn)
            below = (one.second, one.first) if turn else (one.first, one.second)
            sheet = compose(one.photo, one.painting, *below)
            content = encode.encode(sheet, "PNG", description=None)
            outputs.write_whole(folder / f"{name}.png", content)
            told[name] = {"pair": one.pair, "kind": one.kind, "swapped": turn}
    lines = [f"sheet,rater,{','.join(QUESTIONS)}", *(f"{n},,,,," for n in sorted(told))]
    _text(folder / "answers.csv", "\n".join(lines) + "\n")
    _text(folder / "questions.md", _questions())
    key.parent.mkdir(parents=True, exist_ok=True)
    held = {"systems": list(systems), "secret": drawn, "sheets": told}
    _text(key, json.dumps(held, indent=1) + "\n")
    return len(told)


def compose(
    photo: np.ndarray, painting: np.ndarray, left: np.ndarray, right: np.ndarray
) -> np.ndarray:
    """A sheet `[h, w, 3]` in [0, 1]: photo and painting above, A and B below."""
    height, width = left.shape[:2]
    top = max(1, 2 * height // 3)
    small = [
        resize.resize(image, _within(image.shape[:2], (top, width)))
        for image in (photo, painting)
    ]
    size = 2 * width + 3 * _GAP, top + height + 3 * _GAP + _LETTERS
    sheet = Image.new("RGB", size, (128, 128, 128))
    draw = ImageDraw.Draw(sheet)
    down = top + 2 * _GAP
    for column, (above, below) in enumerate(zip(small, (left, right), strict=True)):
        across = _GAP + column * (width + _GAP)
        sheet.paste(_pixels(above), (across + (width - above.shape[1]) // 2, _GAP))
        draw.text((across + width // 2, down), "AB"[column], fill=(255, 255, 255))
        sheet.paste(_pixels(below), (across, down + _LETTERS))
    return np.asarray(sheet, np.float32) / 255


def _within(shape: tuple[int, ...], room: tuple[int, int]) -> tuple[int, int]:
    share = min(room[0] / shape[0], room[1] / shape[1])
    return max(1, round(share * shape[0])), max(1, round(share * shape[1]))


def _pixels(image: np.ndarray) -> Image.Image:
    return Image.fromarray(encode.quantize(image))


def _name(secret: str, number: int, swapped: bool) -> str:
    text = f"{secret} {number} {swapped}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _questions() -> str:
    asked = "\n".join(f"- **{name}**: {text}" for name, text in QUESTIONS.items())
    return (
        "# Questions\n\nAbove: a photo and a painting. Below: A and B, the photo "
        "painted like the painting. Answer A, B or = for each sheet in answers.csv, "
        f"with your name as the rater.\n\n{asked}\n"
    )


def _text(path: Path, text: str) -> None:
    outputs.write_whole(path, text.encode())


def read(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """A picture to be compared, brought to a shape if it has another."""
    return resize.resize(files.read(path), shape)
