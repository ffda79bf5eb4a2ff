"""The contact sheet of a folder: photos down, paintings across."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nst_jax.collection import naming, sheet
from nst_jax.collection.wanted import Wanted, varied_text
from nst_jax.errors import ImageError
from nst_jax.images import files

_READ = 1024
"""Longest side of pictures that are read for the sheet, whose cells are smaller."""


def write(folder: Path, wanted: Sequence[Wanted]) -> None:
    """Writes the sheet of these pictures; missing ones are left empty.

    Raises:
      ValueError: too many for one sheet.
      ImageError: the sheet can't be written.
    """
    contents = list(dict.fromkeys(one.job.content.key for one in wanted))
    columns = list(dict.fromkeys(_column(one) for one in wanted))
    names = {(one.job.content.key, _column(one)): one.name for one in wanted}
    styles = list(dict.fromkeys(style for style, _ in columns))
    labels = dict(zip(styles, naming.labels(styles), strict=True))
    cells = [(content, column) for content in contents for column in columns]
    picture = sheet.table(
        map(_read, contents),
        (_read(style) for style, _ in columns),
        (_read(folder / names[cell]) if cell in names else None for cell in cells),
        content_labels=naming.labels(contents),
        style_labels=[labels[style] + varied for style, varied in columns],
    )
    files.write(folder / naming.SHEET, picture)


def _column(one: Wanted) -> tuple[str, str]:
    return one.job.styles[0].key, varied_text(one.varied, " ")


def _read(path: str | Path) -> np.ndarray | None:
    try:
        return files.read_small(path, _READ)
    except ImageError:
        return None
