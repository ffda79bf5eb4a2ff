"""Files of 16 bits a channel, which Pillow doesn't write.

TIFF is written by tifffile. The libraries for PNG leave out what is needed here: pypng
has no filters, profiles or text, OpenCV and imagecodecs no text. So the pixels of a PNG
are put between the chunks of one that Pillow made (ISO/IEC 15948, PNG 3rd edition).
"""

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np

from nst_jax.images import profiles

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOURS = {3: 2, 4: 6}  # Channels -> colour type: RGB, and RGB with alpha.
_UP = 2  # Each byte less the one above it.
_LEVEL = 6  # Of zlib: its default.


def png(levels: np.ndarray, pattern: bytes) -> bytes:
    """A PNG of 16 bits a channel, with all but the pixels of another one.

    Args:
      levels: `[h, w, 3]`, or with alpha `[h, w, 4]`, uint16.
      pattern: a PNG whose profile and texts it gets.
    """
    height, width, channels = levels.shape
    header = struct.pack(">IIBBBBB", width, height, 16, _COLOURS[channels], 0, 0, 0)
    found = [_SIGNATURE]
    for name, content in _chunks(pattern):
        if name == b"IHDR":
            content = header
        if name == b"IDAT":
            continue
        if name == b"IEND":
            found.append(_chunk(b"IDAT", zlib.compress(_filtered(levels), _LEVEL)))
        found.append(_chunk(name, content))
    return b"".join(found)


def tiff(levels: np.ndarray, *, description: str | None, software: str) -> bytes:
    """A TIFF of 16 bits a channel, deflated, tagged as sRGB.

    Args:
      levels: `[h, w, 3]`, or with alpha `[h, w, 4]`, uint16.
      description: in ASCII, for the ImageDescription tag.
      software: for the tag of that name.
    """
    import tifffile  # Large, and seldom needed.

    file = io.BytesIO()
    tifffile.imwrite(
        file,
        levels,
        photometric="rgb",
        extrasamples=["unassalpha"] if levels.shape[2] == 4 else None,
        compression="zlib",
        predictor=True,
        iccprofile=profiles.srgb_profile(),
        description=description,
        software=software,
        metadata=None,
    )
    return file.getvalue()


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = len(_SIGNATURE)
    while place < len(content):
        (length,) = struct.unpack_from(">I", content, place)
        begin = place + 8
        yield content[place + 4 : begin], content[begin : begin + length]
        place = begin + length + 4


def _chunk(name: bytes, content: bytes) -> bytes:
    checked = struct.pack(">I", zlib.crc32(content, zlib.crc32(name)))
    return struct.pack(">I", len(content)) + name + content + checked


def _filtered(levels: np.ndarray) -> bytes:
    """The rows, high bytes first, each behind the number of its filter."""
    height, width, channels = levels.shape
    rows = levels.astype(">u2").view(np.uint8).reshape(height, 2 * width * channels)
    filtered = np.full((height, 1 + rows.shape[1]), _UP, np.uint8)
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    return filtered.tobytes()
