"""Pictures that other machines made in folders of their own, taken into one folder."""

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from nst_jax.collection import manifest
from nst_jax.collection.manifest import Entry
from nst_jax.collection.naming import MANIFEST
from nst_jax.images import outputs

Made = tuple[Path, Entry]
"""A picture's file, and what a manifest says of it."""


def by_key(folders: Iterable[Path]) -> dict[str, Made]:
    """The finished pictures of folders, by what made them.

    What a manifest says lies elsewhere than in its folder is left out.

    Raises:
      OSError: a manifest that can't be read.
    """
    found = {}
    for folder in folders:
        for entry in manifest.read(folder / MANIFEST).values():
            path = folder / entry.output
            if entry.status == manifest.DONE and _is_within(path, folder):
                found[entry.key] = path, entry
    return found


def take(path: Path, target: Path) -> None:
    """Gives a picture one more name, in place of what has it; copies it if need be.

    Nothing is written into such a file again, as files are replaced whole.

    Raises:
      OSError: it can be neither linked nor copied.
    """
    # A leftover of this name is cleared by who writes there next.
    temporary = target.with_name(f".nst_jax-{secrets.token_hex(8)}.tmp")
    try:
        os.link(path, temporary)
    except OSError:  # Another file system, or one without links.
        outputs.write_whole(target, path.read_bytes())
        return
    os.replace(temporary, target)
    temporary.unlink(missing_ok=True)  # Two names of one file are both kept.


def _is_within(path: Path, folder: Path) -> bool:
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):  # No name of a file; links in a circle.
        return False
