"""PNG files of any colour type and bit depth, written byte by byte."""

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6


def chunk(name: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(name + content)
    return (
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)
    )


def png_bytes(
    size: tuple[int, int],
    depth: int,
    kind: int,
    rows: Sequence[bytes],
    *chunks: bytes,
    behind: bytes = b"",
) -> bytes:
    """A file of these chunks.

    Args:
      size: (height, width).
      depth: bits a sample.
      kind: colour type.
      rows: the packed samples of each row.
      chunks: before the pixel data.
      behind: chunks after it.
    """
    height, width = size
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + b"".join(chunks)
        + chunk(b"IDAT", pixels)
        + behind
        + chunk(b"IEND", b"")
    )


def write_png(path: Path, *content: Any, **behind: bytes) -> Path:
    """Writes `png_bytes` to `path`, which is given back."""
    path.write_bytes(png_bytes(*content, **behind))
    return path
