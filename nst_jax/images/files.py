"""Reading and writing image files.

An image is float32 `[h, w, 3]`, sRGB in [0, 1]; this is the border to all that files
hold instead.
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from nst_jax.errors import ImageError
from nst_jax.images import decode, encode, opening, outputs, resize
from nst_jax.images.frames import Shape

StrPath = str | os.PathLike[str]


def read(
    given: StrPath | bytes,
    *,
    report: Callable[[str], None] | None = None,
    shape: Shape | None = None,
    ratio: Shape | None = None,
    size: Shape | None = None,
) -> np.ndarray:
    """Reads an image file of a kind of `kinds.READ`.

    EXIF rotation is applied, transparency composited on white, grey, palette, CMYK,
    YCbCr, Lab and 16-bit pixels converted, embedded ICC profiles converted to sRGB
    (relative colorimetric, black point compensated); of several frames the first is
    taken. Pixels without a profile are taken as sRGB. A JPEG with more than
    `PIL.Image.MAX_IMAGE_PIXELS` (89 million unless changed) is read at 1/2, 1/4 or 1/8.

    Args:
      given: the file, or what one holds.
      report: is called with one line for each thing that the user should know, such as
        "photo.png: has transparency; composited on white".
      shape: height and width that the image is known to have.
      ratio: of height to width; the middle part of that ratio is taken.
      size: height and width that the image is brought to, as by `resize.resize`, but
        with little more memory than the file's own pixels take.

    Returns:
      `[h, w, 3]` float32, sRGB in [0, 1].

    Raises:
      ImageError: no such file, not readable, no image, damaged, of another shape, or
        one that would take too much time or memory: with more than twice
        `PIL.Image.MAX_IMAGE_PIXELS` where it can't be read reduced, for one.
    """
    notes: dict[str, None] = {}
    image = _read(given, notes.setdefault, shape, ratio=ratio, size=size)
    if report is not None:
        for note in notes:
            report(f"{opening.named(given)}: {note}")
    return image


def read_opacity(
    given: StrPath | bytes,
    *,
    shape: Shape | None = None,
    ratio: Shape | None = None,
    size: Shape | None = None,
) -> np.ndarray:
    """The alpha channel of an image, `[h, w]` float32: 1 wherever it is opaque.

    Args:
      given: as `read` takes it.
      shape: likewise.
      ratio: likewise.
      size: likewise.

    Raises:
      ImageError: as from `read`.
    """
    how: dict[str, Any] = {"ratio": ratio, "size": size, "depth": 1}
    return _read(given, lambda note: None, shape, opacity=True, **how)[..., 0]


def _read(
    given: StrPath | bytes,
    note: Callable[[str], None],
    shape: Shape | None,
    *,
    opacity: bool = False,
    **how: Any,
) -> np.ndarray:
    with opening.opened(given, note) as picture:
        pixels = decode.pixels(picture, note, opacity=opacity)
        height, width = pixels.shape
        if shape not in (None, pixels.shape):
            raise ImageError(
                f"its header says {shape[1]}x{shape[0]} pixels, but it has "
                f"{width}x{height}; save it anew"
            )
        return resize.resize_rows(pixels.rows, pixels.shape, **how)


def read_small(
    given: StrPath | bytes, longest: int, *, ratio: Shape | None = None
) -> np.ndarray:
    """An image as `read` gives it, but with no side longer than `longest`.

    Args:
      given: as `read` takes it.
      longest: in pixels.
      ratio: as `read` takes it.

    Raises:
      ImageError: as from `read`.
    """
    found = shape(given)
    if ratio is not None:
        found = resize.cropped(found, ratio)
    size = resize.fit(*found, longest) if max(found) > longest else None
    return read(given, ratio=ratio, size=size)


def shape(given: StrPath | bytes) -> Shape:
    """Height and width of the image that `read` would give, from the file's header.

    Raises:
      ImageError: no such file, not readable, no image, or with too many pixels.
    """
    with opening.opened(given) as picture:
        return decode.upright_shape(picture)


def digest(path: StrPath) -> str:
    """SHA-256 of a file's bytes, as hex, if it is one that could hold an image.

    Raises:
      ImageError: no such file, not readable, no regular one, empty, or too large.
    """
    with opening.regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def expanded(path: StrPath, folder: StrPath = "") -> str:
    """A path in which `~` is the home, as in a shell, seen from a folder.

    What really has that name is meant: a file "~" of the folder stays what it is.
    """
    plain = os.path.join(folder, path)
    if not os.fspath(path).startswith("~") or os.path.lexists(plain):
        return plain
    return os.path.join(folder, os.path.expanduser(path))


def write(
    path: StrPath,
    image: np.ndarray,
    *,
    description: Mapping[str, object] | None = None,
    bits: int = 8,
    alpha: np.ndarray | None = None,
) -> None:
    """Writes an image as PNG, JPEG, WebP or TIFF, whichever the file's ending says.

    The file gets its name only once it is complete: a failure leaves what was there
    before, and nothing else. It is tagged as sRGB.

    Args:
      path: the file, which may exist; its folder must.
      image: `[h, w, 3]`, sRGB in [0, 1]; clipped, and rounded to `bits`.
      description: the options and versions that made the image, kept in the file's
        metadata as JSON, where `read_description` finds it; see `encode`.
      bits: of each channel, 8 or 16.
      alpha: `[h, w]` in [0, 1], how opaque each pixel is; None: all are, and the file
        has no such channel.

    Raises:
      ImageError: what `check_writable` and `check_holds` say; pixels that are not
        finite or not floating point; a shape that is no image; an image or description
        that is too large for the format; no space left.
    """
    check_writable(path)
    check_holds(path, bits=bits, alpha=alpha is not None)
    image = _checked(path, image)

    def encoded(format: str) -> bytes:
        return encode.encode(
            image, format, description=description, bits=bits, alpha=alpha
        )

    _write(path, encoded)


def write_drawn(
    path: StrPath,
    picture: Image.Image,
    *,
    description: Mapping[str, object] | None = None,
) -> None:
    """Writes a picture that was drawn: RGB of 8 bits, as large as it may be.

    Like `write`, which would have it as floats, of several times the memory.

    Raises:
      ImageError: as from `write`.
    """
    check_writable(path)
    _write(
        path,
        lambda format: encode.encode_drawn(picture, format, description=description),
    )


def _write(path: StrPath, encoded: Callable[[str], bytes]) -> None:
    format = encode.FORMATS[_ending(path)]
    try:
        content = encoded(format)
    except Exception as error:  # Pillow's encoders raise almost any kind
        message = f"can't be written as {format} ({opening.one_line(error)})"
        raise ImageError(f"{os.fspath(path)}: {message}; try .png") from error
    try:
        outputs.write_whole(path, content)
    except OSError as error:
        message = f"{os.fspath(path)}: could not be written ({error.strerror})"
        raise ImageError(message) from error


def check_writable(path: StrPath) -> None:
    """Finds out early, before the long work, that `write` could not write `path`.

    Raises:
      ImageError: the ending is none of .png, .jpg, .jpeg, .webp, .tif, .tiff; or see
        `outputs.check_place`.
    """
    if _ending(path) not in encode.FORMATS:
        allowed = ", ".join(encode.FORMATS)
        problem = f"the ending is {_ending(path)!r}" if _ending(path) else "no ending"
        message = f"{problem}; give the output one of {allowed}"
        raise ImageError(f"{os.fspath(path)}: {message}")
    outputs.check_place(path)


def check_holds(path: StrPath, *, bits: int = 8, alpha: bool = False) -> None:
    """Finds out early whether the format of `path` can hold what is asked for.

    Raises:
      ImageError: 16 bits for JPEG or WebP, or transparency for JPEG.
    """
    format = encode.FORMATS.get(_ending(path), "")
    if bits == 16 and format in ("JPEG", "WEBP"):
        message = f"bits=16 needs .png or .tif; {format} has 8 bits a channel"
        raise ImageError(f"{os.fspath(path)}: {message}")
    if alpha and format == "JPEG":
        message = "transparency=keep needs .png, .webp or .tif; JPEG has none"
        raise ImageError(f"{os.fspath(path)}: {message}")


def read_description(given: StrPath | bytes) -> dict[str, Any] | None:
    """The `description` that `write` put into the file, or None where there is none.

    Args:
      given: the file, or what one holds.

    Raises:
      ImageError: the file can't be opened, or is no image.
    """
    with opening.opened(given) as picture:
        return encode.description_of(picture)


def is_ours(path: StrPath) -> bool:
    """Whether a file is a picture that `write` wrote, with a description."""
    try:
        return read_description(path) is not None
    except ImageError:
        return False


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
