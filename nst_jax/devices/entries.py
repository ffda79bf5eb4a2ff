"""Entries of JAX's compilation cache: those that are damaged are dropped.

JAX would fail to read them at every start, or crash, and never write them anew; it has
no place for a check of ours. So a file beside each entry keeps its size, time and
SHA-256, as JAX's own files keep when each was used.
"""

import contextlib
import hashlib
import importlib
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock

_READ = 2**25  # Bytes of the entries used last, which are read in full each time.

# Names of JAX: what it locks, and its endings of entries and of their times of use.
_LOCK, _ENTRY, _USED = ".lockfile", "-cache", "-atime"
_SUM = "-sha256"
_HASH = re.compile(r".+-[0-9a-f]{64}")
"""What precedes those endings: the name of a program, and JAX's hash of it."""
_ZSTANDARD = b"\x28\xb5\x2f\xfd"


def drop_damaged(place: Path) -> None:
    """Drops entries that are damaged, or were cut short by a kill or a full disk.

    An entry without a sum is taken if it unpacks, and gets one.

    Args:
      place: folder of the cache.
    """
    try:
        with filelock.FileLock(place / _LOCK, timeout=1):
            entries = [(_used(entry), entry) for entry in _of_jax(place, _ENTRY)]
            budget = _READ
            for _, entry in sorted(entries, reverse=True):
                budget -= entry.stat().st_size
                if not _is_whole(entry, in_full=budget >= 0):
                    entry.unlink()
            for kind in (_USED, _SUM):
                for path in _of_jax(place, kind):
                    if not _beside(path, kind, _ENTRY).exists():
                        path.unlink()
    except (OSError, filelock.Timeout):
        return  # Another program is at it, or nothing can be written here.


def _of_jax(place: Path, kind: str) -> Iterator[Path]:
    """Files of a kind in a folder that may be somebody's own."""
    for path in sorted(place.glob(f"*{kind}")):
        if _HASH.fullmatch(path.name.removesuffix(kind)) and path.is_file():
            yield path


def _used(entry: Path) -> int:
    """When an entry was used last, as JAX keeps it in a file beside it.

    One without, of a program that was killed or of a cache without bound, would keep
    JAX from writing more: it gets one.
    """
    used = _beside(entry, _ENTRY, _USED)
    content = used.read_bytes() if used.exists() else b""
    if len(content) != 8:
        content = entry.stat().st_mtime_ns.to_bytes(8, "little")
        _write(used, content)
    return int.from_bytes(content, "little")


def _is_whole(entry: Path, *, in_full: bool) -> bool:
    """Whether an entry is as it was written; its content is read if need be."""
    note, status = _beside(entry, _ENTRY, _SUM), entry.stat()
    stamp = f"{status.st_size} {status.st_mtime_ns} "
    known = note.read_text("latin1") if note.exists() else ""
    if known.startswith(stamp) and not in_full:
        return True
    content = entry.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if known == stamp + digest:
        return True
    noted = known.split(" ")[-1]
    if noted != digest and (len(noted) == len(digest) or not _unpacks(content)):
        return False
    _write(note, (stamp + digest).encode())
    return True


def _write(path: Path, content: bytes) -> None:
    """Writes what is kept beside an entry; on a full disk it is kept the next time."""
    with contextlib.suppress(OSError):
        path.write_bytes(content)


def _unpacks(content: bytes) -> bool:
    """Whether an entry is whole as far as its compression tells."""
    unpack: Callable[[bytes], bytes] = zlib.decompress
    if content.startswith(_ZSTANDARD):
        try:
            zstandard = importlib.import_module("zstandard")
        except ImportError:
            return True  # Another environment's, and not read in this one.
        unpack = zstandard.ZstdDecompressor().decompress
    try:
        return bool(unpack(content))
    except Exception:  # Each library has an error of its own.
        return False


def _beside(path: Path, kind: str, other: str) -> Path:
    return path.with_name(path.name.removesuffix(kind) + other)
