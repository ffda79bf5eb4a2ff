"""Folders and files for the user alone."""

import json
import os
from pathlib import Path
from typing import Any

from nst_jax.errors import OptionsError
from nst_jax.images import outputs


def folder(path: Path) -> Path:
    """A folder that is there, and that nobody else can look into.

    Raises:
      OptionsError: it can't be made, or is somebody else's.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.stat().st_uid != os.getuid():
            raise OptionsError(f"{path}: is another user's; give another folder")
        path.chmod(0o700)
    except OSError as error:
        why = error.strerror or error
        raise OptionsError(
            f"{path}: can't be used ({why}); give another folder"
        ) from error
    return path


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
