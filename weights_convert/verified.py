"""Which files were found right before: a small record beside each.

A record holds for the file as it was: its size, times and inode stand in it, and a
seal over the whole line. One that is damaged, missing or of another file says nothing,
and the file is looked at anew.
"""

import contextlib
import hashlib
import time
from pathlib import Path

from weights_convert.errors import WriteError
from weights_convert.files import write_whole

_LONGEST = 1000
# A change within the clock's grain of the last one may leave the times as they are.
_GRAIN = 100_000_000  # nanoseconds


def stamp(path: Path) -> str:
    """Tells a file from what it was before it changed, without reading it."""
    found = path.stat()
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"


def recall(path: Path) -> str | None:
    """The digest that was recorded of the file as it is now; None if there is none."""
    place = _record(path)
    try:
        if not place.is_file():
            return None
        with place.open("rb") as file:
            line = file.read(_LONGEST).decode("ascii")
        digest, _, _ = line.partition(" ")
        return digest if line == _line(digest, stamp(path)) else None
    except (OSError, UnicodeDecodeError):
        return None


def record(path: Path, found: str, digest: str) -> None:
    """Records the digest of a file whose `stamp` was `found` before it was read.

    Where the folder can't be written, nothing is recorded.
    """
    with contextlib.suppress(OSError, WriteError):
        fresh = time.time_ns() - path.stat().st_mtime_ns < _GRAIN
        if found == stamp(path) and not fresh:
            write_whole(_record(path), _line(digest, found).encode())


def _record(path: Path) -> Path:
    return path.with_suffix(".verified")


def _line(digest: str, found: str) -> str:
    seal = hashlib.sha256(f"{digest} {found}".encode()).hexdigest()
    return f"{digest} {found} {seal}\n"
