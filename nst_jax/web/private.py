"""Folders and files for the user alone."""

import json
import os
from pathlib import Path
from typing import Any

from nst_jax.errors import OptionsError
from nst_jax.images import outputs

_OTHERS = 0o077
"""Bits of a mode that let others read, write or enter."""


def folder(path: Path) -> Path:
    """A folder that nobody else can look into, made if it isn't there.

    One that is there stays as it is: it may hold other things, for others.

    Raises:
      OptionsError: it can't be made, is somebody else's, or is open to others.
    """
    try:
        inner(path)
        status = path.stat()
    except OSError as error:
        raise _unusable(path, error) from error
    if status.st_uid != os.getuid():
        raise OptionsError(f"{path}: is another user's; give another folder")
    if status.st_mode & _OTHERS:
        raise OptionsError(
            f"{path}: is open to other users; give a new folder, which is made for you "
            "alone, or close this one (chmod 700)"
        )
    return path


def inner(path: Path) -> Path:
    """A folder within such a one, made if it isn't there.

    Raises:
      OptionsError: it can't be made.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(path, error) from error
    return path


def _unusable(path: Path, error: OSError) -> OptionsError:
    why = error.strerror or error
    return OptionsError(f"{path}: can't be used ({why}); give another folder")


def write(path: Path, content: bytes) -> None:
    """Writes a file of mode 0600, whole or not at all.

    Raises:
      OSError: it can't be written.
    """
    outputs.write_whole(path, content)
    path.chmod(0o600)


def write_json(path: Path, value: Any) -> None:
    """Writes what JSON can hold; numbers that are not finite are none of those.

    Raises:
      OSError: it can't be written.
    """
    write(path, json.dumps(value, allow_nan=False).encode())


def read_json(path: Path) -> Any:
    """What `write_json` wrote.

    Raises:
      OSError, ValueError, RecursionError: it can't be read, or is damaged.
    """
    return json.loads(path.read_bytes())
