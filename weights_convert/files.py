"""Files that appear whole or not at all, and the hashes that tell them apart."""

import contextlib
import errno
import fcntl
import functools
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from weights_convert.errors import WeightsError

_SHORTEST_DIGEST = 8  # of torchvision's file names
_MAKE_ROOM = "free some space, or set NST_JAX_HOME to a folder on another disk"


def at_home(text: str) -> Path:
    """A path in which `~` is the home, unless a file really has that name."""
    path = Path(text)
    return path if os.path.lexists(path) else Path(os.path.expanduser(text))


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file that appears whole or not at all; its folder is made.

    Raises:
      WeightsError: it cannot be written.
    """
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


@contextlib.contextmanager
def open_part(part: Path) -> Iterator[BinaryIO]:
    """A part of a file, open at its end for this process alone; deleted if left empty.

    Raises:
      WeightsError: another process has it open.
    """
    with part.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WeightsError(
                f"{part}: another process is downloading this file; wait for it"
            ) from None
        try:
            yield file
        finally:
            if os.fstat(file.fileno()).st_size == 0:
                part.unlink(missing_ok=True)


def expect_room(path: Path, size: int) -> None:
    """Looks whether the disk of `path` has room for `size` bytes more.

    Raises:
      WeightsError: it has not.
    """
    free = shutil.disk_usage(path.parent).free
    if free < size:
        raise WeightsError(
            f"{path}: the disk has {free} bytes free and {size} are needed;"
            f" {_MAKE_ROOM}"
        )


def write_error(path: Path, error: OSError) -> WeightsError:
    """One clear line for a file that could not be written."""
    if isinstance(error.__cause__, OSError):  # pooch wraps what the system said
        error = error.__cause__
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return WeightsError(f"{path}: the disk is full; {_MAKE_ROOM}")
    return WeightsError(
        f"{path}: cannot be written ({error.strerror or error}); set NST_JAX_HOME to a"
        " folder where you may write"
    )


def file_digest(path: Path, algorithm: str) -> str:
    """Hash of a file's bytes, in hex."""
    with path.open("rb") as file:
        # MD5 guards against damage here, so machines that forbid it may still use it.
        new = functools.partial(hashlib.new, algorithm, usedforsecurity=False)
        return hashlib.file_digest(file, new).hexdigest()


def verify_file(
    path: Path, algorithm: str, digest: str, *, delete: bool = False
) -> None:
    """Compares a file's hash with the expected one, or its first eight digits or more.

    Raises:
      WeightsError: they differ; the file is deleted before where `delete` is set.
    """
    found = file_digest(path, algorithm)
    if found.startswith(digest) and len(digest) >= _SHORTEST_DIGEST:
        return
    if delete:
        path.unlink()
    raise WeightsError(
        f"{path.name.removesuffix('.part')}: wrong hash: expected {algorithm} {digest},"
        f" got {found}; the file was {'deleted' if delete else 'left'}: try again, or"
        " look at what stands between you and the source"
    )
