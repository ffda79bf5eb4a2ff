"""Opening picture files, and what a stranger's file may cost: time, memory, programs.

Some of it has to be known before Pillow has the file, since it unpacks what it finds on
the way to the pixels; the rest follows from the header, before a pixel is decoded.
"""

import contextlib
import io
import os
import stat
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image, JpegImagePlugin, UnidentifiedImageError

from nst_jax.errors import ImageError
from nst_jax.images import kinds

StrPath = str | os.PathLike[str]

Note = Callable[[str], None]
"""Takes a few words for the user about a picture."""

_BYTES = 2**31
"""Of a file: more than any picture that can be read."""
_READS, _HEADER, _JPEG_HEADER = 2**14, 2**29, 2**25
"""Of a header: how often Pillow may read on, and how many bytes. That of a WebP is all
of it; the segments of a JPEG's are joined one by one."""
_CHUNKS, _PACKED_CHUNKS = 2**18, 2**8
"""Of a PNG: in all, and those that are unpacked, to 1 MB each at most."""
_SLOW_PIXELS = 2**24
"""Of formats that Pillow decodes in Python: half a minute."""
_SCAN_PIXELS = 2**33
"""Of a JPEG, in all its scans."""
_COPIED = ("AVIF", "JPEG2000", "WEBP")
"""Formats whose decoders hold a picture several times."""

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"


def ignore(note: str) -> None:
    """Drops words for the user."""


@contextlib.contextmanager
def opened(given: StrPath | bytes, note: Note = ignore) -> Iterator[Image.Image]:
    """A picture of a kind of `kinds.READ`, its header read, no pixel decoded.

    Whatever Pillow raises inside the `with` leaves it as an `ImageError`.

    Args:
      given: a file, or what one holds.
      note: takes words for the user, such as that a JPEG is read at half its size.

    Raises:
      ImageError: no such file, not readable, no picture, damaged, or one that would
        take too much time or memory.
    """
    name = named(given)
    raw = io.BytesIO(given) if isinstance(given, bytes) else regular(given)
    with _Bounded(raw) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            head = file.peek(64)[:64]
            if head.startswith(_PNG):
                _check_png(file)
            with _open(file, head, note) as picture:
                _check(picture, name)
                yield picture
        except ImageError as error:
            raise ImageError(f"{name}: {error}") from error
        except Image.DecompressionBombError as error:
            raise ImageError(f"{name}: {_too_many(2)}") from error
        except UnidentifiedImageError as error:
            raise ImageError(f"{name}: {_unknown(name, head)}") from error
        except Exception as error:  # Pillow's decoders raise almost any kind
            message = f"can't be decoded ({_one_line(error)})"
            advice = "it may be cut short or damaged, get it again or as PNG or JPEG"
            raise ImageError(f"{name}: {message}; {advice}") from error


def regular(path: StrPath) -> io.FileIO:
    """Opens a file, once it is known that reading it comes to an end.

    Raises:
      ImageError: no such file, not readable, no regular one, empty, or larger than any
        picture.
    """
    name = os.fspath(path)
    try:
        status = os.stat(path)
    except ValueError as error:  # a name with a null character
        raise ImageError(f"{name!r}: can't be opened ({error})") from error
    except OSError as error:
        raise _cannot_open(name, error) from error
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file"
        raise ImageError(f"{name}: is {kind}; give an image file")
    if status.st_size == 0:
        raise ImageError(f"{name}: is empty; get the image again")
    if status.st_size > _BYTES:
        size = f"{status.st_size / 2**30:.1f} GB"
        raise ImageError(f"{name}: has {size}, too many for a picture; 2 are read")
    try:
        return io.FileIO(path)
    except OSError as error:
        raise _cannot_open(name, error) from error


def _cannot_open(name: str, error: OSError) -> ImageError:
    match error:
        case FileNotFoundError():
            return ImageError(f"{name}: no such file; check the name")
        case PermissionError():
            message = "no permission to read it; check its owner and mode"
            return ImageError(f"{name}: {message}")
    return ImageError(f"{name}: can't be opened ({error.strerror})")


def named(given: StrPath | bytes) -> str:
    """How messages call a file, or what one holds."""
    if isinstance(given, bytes):
        return f"picture of {len(given)} bytes"
    return os.fspath(given)


class _Bounded(io.BufferedReader):
    """A file of which a header may be read, but not one without an end.

    Attributes:
      reads: how often it may still be read from.
      left: bytes that may still be read; None: as many, and as often, as need be.
    """

    reads: int = 0
    left: int | None = None

    def read(self, size: int | None = -1, /) -> bytes:
        if self.left is None:
            return super().read(size)
        some = size is not None and 0 <= size <= self.left
        content = super().read(size if some else self.left + 1)
        self.left -= len(content)
        self.reads -= 1
        if min(self.left, self.reads) < 0:
            raise ImageError("has an endless header; save it anew without metadata")
        return content


def _open(file: _Bounded, head: bytes, note: Note) -> Image.Image:
    is_jpeg = head.startswith(_JPEG)
    file.reads, file.left = _READS, _JPEG_HEADER if is_jpeg else _HEADER
    try:
        picture: Image.Image = Image.open(file, formats=kinds.READ)
    except Image.DecompressionBombError:
        if not is_jpeg:
            raise
        file.seek(0)
        # As Image.open would, but for its bound.
        picture = JpegImagePlugin.JpegImageFile(file)
    file.left = None
    if isinstance(picture, JpegImagePlugin.JpegImageFile):
        _check_scans(picture, file)
        _reduce(picture, note)
    return picture


def _check(picture: Image.Image, name: str) -> None:
    pixels, limit = picture.width * picture.height, Image.MAX_IMAGE_PIXELS
    if limit is not None and picture.format in _COPIED and pixels > limit:
        raise ImageError(_too_many(1))
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


def _check_png(file: _Bounded) -> None:
    # Walks over the chunks, and leaves the file at its beginning.
    file.seek(len(_PNG))
    chunks = packed = 0
    while len(head := file.read(8)) == 8 and head[4:] != b"IEND":
        chunks += 1
        packed += head[4:] in (b"iCCP", b"iTXt", b"zTXt")
        if chunks > _CHUNKS or packed > _PACKED_CHUNKS:
            raise ImageError("has too many parts; save it anew without metadata")
        file.seek(int.from_bytes(head[:4], "big") + 4, os.SEEK_CUR)
    file.seek(0)


def _check_scans(picture: JpegImagePlugin.JpegImageFile, file: _Bounded) -> None:
    # A JPEG's coefficients are held at 2 bytes if they come in several scans.
    limit, pixels = Image.MAX_IMAGE_PIXELS, picture.width * picture.height
    place, tail = file.tell(), 2 * picture.layers + 4
    file.seek(place - tail)
    whole = (
        file.read(1) == bytes([picture.layers]) and "progressive" not in picture.info
    )
    if limit is not None and not whole and pixels > 2 * limit:
        raise ImageError(f"{_too_many(2)} (or as one that isn't progressive)")
    file.seek(0)
    scans = sum(
        block.count(b"\xff\xda") for block in iter(lambda: file.read(2**20), b"")
    )
    if scans > 16 and scans * pixels > _SCAN_PIXELS:
        raise ImageError(f"has {scans} scans, which take too long; save it anew")
    file.seek(place)


def _reduce(picture: JpegImagePlugin.JpegImageFile, note: Note) -> None:
    # Decodes a JPEG of too many pixels at 1/2, 1/4 or 1/8, at no cost in memory.
    width, height = picture.size
    limit = Image.MAX_IMAGE_PIXELS
    if limit is None or width * height <= limit:
        return
    scale = next((s for s in (2, 4) if width * height <= limit * s * s), 8)
    picture.draft(None, (max(1, width // scale), max(1, height // scale)))
    note(f"has {width}x{height} pixels; read at 1/{scale} of that")


def _too_many(times: int) -> str:
    limit = times * (Image.MAX_IMAGE_PIXELS or 0)
    return f"has more than {limit:,} pixels, the limit; scale it down first"


def _unknown(name: str, head: bytes) -> str:
    kind = kinds.guess(head)
    if kind is None and (known := kinds.unread(name)):
        kind = f"a {known} picture"
    if kind:
        return f"is {kind}, which can't be read; give a PNG or JPEG"
    return "is not an image, or of an unknown kind; give a PNG or JPEG"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
