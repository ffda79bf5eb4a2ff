"""A picture before it is read."""

import dataclasses
import hashlib
import io
import os
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from nst_jax.errors import ImageError
from nst_jax.images import decode, files, kinds, resize
from nst_jax.images.frames import Shape

Report = Callable[[str], None]
"""Takes a line for the user."""


@dataclasses.dataclass(frozen=True)
class Source:
    """A picture before it is read; its identity is its key.

    Attributes:
      key: the path of a file, or the digest of what is given instead.
      given: that: an array as `of` takes it, the bytes of a file, or a picture of
        Pillow's; None of a file.
    """

    key: str
    given: np.ndarray | bytes | Image.Image | None = dataclasses.field(
        default=None, compare=False
    )

    @classmethod
    def of(cls, picture: Any) -> "Source":
        """The source of what a caller gives.

        Args:
          picture: a path, in which `~` is the home; an array `[h, w, 3]`, or grey
            `[h, w]` or `[h, w, 1]`, or with alpha `[h, w, 4]`, sRGB, float in [0, 1] or
            uint8; a PIL image; the bytes of an image file, or a file object that has
            them; or a source.

        Raises:
          ImageError: what is no picture.
        """
        if isinstance(picture, Source):
            return picture
        if isinstance(picture, str | os.PathLike):
            return cls(files.expanded(os.fsdecode(picture)))
        if isinstance(picture, Image.Image):
            return _of_pillow(picture)
        if callable(read := getattr(picture, "read", None)):
            picture = b"" if _is_no_binary(picture) else read()
            if not picture or not isinstance(picture, bytes):
                raise ImageError(
                    "file object without a picture: open the file as binary, and give "
                    "it before it is read"
                )
        if isinstance(picture, bytes | bytearray | memoryview):
            content = bytes(picture)
            return cls(f"bytes {hashlib.sha256(content).hexdigest()}", content)
        array = _checked(np.asarray(picture))
        digest = hashlib.sha256(f"{array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
        return cls(f"array {digest.hexdigest()}", array)

    @property
    def name(self) -> str:
        """How messages call it: its path, or "array" and the like."""
        if self.given is None:
            return self.key
        kind, digest = self.key.split()
        return f"{kind} {digest[:8]}"

    def shape(self) -> Shape:
        """Height and width, without reading the pixels of a file.

        Raises:
          ImageError: a file that can't be read.
        """
        pixels = self._held(_ignore)
        return files.shape(self._file) if pixels is None else pixels.shape

    def read(
        self,
        report: Report | None = None,
        *,
        shape: Shape | None = None,
        ratio: Shape | None = None,
        size: Shape | None = None,
    ) -> np.ndarray:
        """The picture, `[h, w, 3]` float32, sRGB in [0, 1].

        Args:
          report: takes lines for the user; see `files.read`.
          shape: height and width that it is known to have.
          ratio: of height to width, of the middle part that is taken.
          size: height and width that it is brought to.

        Raises:
          ImageError: a file that can't be read, or has another shape.
        """
        notes: dict[str, None] = {}
        pixels = self._held(notes.setdefault)
        if pixels is None:
            return files.read(
                self._file, report=report, shape=shape, ratio=ratio, size=size
            )
        image = resize.resize_rows(pixels.rows, pixels.shape, ratio=ratio, size=size)
        if report is not None:
            for note in notes:
                report(f"{self.name}: {note}")
        return image

    def opacity(
        self,
        *,
        shape: Shape | None = None,
        ratio: Shape | None = None,
        size: Shape | None = None,
    ) -> np.ndarray:
        """The alpha channel, `[h, w]` float32: 1 wherever the picture is opaque.

        Args:
          shape: as of `read`.
          ratio: likewise.
          size: likewise.

        Raises:
          ImageError: a file that can't be read, or has another shape.
        """
        pixels = self._held(_ignore, opacity=True)
        if pixels is None:
            return files.read_opacity(self._file, shape=shape, ratio=ratio, size=size)
        rows = pixels.rows, pixels.shape
        return resize.resize_rows(*rows, ratio=ratio, size=size, depth=1)[..., 0]

    def digest(self) -> str:
        """SHA-256 of the file's bytes, or of what is given; "" if it can't be read."""
        if self.given is not None:
            return self.key.split()[1]
        try:
            return files.digest(self.key)
        except (ImageError, OSError, ValueError):
            return ""

    @property
    def _file(self) -> str | bytes:
        return self.given if isinstance(self.given, bytes) else self.key

    def _held(
        self, note: Callable[[str], object], *, opacity: bool = False
    ) -> decode.Pixels | None:
        """The pixels of what is in memory already."""
        match self.given:
            case np.ndarray():
                return decode.of_array(self.given, note, opacity=opacity)
            case Image.Image():
                return decode.of_upright(self.given, note, opacity=opacity)
        return None


def _ignore(note: str) -> None:
    """Drops words for the user."""


def _is_no_binary(file: Any) -> bool:
    return isinstance(file, io.TextIOBase) or getattr(file, "closed", False) is True


def _of_pillow(picture: Image.Image) -> Source:
    if getattr(picture, "tile", None) and picture.format not in (*kinds.READ, "MPO"):
        raise ImageError(f"picture of Pillow's: {picture.format} is not read; load it")
    try:
        copy = decode.upright(picture)  # The caller's may change.
    except Exception as error:  # Pillow's decoders raise almost any kind
        message = f"picture of Pillow's: can't be decoded ({error})"
        raise ImageError(message) from error
    palette = copy.palette.palette if copy.palette else None
    told = copy.mode, copy.size, copy.info.get("icc_profile"), palette
    seen = copy.info.get("transparency"), getattr(copy, "tag_v2", None)
    digest = hashlib.sha256(repr((told, seen)).encode())
    digest.update(copy.tobytes())
    return Source(f"picture {digest.hexdigest()}", copy)


def _checked(array: np.ndarray) -> np.ndarray:
    depth = array.shape[2] if array.ndim == 3 else 1
    fits = array.ndim in (2, 3) and depth in (1, 3, 4) and array.size > 0
    if not fits or not (array.dtype.kind == "f" or array.dtype == np.uint8):
        raise ImageError(
            f"array of shape {array.shape} and dtype {array.dtype}: a picture is "
            "[h, w, 3], or grey [h, w], or with alpha [h, w, 4], sRGB, float in [0, 1] "
            "or uint8"
        )
    if array.dtype == np.uint8:
        return array
    if not np.isfinite(array).all():
        raise ImageError("array with values that are not finite: give numbers alone")
    if not 0 <= array.min() <= array.max() <= 1:
        raise ImageError("array values outside of [0, 1]: divide them by 255?")
    return array
