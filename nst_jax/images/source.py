"""A picture before it is read."""

import dataclasses
import hashlib
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from nst_jax.errors import ImageError
from nst_jax.images import files
from nst_jax.images.frames import Shape

Report = Callable[[str], None]
"""Takes a line for the user."""


@dataclasses.dataclass(frozen=True)
class Source:
    """A picture before it is read; its identity is its key.

    Attributes:
      key: the path of a file as it was given, or the digest of an array.
      array: `[h, w, 3]` float in [0, 1]; None of a file.
    """

    key: str
    array: np.ndarray | None = dataclasses.field(default=None, compare=False)

    @classmethod
    def of(cls, picture: Any) -> "Source":
        """The source of what a caller gives.

        Args:
          picture: a path, or an array `[h, w, 3]`, sRGB in [0, 1]; or a source.

        Raises:
          ImageError: an array that is no picture.
        """
        if isinstance(picture, Source):
            return picture
        if isinstance(picture, str | os.PathLike):
            return cls(os.fspath(picture))
        array = _checked(np.asarray(picture))
        digest = hashlib.sha256(f"{array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
        return cls(f"array {digest.hexdigest()}", array)

    def shape(self) -> Shape:
        """Height and width, without reading the pixels of a file.

        Raises:
          ImageError: a file that can't be read.
        """
        if self.array is not None:
            return self.array.shape[0], self.array.shape[1]
        return files.shape(self.key)

    def read(self, report: Report | None = None) -> np.ndarray:
        """The picture, `[h, w, 3]` float32, sRGB in [0, 1].

        Args:
          report: takes lines for the user; see `files.read`.

        Raises:
          ImageError: a file that can't be read.
        """
        if self.array is not None:
            return self.array.astype(np.float32)
        return files.read(self.key, report=report)

    def digest(self) -> str:
        """SHA-256 of the file's bytes, or of the array; "" of what can't be read."""
        if self.array is not None:
            return self.key.removeprefix("array ")
        try:
            with open(self.key, "rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except (OSError, ValueError):
            return ""


def _checked(array: np.ndarray) -> np.ndarray:
    fits = array.ndim == 3 and array.shape[2] == 3 and array.size > 0
    if not fits or array.dtype.kind != "f":
        raise ImageError(
            f"array of shape {array.shape} and dtype {array.dtype}: a picture is "
            "float [h, w, 3], sRGB in [0, 1] (divide uint8 values by 255)"
        )
    if not (np.isfinite(array).all() and 0 <= array.min() <= array.max() <= 1):
        raise ImageError("array values outside of [0, 1]: divide them by 255?")
    return array
