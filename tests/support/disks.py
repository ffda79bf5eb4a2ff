"""Disks that are nearly full, and folders that can only be read.

By mounts, where the system lets one: the superuser's rights reach into any folder, and
not onto a full disk. Else by a limit on the size of files, and by the folder's mode.
"""

import contextlib
import dataclasses
import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """Files can't grow beyond this; the system says so as it does of a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@dataclasses.dataclass(frozen=True)
class Disk:
    """A small disk.

    Attributes:
      words: what the system says where it is full.
      left: has it full but for so many bytes, as long as it lasts.
    """

    words: str
    left: Callable[[int], contextlib.AbstractContextManager[None]]


@contextlib.contextmanager
def small(folder: Path, size: int) -> Iterator[Disk]:
    """Makes a folder that is a disk of so many bytes."""
    folder.mkdir()
    if not _mounted("-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder):
        yield Disk("File too large", no_file_beyond)
        return

    @contextlib.contextmanager
    def left(room: int) -> Iterator[None]:
        filler = folder / "filler"
        free = shutil.disk_usage(folder).free
        filler.write_bytes(bytes(free - room))
        try:
            yield
        finally:
            filler.unlink()

    try:
        yield Disk("No space left on device", left)
    finally:
        _unmount(folder)


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nothing can be written in a folder, nor in those within it."""
    if _mounted("--bind", folder, folder):
        try:
            assert _mounted("-o", "remount,bind,ro", folder)
            yield
        finally:
            _unmount(folder)
        return
    assert os.geteuid(), "the superuser writes anywhere, and may not mount here"
    modes = {path: path.stat().st_mode for path in (folder, *folder.rglob("*"))}
    try:
        for path, mode in modes.items():
            path.chmod(mode & ~0o222)
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


def _mounted(*arguments: object) -> bool:
    command = ["mount", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
