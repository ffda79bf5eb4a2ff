"""Shows a study: a plate of all pictures, and a page with each in full."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from nst_jax.errors import ImageError

from nst_jax.collection import gallery
from nst_jax.collection.manifest import Entry
from nst_jax.images import files
from study import plate
from study.plan import PLATE, Study


def publish(
    study: Study,
    entries: Sequence[Entry],
    folder: Path,
    *,
    about: Sequence[str],
    command: str,
    figures: Sequence[str] = (),
) -> list[Path]:
    """Writes the plate and the page, and says where they are.

    Args:
      study: that the pictures are of.
      entries: what is known about each picture that was begun.
      folder: of the pictures.
      about: paragraphs on the study's source and on what to expect.
      command: that was given.
      figures: other pictures of the whole, in the folder, to be shown on the page.

    Returns:
      The files written.

    Raises:
      ImageError, OSError: a file can't be written.
    """
    pictures = {_place(study, entry): _read(folder / entry.output) for entry in entries}
    captions = {}
    if study.caption:
        captions = {
            place: study.caption(entry, picture)
            for entry, (place, picture) in zip(entries, pictures.items(), strict=True)
            if picture is not None
        }
    grid = plate.Grid(
        rows=study.row_labels,
        columns=study.column_labels,
        axes=(study.rows, study.columns),
        pictures=pictures,
        captions=captions,
        heads=_read_all(study.heads),
    )
    sheet = plate.draw(study.title, study.remarks, _read_all(study.originals), grid)
    files.write(folder / PLATE, sheet)
    gallery.write(
        folder / folder.GALLERY,
        study.title,
        entries,
        folder,
        about=gallery.About([*about, *study.remarks], command, [PLATE, *figures]),
    )
    return [folder / PLATE, folder / folder.GALLERY]


def _place(study: Study, entry: Entry) -> tuple[str, str]:
    return entry.varied[study.rows], entry.varied[study.columns]


def _read_all(paths: Mapping[str, str]) -> dict[str, np.ndarray | None]:
    return {label: _read(Path(path)) for label, path in paths.items()}


def _read(path: Path) -> np.ndarray | None:
    try:
        return files.read(path)
    except ImageError:
        return None
