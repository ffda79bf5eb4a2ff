"""Files that appear whole or not at all, and the hashes that tell them apart."""

import contextlib
import errno
import fcntl
import functools
import glob
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from weights_convert.errors import WeightsError, WriteError

_SHORTEST_DIGEST = 8  # of torchvision's file names
_POLL = 0.1  # seconds between two looks at a lock
_MAKE_ROOM = "free some space, or set NST_JAX_HOME to a folder on another disk"


def at_home(text: str) -> Path:
    """A path in which `~` is the home, unless a file really has that name."""
    path = Path(text)
    return path if os.path.lexists(path) else Path(os.path.expanduser(text))


def make_private(folder: Path) -> None:
    """Makes a folder, and those above it, where they are missing: for this user alone.

    Raises:
      OSError: it can't be made.
    """
    for missing in reversed((folder, *folder.parents)):
        if not missing.exists():
            missing.mkdir(mode=0o700, exist_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file that appears whole or not at all; its folder is made, private.

    What writers of this file left that were killed is cleared.

    Raises:
      WriteError: it cannot be written.
    """
    part = None
    try:
        make_private(path.parent)
        clear_parts(path)
        with _new_part(path) as file:
            part = Path(file.name)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            part.replace(path)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        if part is not None:
            with contextlib.suppress(OSError):
                part.unlink()


def _new_part(path: Path) -> BinaryIO:
    """A file to write `path` in, locked as long as it is open: `clear_parts` asks."""
    while True:
        part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
        file = part.open("xb")
        with contextlib.suppress(OSError):  # where the system has no locks
            _lock(file)
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()  # cleared before it was locked


def clear_parts(path: Path) -> None:
    """Deletes the parts of `path` that `write_whole` left when it was killed."""
    pattern = f"{glob.escape(path.name)}.{'[0-9a-f]' * 8}.part"
    for part in path.parent.glob(pattern):
        with contextlib.suppress(OSError), part.open("ab") as file:
            if _lock(file):  # nobody writes it
                part.unlink()


@contextlib.contextmanager
def alone(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Holds the lock `path` for this process; a dead process holds none.

    Args:
      path: the lock's file, made and in the end deleted.
      waiting: called once where another process holds it; then it is waited for.

    Raises:
      WriteError: the file cannot be made.
    """
    try:
        make_private(path.parent)
        file = path.open("ab")
        while not _holds(file, path):
            file.close()
            waiting()
            waiting = _silent
            time.sleep(_POLL)  # not a system call that waits: Ctrl-C ends it
            file = path.open("ab")
    except OSError as error:
        raise write_error(path, error) from error
    with file:
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                path.unlink()


def _holds(file: BinaryIO, path: Path) -> bool:
    """Whether `file` is locked now and still the one at `path`: owners delete it."""
    try:
        if not _lock(file):
            return False
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
    except OSError:  # a file system without locks
        return True


def _lock(file: BinaryIO) -> bool:
    """Whether no other process has the file locked; then it is ours until closed."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _silent() -> None:
    """What is said from the second time on."""


@contextlib.contextmanager
def open_part(part: Path) -> Iterator[BinaryIO]:
    """A part of a file, open at its end; deleted if left empty."""
    with part.open("ab") as file:
        try:
            yield file
        finally:
            with contextlib.suppress(OSError):  # a full disk
                file.flush()
            if os.fstat(file.fileno()).st_size == 0:
                part.unlink(missing_ok=True)


def expect_room(path: Path, size: int) -> None:
    """Looks whether the disk of `path` has room for `size` bytes more.

    Raises:
      WriteError: it has not.
    """
    free = shutil.disk_usage(path.parent).free
    if free < size:
        raise WriteError(
            f"{path}: the disk has {free} bytes free and {size} are needed;"
            f" {_MAKE_ROOM}"
        )


def write_error(path: Path, error: OSError) -> WriteError:
    """One clear line for a file that could not be written."""
    if isinstance(error.__cause__, OSError):  # pooch wraps what the system said
        error = error.__cause__
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return WriteError(f"{path}: the disk is full; {_MAKE_ROOM}")
    return WriteError(
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
