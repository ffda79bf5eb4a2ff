"""Files to be written: whether they may be, and whole or not at all."""

import contextlib
import dataclasses
import fcntl
import functools
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from nst_jax.errors import ImageError

StrPath = str | os.PathLike[str]

_TEMPORARY = re.compile(r"\.nst_jax-(clip-)?[0-9a-f]{16}\.tmp")
_FOLDERS = 64  # That are remembered to have been swept.


@dataclasses.dataclass(frozen=True)
class Output:
    """A file that is to be written.

    Attributes:
      path: of the file.
      is_ours: whether what lies there was made by this program.
      chosen: whether the user named just this file, and so means what lies there.
    """

    path: Path
    is_ours: Callable[[Path], bool]
    chosen: bool = False


def check_apart(
    outputs: Iterable[StrPath],
    inputs: Iterable[StrPath],
    *,
    advice: str = "choose another name",
) -> None:
    """Raises if a file to be written is one that is read, or written twice.

    Links, hard links and other spellings of a name are the file that they lead to.

    Args:
      outputs: that are to be written.
      inputs: that are read.
      advice: what to do about it.

    Raises:
      ImageError: it is.
    """
    read: Mapping[object, StrPath] = {identity(path): path for path in inputs}
    written: dict[object, StrPath] = {}
    for path in outputs:
        this = identity(path)
        if this in read:
            problem = f"is read too (as {os.fspath(read[this])})"
        elif this in written:
            problem = f"is written twice (as {os.fspath(written[this])})"
        else:
            written[this] = path
            continue
        raise ImageError(
            f"{os.fspath(path)}: {problem}, and would be overwritten; {advice}"
        )


def replaced(outputs: Iterable[Output], overwrite: bool | None) -> list[Path]:
    """The files among `outputs` that lie there and are to be replaced.

    An empty file is nothing that could be lost.

    Args:
      outputs: that are to be written.
      overwrite: whether any may be replaced; None: what the user chose, and ours.

    Raises:
      ImageError: a file that must not be.
    """
    found = []
    for output in outputs:
        path = output.path
        if not os.path.isfile(path) or not os.path.getsize(path):
            continue
        if overwrite is False:
            problem, advice = "exists", "choose another name, or leave out"
            raise ImageError(f"{path}: {problem}; {advice} --overwrite=no")
        if not (overwrite or output.chosen or output.is_ours(path)):
            problem = "exists, and was not made by nst-jax"
            advice = "move it away, choose another name, or give --overwrite=yes"
            raise ImageError(f"{path}: {problem}; {advice}")
        found.append(path)
    return found


def told(paths: Sequence[StrPath]) -> str:
    """A line that says which files are replaced."""
    first = ", ".join(os.fspath(path) for path in paths[:3])
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return f"nst-jax: {first}{more} will be replaced"


def identity(path: StrPath) -> object:
    """What tells one file from others, however its name is spelled."""
    try:
        real = os.path.realpath(path)
        status = os.stat(real)
    except OSError:
        return real
    except ValueError:  # No name of any file.
        return os.fspath(path)
    # Some network file systems number no files.
    return (status.st_dev, status.st_ino) if status.st_ino else real


def check_place(path: StrPath) -> None:
    """Finds out early, before the long work, that no file can be written as `path`.

    Raises:
      ImageError: the folder does not exist, is no folder or can't be written in;
        `path` is too long, or something that is no regular file, or may not be written.
    """
    name = os.fspath(path)
    try:
        _check_folder(name, Path(os.path.realpath(path)).parent)
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return
    except ImageError:
        raise
    except (OSError, ValueError) as error:  # such as a name that is too long
        reason = getattr(error, "strerror", None) or error
        message = f"can't be written ({reason}); choose another name"
        raise ImageError(f"{name}: {message}") from error
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "no regular file"
        raise ImageError(f"{name}: is {kind}; give the name of a file")
    if not os.access(path, os.W_OK):
        message = "no permission to replace it; choose another name"
        raise ImageError(f"{name}: {message}")


def _check_folder(name: str, folder: Path) -> None:
    may_write = os.access(folder, os.W_OK | os.X_OK)
    try:
        if not stat.S_ISDIR(os.stat(folder).st_mode):
            message = f"{folder} is a file, not a folder; choose another"
            raise ImageError(f"{name}: {message}")
    except PermissionError:  # even to look at what it lies in
        may_write = False
    except OSError as error:
        message = f"there is no folder {folder}; make it first"
        raise ImageError(f"{name}: {message}") from error
    if not may_write:
        message = f"no permission to write in {folder}; choose another folder"
        raise ImageError(f"{name}: {message}")


def write_whole(path: StrPath, content: bytes | Sequence[bytes | memoryview]) -> None:
    """Writes a file that gets its name only once it is complete and on the disk.

    Args:
      path: the file.
      content: all of it, or its parts one after the other.

    Raises:
      OSError: it can't be written; what was there before still is.
    """
    # Through a link, so that it stays one.
    target = Path(os.path.realpath(path))
    temporary, file = new_beside(target)
    try:
        with file:
            file.writelines([content] if isinstance(content, bytes) else content)
            file.flush()
            os.fsync(file.fileno())
            os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def new_beside(target: Path, kind: str = "") -> tuple[Path, BinaryIO]:
    """A new file beside one that is to be written, to be given its name in the end.

    It is locked as long as it is open, so that nobody takes it for a leftover. A
    process that writes in a folder for the first time clears the leftovers there.

    Args:
      target: what is to be written.
      kind: a part of its name.

    Raises:
      OSError: it can't be made.
    """
    _cleared(target.parent)
    while True:
        temporary = target.with_name(f".nst_jax-{kind}{secrets.token_hex(8)}.tmp")
        file = open(temporary, "xb")  # noqa: SIM115  By open, so that the umask applies.
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            ours = os.fstat(file.fileno()).st_nlink > 0
        except BlockingIOError:  # Of one that clears, and is about to remove it.
            ours = False
        except OSError:  # Some network file systems have no locks.
            ours = True
        if ours:
            return temporary, file
        file.close()


@functools.lru_cache(_FOLDERS)
def _cleared(folder: Path) -> None:
    """Clears leftovers once: a folder of thousands isn't listed for each of them."""
    clear_leftovers(folder)


def clear_leftovers(folder: StrPath) -> None:
    """Removes what writers left in a folder where they were killed.

    What is locked is being written by a process that lives.
    """
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            if not _TEMPORARY.fullmatch(os.fsdecode(name)):
                continue
            path = Path(os.fsdecode(folder), os.fsdecode(name))
            with contextlib.suppress(OSError), open(path, "r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
