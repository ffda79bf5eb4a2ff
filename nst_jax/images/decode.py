"""From an opened Pillow picture, of any mode, to an image of this project."""

import dataclasses
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFile, ImageOps, PngImagePlugin

from nst_jax.images import profiles
from nst_jax.images.frames import Shape

_GREY_MODES = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N", "F")
_ALPHA_MODES = ("P", "PA", "RGB", "RGBA", "RGBa")
_SEQUENCES = ("AVIF", "GIF", "PNG", "TIFF", "WEBP")
_WIDTH, _HEIGHT, _BITS_PER_SAMPLE, _SAMPLE_FORMAT = 256, 257, 258, 339  # TIFF tags
_SIGNED = 2
_ORIENTATION, _TURNED = 274, (5, 6, 7, 8)  # EXIF: lying on a side


@dataclasses.dataclass(frozen=True)
class Pixels:
    """The pixels of a picture, converted a few rows at a time.

    Attributes:
      shape: height and width.
      rows: gives them from a row to another, `[n, w, 3]` float32 in [0, 1], or some of
        the channels.
    """

    shape: Shape
    rows: Callable[[int, int, slice], np.ndarray]


def pixels(
    picture: Image.Image, note: Callable[[str], object], *, opacity: bool = False
) -> Pixels:
    """The pixels of `picture`, turned upright, in sRGB, on white.

    Grey keeps up to 16 bits of precision. Pillow itself cuts other 16-bit pictures
    (RGB, and grey with alpha) down to 8 bits, and takes only grey as floating point,
    whose range is then [0, 1].

    Args:
      picture: as `PIL.Image.open` gives it; it is loaded and changed.
      note: is called with a few words for each thing that the user should know, for
        some of them with each rows that are asked for.
      opacity: give its alpha channel instead, one channel: 1 where it has none.

    Raises:
      Exception: of almost any kind, from Pillow's decoders, when the data is damaged.
      ValueError: from `rows`, of pixels that are not finite.
    """
    # Not MPO and PSD, whose further frames (depth maps, layers) nobody asks for.
    if picture.format in _SEQUENCES and getattr(picture, "is_animated", False):
        note("has several frames or pages; took the first")
    _correct_transparent_value(picture)
    picture.load()
    _turn_upright(picture, note)

    return of_upright(picture, note, opacity=opacity)


def of_upright(
    picture: Image.Image, note: Callable[[str], object], *, opacity: bool = False
) -> Pixels:
    """`pixels` of a picture that is loaded and turned already, and is not changed."""
    converted = _opacity if opacity else _converted

    def rows(top: int, bottom: int, channels: slice) -> np.ndarray:
        if (top, bottom) == (0, picture.height):
            return converted(picture, channels, note)
        part = picture.crop((0, top, picture.width, bottom))
        # What tells how grey values are scaled.
        part.tag_v2 = getattr(picture, "tag_v2", None)  # type: ignore[attr-defined]
        return converted(part, channels, note)

    whole = Pixels((picture.height, picture.width), rows)
    if not _is_large(picture):
        return whole
    note(f"has {picture.width}x{picture.height} pixels; read at 1/2 of that")
    return _halved(whole)


def _is_large(picture: Image.Image) -> bool:
    limit = Image.MAX_IMAGE_PIXELS
    return limit is not None and picture.width * picture.height > limit


def _halved(whole: Pixels) -> Pixels:
    # Means of 2 x 2 pixels, without the last row or column of an odd number.
    height, width = (side // 2 for side in whole.shape)

    def rows(top: int, bottom: int, channels: slice) -> np.ndarray:
        both = whole.rows(2 * top, 2 * bottom, channels)[:, : 2 * width]
        return both.reshape(bottom - top, 2, width, 2, -1).mean((1, 3))

    return Pixels((height, width), rows)


def _converted(
    picture: Image.Image, channels: slice, note: Callable[[str], object]
) -> np.ndarray:
    colours, alpha = _parts(picture, note)
    return _on_white(colours[..., channels], alpha, note)


def _opacity(
    picture: Image.Image, channels: slice, note: Callable[[str], object]
) -> np.ndarray:
    # [h, w, 1] float32
    _, alpha = _parts(picture, note)
    if alpha is None:
        return np.ones((picture.height, picture.width, 1), np.float32)
    return _unit(alpha)[..., None]


def _parts(
    picture: Image.Image, note: Callable[[str], object]
) -> tuple[np.ndarray, np.ndarray | None]:
    # [h, w, 3], [h, w] or None, uint8 or float32 in [0, 1]
    of_mode = _grey if picture.mode in _GREY_MODES else _colour
    return of_mode(picture, note)


def _on_white(
    colours: np.ndarray, alpha: np.ndarray | None, note: Callable[[str], object]
) -> np.ndarray:
    # [h, w, c] uint8 or in [0, 1], [h, w] likewise or None -> [h, w, c] float32
    colours = _unit(colours)
    if alpha is None or (alpha := _unit(alpha)).min() == 1:
        return colours
    note("has transparency; composited on white")
    return colours * alpha[..., None] + (1 - alpha[..., None])


def of_array(
    array: np.ndarray, note: Callable[[str], object], *, opacity: bool = False
) -> Pixels:
    """The pixels of an array that may be grey, have alpha, or hold 8 bits; on white.

    Args:
      array: `[h, w]`, or `[h, w, c]` of 1, 3 or 4 channels; uint8, or float in [0, 1].
      note: see `pixels`.
      opacity: likewise.
    """
    channels = array[..., None] if array.ndim == 2 else array

    def rows(top: int, bottom: int, some: slice) -> np.ndarray:
        part = channels[top:bottom]
        alpha = part[..., 3] if part.shape[2] == 4 else None
        if opacity:
            opaque = np.ones(part.shape[:2], np.float32)
            return (opaque if alpha is None else _unit(alpha))[..., None]
        if part.shape[2] == 1:
            part = part.repeat(3, axis=-1)
        return _on_white(part[..., some], alpha, note)

    return Pixels((array.shape[0], array.shape[1]), rows)


def upright(picture: Image.Image) -> Image.Image:
    """A copy of a picture of Pillow's, loaded and turned, for `of_upright`."""
    _correct_transparent_value(picture)
    copy, tags = picture.copy(), getattr(picture, "tag_v2", None)
    _turn_upright(copy, lambda note: None)
    if tags:
        kept = {
            tag: tags[tag] for tag in (_BITS_PER_SAMPLE, _SAMPLE_FORMAT) if tag in tags
        }
        copy.tag_v2 = kept  # type: ignore[attr-defined]
    return copy


def upright_shape(picture: Image.Image) -> tuple[int, int]:
    """Height and width of what `pixels` would give; no pixel is decoded."""
    width, height = picture.size
    if tags := getattr(picture, "tag_v2", None):  # Pillow's size is turned already.
        width, height = tags[_WIDTH], tags[_HEIGHT]
    if _is_large(picture):
        width, height = width // 2, height // 2
    try:
        # Not the PNG class's own, which decodes all pixels to get at what follows them.
        orientation = Image.Image.getexif(picture).get(_ORIENTATION)
        if orientation is None and isinstance(picture, PngImagePlugin.PngImageFile):
            orientation = _exif_of_all_chunks(picture).get(_ORIENTATION)
    except Exception:  # as in `_turn_upright`
        orientation = None
    return (width, height) if orientation in _TURNED else (height, width)


def _exif_of_all_chunks(picture: PngImagePlugin.PngImageFile) -> Image.Exif:
    # As Pillow finds it in the chunks (EXIF, XMP, ImageMagick's text), wherever in the
    # file they are.
    holder = Image.new("1", (1, 1))
    if (file := picture.fp) is not None:
        place = file.tell()
        file.seek(8)
        stream = PngImagePlugin.PngStream(file)
        while (chunk := stream.read())[0] != b"IEND":
            if chunk[0] in (b"eXIf", b"iTXt", b"tEXt", b"zTXt"):
                stream.call(*chunk)
            file.seek(chunk[1] + chunk[2] + 4)
        file.seek(place)
        holder.info.update(stream.im_info)
    return holder.getexif()


def _turn_upright(picture: Image.Image, note: Callable[[str], object]) -> None:
    try:
        ImageOps.exif_transpose(picture, in_place=True)
    except Exception:  # anything: Pillow's EXIF parser trusts the offsets it reads
        note("has broken EXIF data; ignored it, check that the picture is upright")


def _correct_transparent_value(picture: Image.Image) -> None:
    # Pillow scales a PNG's 1-, 2-, 4- and 16-bit values to 8 bits, but (1-bit: in old
    # versions) not the one value that its tRNS chunk declares transparent.
    if not isinstance(picture, ImageFile.ImageFile) or picture.format != "PNG":
        return
    value = picture.info.get("transparency")
    packing = picture.tile[0][3] if picture.tile else None
    if packing == "1" and isinstance(value, int):
        picture.info["transparency"] = 255 if value else 0
    elif packing in ("L;2", "L;4") and isinstance(value, int):
        picture.info["transparency"] = value * {"L;2": 85, "L;4": 17}[packing]
    elif packing == "RGB;16B" and isinstance(value, tuple):
        picture.info["transparency"] = tuple(v >> 8 for v in value)


def _grey(
    picture: Image.Image, note: Callable[[str], object]
) -> tuple[np.ndarray, np.ndarray | None]:
    # -> [h, w, 3], [h, w] or None, uint8 or float32 in [0, 1]
    alpha = None
    if picture.mode in ("LA", "La"):
        values, opacity = np.moveaxis(np.asarray(picture.convert("LA")), -1, 0)
        greys, alpha = _unit(values), opacity
    else:
        values = np.asarray(picture)
        if picture.mode == "1":
            values = values * np.uint8(255)
        transparent = picture.info.get("transparency")
        if isinstance(transparent, int):
            alpha = (values != transparent).astype(np.float32)
        greys = _scaled(picture, values, note)
    icc = picture.info.get("icc_profile")
    if icc:
        try:
            greys = profiles.greys_to_srgb(greys, icc)
        except profiles.ProfileError as error:
            _note_unused_profile(note, error)
    return np.broadcast_to(greys[..., None], (*greys.shape, 3)), alpha


def _scaled(
    picture: Image.Image, values: np.ndarray, note: Callable[[str], object]
) -> np.ndarray:
    # Grey values of any depth -> [h, w] float32 in [0, 1].
    if picture.mode in ("1", "L"):
        return _unit(values)
    full = 1.0 if picture.mode == "F" else 65535.0
    tags = getattr(picture, "tag_v2", None)
    if tags and picture.mode != "F":
        (bits,) = tags.get(_BITS_PER_SAMPLE, (16,))[:1]
        signed = tags.get(_SAMPLE_FORMAT, (1,))[:1] == (_SIGNED,)
        full = 2.0 ** (bits - signed) - 1
        if bits == 32 and not signed:
            values = values.view(np.uint32)
    if not np.isfinite(values).all():
        raise ValueError("it has pixels that are not finite")
    # float64: a float32 can't hold a 32-bit value.
    greys = np.asarray(values, np.float64) / full
    if greys.min() < 0 or greys.max() > 1:
        note(f"has values outside [0, {full:.10g}]; clipped them")
    return np.clip(greys, 0, 1).astype(np.float32)


def _colour(
    picture: Image.Image, note: Callable[[str], object]
) -> tuple[np.ndarray, np.ndarray | None]:
    # -> [h, w, 3], [h, w] or None, uint8 or float32 in [0, 1]
    alpha = None
    icc = picture.info.get("icc_profile")
    if picture.mode in _ALPHA_MODES and picture.has_transparency_data:
        picture = picture.convert("RGBA")
        alpha = np.asarray(picture.getchannel("A"))
    if icc:
        try:
            return np.asarray(profiles.colours_to_srgb(picture, icc)), alpha
        except profiles.ProfileError as error:
            _note_unused_profile(note, error)
    if picture.mode == "CMYK":
        note("is CMYK without a usable colour profile; the colours are a rough guess")
    return np.asarray(picture.convert("RGB")), alpha


def _unit(values: np.ndarray) -> np.ndarray:
    # uint8, or in [0, 1] already -> float32 in [0, 1], an array of its own
    scale = 255 if values.dtype == np.uint8 else 1
    return np.divide(values, np.float32(scale), dtype=np.float32)


def _note_unused_profile(note: Callable[[str], object], error: Exception) -> None:
    note(f"has a colour profile that can't be used ({error}); read as sRGB")
