"""From an image of this project to the bytes of a file, and what is written in them.

Where the description of a run is kept: PNG, an iTXt chunk with the keyword `nst_jax`
that holds the description as JSON; JPEG, WebP and TIFF, the ImageDescription tag (EXIF
0x010E, TIFF 270) that holds `{"nst_jax": description}`. The Software tag (PNG: tEXt
chunk) is `nst_jax` and its version. All files carry an sRGB ICC profile.
"""

import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

from nst_jax.images import deep, profiles
from nst_jax.version import __version__

# File ending -> Pillow's name of the format.
FORMATS: Mapping[str, str] = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
_KEY = "nst_jax"
_QUALITY = 95  # Of JPEG, which keeps full colour resolution (4:4:4), and WebP.
_DESCRIPTION_TAG, _SOFTWARE_TAG = 0x010E, 0x0131


def quantize(image: np.ndarray, bits: int = 8) -> np.ndarray:
    """Clips to [0, 1] and rounds to the nearest level, uint8 or of 16 bits uint16."""
    clipped = np.clip(np.asarray(image, np.float32), 0, 1)
    kind = np.uint8 if bits == 8 else np.uint16
    return np.rint(clipped * np.float32(np.iinfo(kind).max)).astype(kind)


def encode(
    image: np.ndarray,
    format: str,
    *,
    description: Mapping[str, object] | None,
    bits: int = 8,
    alpha: np.ndarray | None = None,
) -> bytes:
    """The bytes of an image file.

    Args:
      image: `[h, w, 3]`, sRGB in [0, 1] (clipped), finite.
      format: a value of `FORMATS`.
      description: what made the image; tuples become lists, arrays nested lists, and
        what JSON lacks, text. None: nothing is written about it.
      bits: of each channel: 8, or 16 of PNG and TIFF.
      alpha: `[h, w]` in [0, 1], opacity, not of JPEG; None: no such channel.

    Raises:
      Exception: of several kinds, from Pillow's encoders: the image is too large for
        the format (JPEG: 65500 pixels a side, WebP: 16383), the description too long
        (JPEG: 64 kB).
    """
    if alpha is not None:
        image = np.concatenate([image, alpha[..., None]], axis=-1)
    levels = quantize(image, bits)
    if format == "TIFF" and bits == 16:
        about = None if description is None else _to_json({_KEY: dict(description)})
        software = f"nst_jax {__version__}"
        return deep.tiff(levels, description=about, software=software)
    # Pillow's encoders take 8 bits a channel: what is around these is theirs.
    whole = levels if bits == 8 else levels[:1, :1].astype(np.uint8)
    content = encode_drawn(Image.fromarray(whole), format, description=description)
    return content if bits == 8 else deep.png(levels, content)


def encode_drawn(
    picture: Image.Image, format: str, *, description: Mapping[str, object] | None
) -> bytes:
    """The bytes of a file of a picture that is levels of 8 bits already.

    Args:
      picture: RGB or RGBA, sRGB; no copy is made of it.
      format: as of `encode`.
      description: likewise.

    Raises:
      Exception: as from `encode`.
    """
    software = f"nst_jax {__version__}"
    settings: dict[str, dict[str, Any]] = {
        "PNG": {},
        "JPEG": {"quality": _QUALITY, "subsampling": 0},
        "WEBP": {"quality": _QUALITY},
        "TIFF": {"compression": "tiff_adobe_deflate"},
    }
    arguments = settings[format]
    if format == "PNG":
        chunks = PngImagePlugin.PngInfo()
        chunks.add_text("Software", software)
        if description is not None:
            chunks.add_itxt(_KEY, _to_json(dict(description)))
        arguments["pnginfo"] = chunks
    else:
        exif = Image.Exif()
        exif[_SOFTWARE_TAG] = software
        if description is not None:
            exif[_DESCRIPTION_TAG] = _to_json({_KEY: dict(description)})
        arguments["exif"] = exif
    file = io.BytesIO()
    picture.save(file, format, icc_profile=profiles.srgb_profile(), **arguments)
    return file.getvalue()


def description_of(picture: Image.Image) -> dict[str, Any] | None:
    """The description that `encode` wrote, or None where there is none of ours."""
    if picture.format == "PNG":
        description = _from_json(picture.info.get(_KEY))
    else:
        content = _from_json(picture.getexif().get(_DESCRIPTION_TAG))
        description = content.get(_KEY) if isinstance(content, dict) else None
    return description if isinstance(description, dict) else None


def _to_json(value: object) -> str:
    # ASCII, since EXIF and TIFF allow no other text in this tag.
    return json.dumps(value, default=_plain, ensure_ascii=True)


def _plain(value: Any) -> object:
    return value.tolist() if hasattr(value, "tolist") else str(value)


def _from_json(text: object) -> object:
    try:
        return json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):  # Nested without end, by a stranger.
        return None
