"""Bounds that keep a hostile or damaged file from filling the memory."""

import zipfile
from pathlib import Path

from weights_convert.errors import WeightsError

# Trained weights hardly compress (float32 VGG: 8 %); zeros do, so leave room.
MAX_EXPANSION = 16
_SLACK = 1 << 20


def allowance(path: Path) -> int:
    """Bytes that reading a file may allocate: 16 times its size plus 1 MiB."""
    return MAX_EXPANSION * path.stat().st_size + _SLACK


def check_expansion(path: Path, declared: int) -> None:
    """Refuses a file whose contents claim to be far larger than the file itself.

    Args:
      path: the file.
      declared: bytes that reading it would allocate, as the file declares.

    Raises:
      WeightsError: `declared` is over the file's `allowance`.
    """
    if declared > allowance(path):
        raise WeightsError(
            f"{path}: declares {declared} bytes of contents in a file of"
            f" {path.stat().st_size} bytes; damaged or hostile, download it again"
        )


def check_archive(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuses a zip archive whose directory declares more than the file can hold.

    `zipfile` reads as many bytes as a member's compressed size says, all at once.

    Raises:
      WeightsError: the members' contents are over the file's `allowance`, or a
        compressed size is over the file's.
    """
    members = archive.infolist()
    check_expansion(path, sum(member.file_size for member in members))
    for member in members:
        if member.compress_size > path.stat().st_size:
            raise WeightsError(
                f"{path}: truncated or damaged zip archive ({member.filename!r:.80} is"
                f" said to take {member.compress_size} bytes of it); get it again"
            )
