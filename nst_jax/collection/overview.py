"""The contact sheet of a folder: photos down, paintings across."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from nst_jax.collection import blends, naming, sheet, wall
from nst_jax.collection.naming import varied_text
from nst_jax.collection.wanted import Wanted
from nst_jax.errors import ImageError
from nst_jax.images import files
from nst_jax.images.frames import Shape

_READ = 1024
"""Longest side of pictures that are read for the sheet, whose cells are smaller."""
_WIDE = 12  # Styles beside each other; more without paintings are hung in rows.


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
    named = blends.labels([blends.split(style) for style in styles])
    labels = dict(zip(styles, named, strict=True))
    heads = [labels[style] + varied for style, varied in columns]
    about = {"contact sheet of": len(wanted)}
    of_photos_alone = all(set(one.job.sources) == {one.job.content} for one in wanted)
    if len(contents) == 1 and len(columns) > _WIDE and of_photos_alone:
        made = [str(folder / names[contents[0], column]) for column in columns]
        paths = [*contents, *made]
        labels_below = [*naming.labels(contents), *heads]
        hung = wall.wall(map(_read, paths), map(_shape, paths), labels_below)
        files.write_drawn(folder / naming.SHEET, hung, description=about)
        return
    cells = [(content, column) for content in contents for column in columns]
    picture = sheet.table(
        map(_read, contents),
        (_read(style, blends.read) for style, _ in columns),
        (_read(folder / names[cell]) if cell in names else None for cell in cells),
        content_labels=naming.labels(contents),
        style_labels=heads,
    )
    files.write_drawn(folder / naming.SHEET, picture, description=about)


def _column(one: Wanted) -> tuple[str, str]:
    return blends.joined(one.job), varied_text(one.varied, " ")


def _read(
    path: str | Path, read: Callable[[str, int], np.ndarray] = files.read_small
) -> np.ndarray | None:
    try:
        return read(str(path), _READ)
    except ImageError:
        return None


def _shape(path: str) -> Shape | None:
    try:
        return files.shape(path)
    except ImageError:
        return None
