"""Reading and writing image files.

An image is float32 `[h, w, 3]`, sRGB in [0, 1]; this is the border to all that files
hold instead.
"""

import contextlib
import os
import secrets
import stat
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from nst_jax.errors import ImageError
from nst_jax.images import decode, encode

__all__ = [
    "ImageError",
    "check_writable",
    "read",
    "read_description",
    "shape",
    "write",
    "write_whole",
]

StrPath = str | os.PathLike[str]


def read(path: StrPath, *, report: Callable[[str], None] | None = None) -> np.ndarray:
    """Reads an image file of any kind that Pillow opens.

    EXIF rotation is applied, transparency composited on white, grey, palette, CMYK,
    YCbCr, Lab and 16-bit pixels converted, embedded ICC profiles converted to sRGB
    (relative colorimetric, black point compensated); of several frames the first is
    taken. Pixels without a profile are taken as sRGB.

    Args:
      path: the file.
      report: is called with one line for each thing that the user should know, such as
        "photo.png: has transparency; composited on white".

    Returns:
      `[h, w, 3]` float32, sRGB in [0, 1].

    Raises:
      ImageError: no such file, not readable, no image, damaged, or with more pixels
        than `PIL.Image.MAX_IMAGE_PIXELS` (89 million unless changed), which guards
        against small files that fill the memory.
    """
    notes: list[str] = []
    with _opened(path) as picture:
        image = decode.decode(picture, notes.append)
    if report is not None:
        for note in notes:
            report(f"{os.fspath(path)}: {note}")
    return image


def shape(path: StrPath) -> tuple[int, int]:
    """Height and width of the image that `read` would give, from the file's header.

    Raises:
      ImageError: no such file, not readable, no image, or with too many pixels.
    """
    with _opened(path) as picture:
        return decode.upright_shape(picture)


def write(
    path: StrPath,
    image: np.ndarray,
    *,
    description: Mapping[str, object] | None = None,
) -> None:
    """Writes an image as PNG, JPEG, WebP or TIFF, whichever the file's ending says.

    The file gets its name only once it is complete: a failure leaves what was there
    before, and nothing else. It is tagged as sRGB.

    Args:
      path: the file, which may exist; its folder must.
      image: `[h, w, 3]`, sRGB in [0, 1]; clipped, and rounded to 8 bits a channel.
      description: the options and versions that made the image, kept in the file's
        metadata as JSON, where `read_description` finds it; see `encode`.

    Raises:
      ImageError: what `check_writable` says; pixels that are not finite or not
        floating point; a shape that is no image; an image or description that is too
        large for the format; no space left.
    """
    check_writable(path)
    image = _checked(path, image)
    format = encode.FORMATS[_ending(path)]
    try:
        content = encode.encode(image, format, description=description)
    except Exception as error:  # Pillow's encoders raise almost any kind
        message = f"can't be written as {format} ({_one_line(error)})"
        raise ImageError(f"{os.fspath(path)}: {message}; try .png") from error
    try:
        write_whole(path, content)
    except OSError as error:
        message = f"{os.fspath(path)}: could not be written ({error.strerror})"
        raise ImageError(message) from error


def write_whole(path: StrPath, content: bytes) -> None:
    """Writes a file that gets its name only once it is complete and on the disk.

    Raises:
      OSError: it can't be written; what was there before still is.
    """
    # Through a link, so that it stays one; by open, so that the umask applies.
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".nst_jax-{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def check_writable(path: StrPath) -> None:
    """Finds out early, before the long work, that `write` could not write `path`.

    Raises:
      ImageError: the ending is none of .png, .jpg, .jpeg, .webp, .tif, .tiff; or see
        `check_place`.
    """
    name = os.fspath(path)
    if _ending(path) not in encode.FORMATS:
        allowed = ", ".join(encode.FORMATS)
        problem = f"the ending is {_ending(path)!r}" if _ending(path) else "no ending"
        raise ImageError(f"{name}: {problem}; give the output one of {allowed}")
    check_place(path)


def check_place(path: StrPath) -> None:
    """Finds out early, before the long work, that no file can be written as `path`.

    Raises:
      ImageError: the folder does not exist, is no folder or can't be written in; `path`
        is a folder or too long.
    """
    name, folder = os.fspath(path), Path(os.path.realpath(path)).parent
    if os.path.isdir(path):
        raise ImageError(f"{name}: is a folder; give the name of a file")
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
    try:
        os.lstat(path)
    except FileNotFoundError:
        return
    except OSError as error:  # such as a name that is too long
        message = f"can't be written ({error.strerror}); choose another name"
        raise ImageError(f"{name}: {message}") from error


def read_description(path: StrPath) -> dict[str, Any] | None:
    """The `description` that `write` put into the file, or None where there is none.

    Raises:
      ImageError: the file can't be opened, or is no image.
    """
    with _opened(path) as picture:
        return encode.description_of(picture)


@contextlib.contextmanager
def _opened(path: StrPath) -> Iterator[Image.Image]:
    # The picture; whatever Pillow raises inside the `with` leaves it as an ImageError.
    name = os.fspath(path)
    with opened_file(path) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(file) as picture:
                yield picture
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            limit = f"more than {Image.MAX_IMAGE_PIXELS:,} pixels"
            message = f"has {limit}, the limit; scale it down first"
            raise ImageError(f"{name}: {message}") from error
        except UnidentifiedImageError as error:
            message = "is not an image, or of an unknown kind; give a PNG or JPEG"
            raise ImageError(f"{name}: {message}") from error
        except Exception as error:  # Pillow's decoders raise almost any kind
            message = f"can't be decoded ({_one_line(error)})"
            advice = "it may be cut short or damaged, get it again or as PNG or JPEG"
            raise ImageError(f"{name}: {message}; {advice}") from error


def opened_file(path: StrPath) -> BinaryIO:
    """A regular file that isn't empty, opened for reading.

    Raises:
      ImageError: it is none, or can't be opened.
    """
    name = os.fspath(path)
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise ImageError(f"{name}: is a folder; give an image file")
        if not stat.S_ISREG(status.st_mode):
            raise ImageError(f"{name}: is not a regular file; give an image file")
        if status.st_size == 0:
            raise ImageError(f"{name}: is empty; get the image again")
        return open(path, "rb")
    except FileNotFoundError as error:
        raise ImageError(f"{name}: no such file; check the name") from error
    except PermissionError as error:
        message = f"{name}: no permission to read it; check its owner and mode"
        raise ImageError(message) from error
    except OSError as error:
        raise ImageError(f"{name}: can't be opened ({error.strerror})") from error


def _checked(path: StrPath, image: np.ndarray) -> np.ndarray:
    name, image = os.fspath(path), np.asarray(image)
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        message = f"pixels of shape {list(image.shape)}; an image is [h, w, 3]"
        raise ImageError(f"{name}: {message}")
    if image.dtype.kind not in "fV":  # V: bfloat16
        message = f"pixels of type {image.dtype}; an image is floating point in [0, 1]"
        raise ImageError(f"{name}: {message}")
    image = image.astype(np.float32)
    bad = image.size - np.count_nonzero(np.isfinite(image))
    if bad:
        message = f"{bad} of {image.size} values are not finite; not written"
        raise ImageError(f"{name}: {message}")
    return image


def _ending(path: StrPath) -> str:
    return Path(path).suffix.lower()


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
