"""What a stranger's picture file may cost: bounds on its header and its pixels.

Some of it has to be known before Pillow has the file, since it unpacks what it finds on
the way to the pixels; the rest follows from the header, before a pixel is decoded.
"""

import contextlib
import io
import os
import struct
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, JpegImagePlugin

from nst_jax.errors import ImageError
from nst_jax.images import kinds

_READS, _HEADER, _JPEG_HEADER = 2**14, 2**29, 2**24
"""Of a header: how often Pillow may read on, and how many bytes. That of a WebP is all
of it; the segments of a JPEG's are joined one by one."""
_CHUNKS, _PACKED_CHUNKS = 2**18, 2**8
"""Of a PNG: in all, and those that are unpacked, to 1 MB each at most."""
_PARTS, _STRIPS = 2**18, (273, 324)
"""Of a TIFF's strips or tiles, which Pillow lists one by one; their tags."""
_PSD_SIDE = 30_000
"""The longest that there is; Pillow sums up a number a row."""
_SLOW_PIXELS = 2**24
"""Of formats that Pillow decodes in Python: half a minute."""
_SCANS, _SCAN_PIXELS = 16, 2**33
"""Of a JPEG: as many as anyone has; above that, pixels of all together."""
_COPIED = ("AVIF", "JPEG2000", "WEBP")
"""Formats whose decoders hold a picture several times."""

JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
"""How such files begin."""


class Bounded(io.BufferedReader):
    """A file of which a header may be read, but not one without an end."""

    _reads: int = 0
    _left: int | None = None

    @contextlib.contextmanager
    def header(self, head: bytes) -> Iterator[None]:
        """Within it no more may be read than a header has that begins like this."""
        self._reads = _READS
        self._left = _JPEG_HEADER if head.startswith(JPEG) else _HEADER
        yield
        self._left = None

    def read(self, size: int | None = -1, /) -> bytes:
        """As of any file.

        Raises:
          ImageError: too much of a header.
        """
        if self._left is None:
            return super().read(size)
        some = size is not None and 0 <= size <= self._left
        content = super().read(size if some else self._left + 1)
        self._left -= len(content)
        self._reads -= 1
        if min(self._left, self._reads) < 0:
            raise ImageError("has an endless header; save it anew without metadata")
        return content


def check_parts(file: Bounded, head: bytes) -> None:
    """Looks at what Pillow would go through one by one on opening a file.

    Args:
      file: at its beginning, where it is left.
      head: how it begins.

    Raises:
      ImageError: there are too many of them.
    """
    if head.startswith(_PNG):
        _check_png(file)
    elif head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        with contextlib.suppress(struct.error, OSError, OverflowError):  # damaged
            _check_tiff(file, head)
    elif head.startswith(b"8BPS") and len(head) > 22:
        height, width = struct.unpack(">II", head[14:22])
        if max(height, width) > _PSD_SIDE:
            raise ImageError(f"has a side of {max(height, width)} pixels; save as PNG")
    file.seek(0)


def _check_tiff(file: Bounded, head: bytes) -> None:
    # Of the first page; of a BigTIFF if its number is 43, as that of "+".
    order, is_big = "<" if head.startswith(b"II") else ">", b"+" in head[2:4]
    offset, count, entry = ("Q", "Q", "HHQ8x") if is_big else ("I", "H", "HHI4x")

    def unpacked(form: str) -> tuple[int, ...]:
        return struct.unpack(order + form, file.read(struct.calcsize(order + form)))

    file.seek(8 if is_big else 4)
    file.seek(*unpacked(offset))
    (entries,) = unpacked(count)
    for _ in range(min(entries, 2**16)):
        tag, _, parts = unpacked(entry)
        if tag in _STRIPS and parts > _PARTS:
            raise ImageError(f"has {parts} strips or tiles; save it anew")


def _check_png(file: Bounded) -> None:
    file.seek(len(_PNG))
    chunks = packed = 0
    while len(head := file.read(8)) == 8 and head[4:] != b"IEND":
        chunks += 1
        packed += head[4:] in (b"iCCP", b"iTXt", b"zTXt")
        if chunks > _CHUNKS or packed > _PACKED_CHUNKS:
            raise ImageError("has too many parts; save it anew without metadata")
        file.seek(int.from_bytes(head[:4], "big") + 4, os.SEEK_CUR)


def check_scans(picture: JpegImagePlugin.JpegImageFile, file: Bounded) -> None:
    """Looks at the scans of a JPEG: of each, all pixels are gone over.

    Args:
      picture: just opened.
      file: that it is read from.

    Raises:
      ImageError: there are too many, or coefficients, which are held if there are
        several.
    """
    place, pixels = file.tell(), picture.width * picture.height
    # The header of the first scan ends here; it says how many layers that has.
    file.seek(place - 2 * picture.layers - 4)
    all_layers = file.read(1) == bytes([picture.layers])
    if not all_layers or "progressive" in picture.info:
        limit = Image.MAX_IMAGE_PIXELS
        if limit is not None and pixels > 2 * limit:
            raise ImageError(f"{too_many(2)}, or save it as one that isn't progressive")
        file.seek(0)
        blocks = iter(lambda: file.read(2**20), b"")
        scans = sum(block.count(b"\xff\xda") for block in blocks)
        if scans > _SCANS and scans * pixels > _SCAN_PIXELS:
            raise ImageError(f"has {scans} scans, which take too long; save it anew")
    file.seek(place)


def check_pixels(picture: Image.Image, name: str) -> None:
    """Looks at the size of a picture that is opened.

    Args:
      picture: no pixel of which is decoded.
      name: of its file.

    Raises:
      ImageError: it would take too much time or memory, or is a raw file's preview.
    """
    pixels, limit = picture.width * picture.height, Image.MAX_IMAGE_PIXELS
    if limit is not None and picture.format in _COPIED and pixels > limit:
        raise ImageError(too_many(1))
    tiles = getattr(picture, "tile", [])
    if pixels > _SLOW_PIXELS and any(tile[0] in Image.DECODERS for tile in tiles):
        raise ImageError(
            f"has more than {_SLOW_PIXELS:,} pixels, the limit of this form of "
            f"{picture.format}, which is slow to read; save it as PNG"
        )
    if picture.format == "TIFF" and Path(name).suffix.lower() in kinds.RAW:
        raise ImageError(
            "is a camera's raw file, which can't be read; export it as JPEG"
        )


def too_many(times: int) -> str:
    """What is wrong with more pixels than so many times Pillow's limit."""
    limit = times * (Image.MAX_IMAGE_PIXELS or 0)
    return f"has more than {limit:,} pixels, the limit; scale it down first"
