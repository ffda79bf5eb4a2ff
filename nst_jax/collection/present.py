"""What lies where pictures of a folder are to be: theirs, damaged, or another's."""

import os
import stat
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from nst_jax.collection import gallery, manifest
from nst_jax.collection.manifest import Entry
from nst_jax.collection.naming import GALLERY, MANIFEST
from nst_jax.errors import ImageError, OptionsError
from nst_jax.images import files, outputs
from nst_jax.images.outputs import Output
from nst_jax.images.source import Source


def seal(path: Path) -> dict[str, Any]:
    """What tells a written picture from what may lie there later; fields of `Entry`."""
    status = os.stat(path)
    return {
        "length": status.st_size,
        "modified": status.st_mtime_ns,
        "sha256": Source(os.fspath(path)).digest(),
    }


def is_intact(path: Path, entry: Entry) -> bool:
    """Whether a picture still is the one that an entry is about.

    One whose length and time are those of the entry is taken as it is, so that folders
    of thousands are looked at quickly; one of another time is read. Of entries that say
    neither, of earlier versions, any picture of the right size is.
    """
    try:
        status = os.stat(path)
    except OSError:
        return False
    if not stat.S_ISREG(status.st_mode):
        return False
    if entry.length is None:
        try:
            height, width = files.shape(path)
        except ImageError:
            return False
        return entry.size in (None, [width, height])
    if status.st_size != entry.length:
        return False
    if status.st_mtime_ns == entry.modified:
        return True
    return Source(os.fspath(path)).digest() == entry.sha256


def check_others(
    folder: Path,
    names: Collection[str],
    known: Mapping[str, Entry],
    overwrite: bool | None,
) -> None:
    """Raises if files about the pictures, such as the gallery, are somebody else's.

    Args:
      folder: of the pictures.
      names: of these files.
      known: what the folder's manifest says.
      overwrite: whether they may be replaced nevertheless.

    Raises:
      OptionsError, ImageError: they are, or are no files that can be written.
    """
    for name in names:
        outputs.check_place(folder / name)
    if not manifest.is_ours(folder / MANIFEST):
        raise OptionsError(
            f"{folder / MANIFEST}: is no manifest of pictures; choose another folder"
        )
    if not (known or overwrite):  # Earlier ones would have replaced them.
        about = (name for name in names if name != MANIFEST)
        outputs.replaced((Output(folder / name, _made) for name in about), None)


def replaced(
    folder: Path,
    names: Iterable[str],
    known: Mapping[str, Entry],
    overwrite: bool | None,
) -> list[Path]:
    """The pictures of a folder that are to be replaced; see `outputs.replaced`.

    One that the manifest knows is no loss if it is as it was written, or so damaged
    that it can't be read any more.

    Raises:
      ImageError: one must not be.
    """

    def is_ours(path: Path) -> bool:
        entry = known.get(path.relative_to(folder).as_posix())
        if entry and (is_intact(path, entry) or not _is_readable(path)):
            return True
        return files.is_ours(path)

    return outputs.replaced(
        (Output(folder / name, is_ours) for name in names), overwrite
    )


def _made(path: Path) -> bool:
    return gallery.is_ours(path) if path.name == GALLERY else files.is_ours(path)


def _is_readable(path: Path) -> bool:
    try:
        files.read(path)
    except ImageError:
        return False
    return True
