"""Embedded ICC colour profiles to sRGB, by Little CMS (Pillow's `ImageCms`).

Intent: relative colorimetric with black point compensation, the usual choice for
photographs: colours that sRGB has stay as they are, white stays white and black black.
"""

import functools
import io
import struct

import numpy as np
from PIL import Image, ImageCms

_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION
_MODES = {"RGB": "RGB", "CMYK": "CMYK", "Lab": "LAB"}


class ProfileError(ValueError):
    """An embedded profile that can't be used, and why."""


@functools.cache
def srgb_profile() -> bytes:
    """The sRGB profile that output files carry; the same bytes on each call and day."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # Bytes 24-35 hold the time of creation; a fixed one makes output reproducible.
    return profile[:24] + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + profile[36:]


def colours_to_srgb(picture: Image.Image, icc: bytes) -> Image.Image:
    """Converts the pixels of a colour picture by its embedded profile.

    Args:
      picture: of mode RGB or one that Pillow converts to it, CMYK, or LAB.
      icc: the profile; its colour space must be the picture's.

    Returns:
      A picture of mode RGB and the same size, in sRGB.

    Raises:
      ProfileError: the profile is broken, or for another colour space.
    """
    profile = _open(icc)
    mode = _MODES.get(_space(profile), "")
    if mode == "RGB" and picture.mode not in ("CMYK", "LAB"):
        picture = picture.convert("RGB")
    if picture.mode != mode:
        message = f"it is for {_space(profile)} pixels, these are {picture.mode}"
        raise ProfileError(message)
    return _apply(profile, ImageCms.createProfile("sRGB"), picture, "RGB")


def greys_to_srgb(greys: np.ndarray, icc: bytes) -> np.ndarray:
    """Converts grey values by their embedded profile, with 16 bits of precision.

    A profile for RGB is taken too (editors leave it in place when they remove the
    colours): grey is then red = green = blue.

    Args:
      greys: `[h, w]`, in [0, 1].
      icc: the profile, for grey or RGB.

    Returns:
      `[h, w]` float32 in [0, 1]: the sRGB value of all three channels.

    Raises:
      ProfileError: the profile is broken, or for another colour space.
    """
    profile = _open(icc)
    if _space(profile) == "GRAY":
        ramp = Image.fromarray(np.arange(2**16, dtype=np.uint16)[None])
    elif _space(profile) == "RGB":
        steps = np.arange(2**8, dtype=np.uint8)
        ramp = Image.fromarray(np.stack([steps] * 3, axis=-1)[None])
    else:
        message = f"it is for {_space(profile)} pixels, these are grey"
        raise ProfileError(message)
    target = ImageCms.ImageCmsProfile(io.BytesIO(_grey_srgb_profile()))
    # Little CMS's optimised curves are off by up to 4% of full scale near black.
    exact = _FLAGS | ImageCms.Flags.NOOPTIMIZE
    converted = np.asarray(_apply(profile, target, ramp, "I;16", flags=exact))[0]
    curve = converted.astype(np.float32) / 65535
    return np.interp(greys, np.linspace(0, 1, curve.size), curve).astype(np.float32)


def _open(icc: bytes) -> ImageCms.ImageCmsProfile:
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(icc))
    except OSError as error:
        raise ProfileError("it is damaged") from error


def _space(profile: ImageCms.ImageCmsProfile) -> str:
    return profile.profile.xcolor_space.strip()


def _apply(
    source: ImageCms.ImageCmsProfile,
    target: ImageCms.ImageCmsProfile | ImageCms.core.CmsProfile,
    picture: Image.Image,
    mode: str,
    *,
    flags: ImageCms.Flags = _FLAGS,
) -> Image.Image:
    try:
        transform = ImageCms.buildTransform(
            source, target, picture.mode, mode, _INTENT, flags
        )
        converted = ImageCms.applyTransform(picture, transform)
    except ImageCms.PyCMSError as error:
        raise ProfileError(f"Little CMS says: {error}") from error
    assert converted is not None  # it is None only for inPlace=True
    return converted


@functools.cache
def _grey_srgb_profile() -> bytes:
    # Pillow makes no grey profile, so this writes the smallest one that ICC.1:2010
    # allows: grey with sRGB's tone curve (IEC 61966-2-1) under the D50 white.
    def fixed(*values: float) -> bytes:
        return struct.pack(f">{len(values)}i", *(round(v * 65536) for v in values))

    def text(value: str) -> bytes:
        utf16 = value.encode("utf-16-be")
        header = struct.pack(">4sIII4sII", b"mluc", 0, 1, 12, b"enUS", len(utf16), 28)
        return (header + utf16).ljust(-(-(28 + len(utf16)) // 4) * 4, b"\0")

    white = fixed(0.9642, 1.0, 0.8249)
    curve = fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    tags = {
        b"desc": text("sRGB grey"),
        b"cprt": text("CC0"),
        b"wtpt": b"XYZ \0\0\0\0" + white,
        b"kTRC": b"para\0\0\0\0" + struct.pack(">HH", 3, 0) + curve,
    }
    offset = 128 + 4 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    for signature, content in tags.items():
        table += signature + struct.pack(">II", offset + len(data), len(content))
        data += content
    # Size, no maker, version 4.2, class, spaces; the fixed fields; D50; padding.
    header = struct.pack(
        ">II I4s4s4s", offset + len(data), 0, 0x04200000, b"mntr", b"GRAY", b"XYZ "
    ) + struct.pack(">6H4s28x", 2000, 1, 1, 0, 0, 0, b"acsp")
    return (header + white).ljust(128, b"\0") + table + data
