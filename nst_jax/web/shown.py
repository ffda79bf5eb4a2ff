"""Pictures as a browser gets them."""

import dataclasses
import hashlib
import io
from pathlib import Path

import numpy as np
from PIL import Image

from nst_jax.images import encode, files, resize
from nst_jax.images.frames import Shape

_QUALITY = 90


@dataclasses.dataclass(frozen=True)
class Shown:
    """A picture with what HTTP says of it.

    Attributes:
      bytes: of the file.
      media_type: such as "image/jpeg".
      etag: tells it from others, in double quotes.
    """

    bytes: bytes
    media_type: str
    etag: str


def shown(content: bytes) -> Shown:
    """A JPEG file's bytes, as a browser gets them."""
    digest = hashlib.sha256(content).hexdigest()
    return Shown(content, "image/jpeg", f'"{digest[:32]}"')


def jpeg(image: np.ndarray, longest: int) -> bytes:
    """`[h, w, 3]` in [0, 1] as a JPEG file's bytes, no side longer than `longest`."""
    if max(image.shape[:2]) > longest:
        image = resize.resize_longest(image, longest)
    file = io.BytesIO()
    Image.fromarray(encode.quantize(image)).save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()


def jpeg_of(given: Path | bytes, longest: int, *, ratio: Shape | None = None) -> bytes:
    """A picture file, upright and in sRGB, as a JPEG file's bytes.

    Args:
      given: the file, or what it holds.
      longest: no side is longer.
      ratio: of height to width, of the middle part that is taken; None: all.

    Raises:
      ImageError: a file that can't be read.
    """
    return jpeg(files.read_small(given, longest, ratio=ratio), longest)
