"""Paintings that are blended, as one text: `monet.jpg+munch.jpg`."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nst_jax.collection import naming
from nst_jax.collection.kinds import AnyJob
from nst_jax.images import files, resize

AND = "+"
"""Between paintings that are blended."""


def joined(job: AnyJob) -> str:
    """The paintings of a job in one text."""
    return AND.join(style.key for style in job.styles)


def split(text: str, folder: Path = Path()) -> tuple[str, ...]:
    """The paintings that a text names: a file, or files with a `+` between them.

    A file whose own name, or whose folder's, has a `+` is one; `~` is the home in each.

    Args:
      text: as `joined` gives it, or as the user writes it.
      folder: that paths are relative to; they stay so.
    """
    found, path = [], ""
    if not os.path.exists(files.expanded(text, folder)) and not text.endswith(AND):
        for part in text.split(AND):
            path = f"{path}{AND}{part}" if path else part
            if os.path.isfile(files.expanded(path, folder)):
                found.append(path)
                path = ""
    return (*found, path) if path else tuple(found) or (text,)


def labels(blends: Sequence[Sequence[str]]) -> list[str]:
    """A short label for each, of those of its paintings; see `naming.labels`."""
    paths = [path for blend in blends for path in blend]
    of = dict(zip(paths, naming.labels(paths), strict=True))
    return [AND.join(of[path] for path in blend) for blend in blends]


def read(text: str, longest: int) -> np.ndarray:
    """The paintings of a text side by side, `[h, w, 3]`, sRGB in [0, 1].

    Args:
      text: as `joined` gives it.
      longest: no side is longer.

    Raises:
      ImageError: one that can't be read.
    """
    pictures = [files.read_small(path, longest) for path in split(text)]
    height = min(picture.shape[0] for picture in pictures)
    widths = [max(1, round(p.shape[1] * height / p.shape[0])) for p in pictures]
    whole = np.concatenate(
        [
            resize.resize(picture, (height, width))
            for picture, width in zip(pictures, widths, strict=True)
        ],
        axis=1,
    )
    small = max(whole.shape[:2]) <= longest
    return whole if small else resize.resize_longest(whole, longest)
