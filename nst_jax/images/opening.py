"""Opening picture files: only of kinds that are read, and within bounds."""

import contextlib
import io
import logging
import os
import stat
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping

from PIL import Image, JpegImagePlugin, UnidentifiedImageError

from nst_jax.errors import ImageError, plain
from nst_jax.images import bounds, kinds

StrPath = str | os.PathLike[str]

Note = Callable[[str], None]
"""Takes a few words for the user about a picture."""

_BYTES = 2**31
"""Of a file: more than any picture that can be read."""

_CARRIED: dict[str, bytes] = {}


@contextlib.contextmanager
def carried(contents: Mapping[str, bytes]) -> Iterator[None]:
    """While it lasts, files of these names hold this, whatever this machine has.

    For pictures that were read on another machine. It holds for all threads: some read
    ahead of others.
    """
    before = dict(_CARRIED)
    _CARRIED.update(contents)
    try:
        yield
    finally:
        _CARRIED.clear()
        _CARRIED.update(before)


def content(path: StrPath) -> bytes:
    """What a picture's file holds, to be `carried`.

    Raises:
      ImageError: as from `regular`.
    """
    with regular(path) as file:
        return file.read()


def _ignore(note: str) -> None:
    """Drops words for the user."""


@contextlib.contextmanager
def opened(given: StrPath | bytes, note: Note = _ignore) -> Iterator[Image.Image]:
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
    with bounds.Bounded(raw) as file, _QUIET:
        try:
            head = file.peek(64)[:64]
            bounds.check_parts(file, head)
            with _open(file, head, note) as picture:
                bounds.check_pixels(picture, name)
                yield picture
        except ImageError as error:
            raise ImageError(f"{name}: {error}") from error
        except Image.DecompressionBombError as error:
            raise ImageError(f"{name}: {bounds.too_many(2)}") from error
        except UnidentifiedImageError as error:
            raise ImageError(f"{name}: {_unknown(name, head)}") from error
        except Exception as error:  # Pillow's decoders raise almost any kind
            message = f"can't be decoded ({one_line(error)})"
            advice = "it may be cut short or damaged, get it again or as PNG or JPEG"
            raise ImageError(f"{name}: {message}; {advice}") from error


class _Quiet:
    """Pillow warns, and writes to its log, of what is said in a line or doesn't matter.

    Both are the process's own: they come back when the last thread has left.
    """

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0
        self._before = contextlib.ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside > 1:
                return
            self._before.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
            log = logging.getLogger("PIL")
            self._before.callback(log.setLevel, log.level)
            log.setLevel(logging.CRITICAL)

    def __exit__(self, *exception: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._before.close()


_QUIET = _Quiet()


def regular(path: StrPath) -> io.FileIO | io.BytesIO:
    """Opens a file, once it is known that reading it comes to an end.

    Raises:
      ImageError: no such file, not readable, no regular one, empty, or larger than any
        picture.
    """
    name = os.fspath(path)
    if (held := _CARRIED.get(name)) is not None:
        return io.BytesIO(held)
    try:
        status = os.stat(path)
    except ValueError as error:  # a name with a null character
        raise ImageError(f"{name}: can't be opened ({error})") from error
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
            if not name:
                return ImageError("a name is empty: name a picture")
            return ImageError(f"{name}: no such file; check the name")
        case PermissionError():
            message = "no permission to read it; check its owner and mode"
            return ImageError(f"{name}: {message}")
    return ImageError(f"{name}: can't be opened ({error.strerror})")


def named(given: StrPath | bytes) -> str:
    """How messages call a file, or what one holds."""
    if isinstance(given, bytes):
        return f"picture of {len(given)} bytes"
    return plain(os.fspath(given))


def _open(file: bounds.Bounded, head: bytes, note: Note) -> Image.Image:
    with file.header(head):
        try:
            picture: Image.Image = Image.open(file, formats=kinds.READ)
        except Image.DecompressionBombError:
            if not head.startswith(bounds.JPEG):
                raise
            file.seek(0)
            # As Image.open would, but for its bound.
            picture = JpegImagePlugin.JpegImageFile(file)
        if picture.format == "MPO":  # Several JPEGs, of which the first counts.
            file.seek(0)
            picture = JpegImagePlugin.JpegImageFile(file)
    if isinstance(picture, JpegImagePlugin.JpegImageFile):
        bounds.check_scans(picture, file)
        _reduce(picture, note)
    return picture


def _reduce(picture: JpegImagePlugin.JpegImageFile, note: Note) -> None:
    # Decodes a JPEG of too many pixels at 1/2, 1/4 or 1/8, at no cost in memory.
    width, height = picture.size
    limit = Image.MAX_IMAGE_PIXELS
    if limit is None or width * height <= limit:
        return
    scale = next((s for s in (2, 4) if width * height <= limit * s * s), 8)
    picture.draft(None, (max(1, width // scale), max(1, height // scale)))
    note(f"has {width}x{height} pixels; read at 1/{scale} of that")


def _unknown(name: str, head: bytes) -> str:
    kind = kinds.guess(head)
    if kind is None and (known := kinds.unread(name)):
        kind = f"a {known} picture"
    if kind:
        return f"is {kind}, which can't be read; give a PNG or JPEG"
    return "is not an image, or of an unknown kind; give a PNG or JPEG"


def one_line(error: Exception) -> str:
    """What an error of Pillow's says, in a line."""
    return " ".join(str(error).split()) or type(error).__name__
