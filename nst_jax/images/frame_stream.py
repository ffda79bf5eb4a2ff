"""Frames on a stream: PNG files one after the other, or raw RGB of a known size."""

import io
import re
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from nst_jax.errors import ImageError, OptionsError
from nst_jax.images import encode, files

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LONGEST = 2**31 - 1  # Of a chunk, by the standard.


def size(text: str) -> tuple[int, int]:
    """`"640x480"` -> height and width.

    Raises:
      OptionsError: another form, or no size.
    """
    found = re.fullmatch("([1-9][0-9]{0,4})[xX]([1-9][0-9]{0,4})", text)
    if not found:
        raise OptionsError(f"stream={text!r}: give WIDTHxHEIGHT, such as 640x480")
    return int(found[2]), int(found[1])


def read_raw(file: BinaryIO, shape: tuple[int, int]) -> Iterator[np.ndarray]:
    """Frames of 3 bytes a pixel, `[h, w, 3]` float32 in [0, 1].

    Raises:
      ImageError: the last one is cut short.
    """
    height, width = shape
    while content := _read(file, 3 * height * width):
        if len(content) < 3 * height * width:
            raise ImageError(f"standard input: ends within a frame of {width}x{height}")
        pixels = np.frombuffer(content, np.uint8).reshape(height, width, 3)
        yield pixels.astype(np.float32) / 255


def read_png(file: BinaryIO) -> Iterator[np.ndarray]:
    """Frames of PNG files one after the other, `[h, w, 3]` float32, sRGB in [0, 1].

    Raises:
      ImageError: something else, or the last one is cut short or damaged.
    """
    while signature := _read(file, len(_SIGNATURE)):
        if signature != _SIGNATURE:
            raise ImageError(
                "standard input: no PNG files; give such, or --stream=WIDTHxHEIGHT "
                "for raw frames"
            )
        yield _decoded(_png(file))


def write(file: BinaryIO, image: np.ndarray, *, raw: bool) -> None:
    """Writes a frame, `[h, w, 3]` in [0, 1], raw or as a PNG file."""
    pixels = encode.quantize(image)
    content: Any = memoryview(pixels.tobytes())
    if not raw:
        buffer = io.BytesIO()
        # Whoever reads a stream waits for it: compression is to be quick.
        Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
        content = memoryview(buffer.getvalue())
    while content:
        content = content[file.write(content) :]
    file.flush()


def _png(file: BinaryIO) -> bytes:
    content, kind = bytearray(_SIGNATURE), b""
    while kind != b"IEND":
        head = _read(file, 8)
        if len(head) == 8:
            length, kind = struct.unpack(">I4s", head)
            body = _read(file, length + 4) if length <= _LONGEST else b""
        if len(head) < 8 or len(body) < length + 4:
            raise ImageError("standard input: ends within a PNG file, or is damaged")
        content += head + body
    return bytes(content)


def _decoded(content: bytes) -> np.ndarray:
    try:
        return files.read(content)
    except ImageError as error:
        raise ImageError(f"standard input: {error}") from error


def _read(file: BinaryIO, count: int) -> bytes:
    """So many bytes, or what there is until the end."""
    found = bytearray()
    while len(found) < count and (part := file.read(min(count - len(found), 2**20))):
        found += part
    return bytes(found)
