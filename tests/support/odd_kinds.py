"""Odd and bad files of further kinds, and of no picture, as in `odd_pictures.py`."""

import io
import struct

import numpy as np
import tifffile
from PIL import Image

from support import odd_pictures
from support.odd_pictures import (
    CLEAR,
    DAMAGED,
    FRAMES,
    SIDE,
    UNKNOWN,
    Made,
    Opens,
    Refused,
    noise,
    saved,
    zipped,
)


def other_files() -> Made:
    """GIF, WebP, BMP, ICO and further kinds."""
    two = [Image.fromarray(noise(3)), Image.new("RGB", (64, 48))]
    several = {"save_all": True, "append_images": two}
    gif, webp, bmp = saved("GIF"), saved("WEBP", lossless=True), saved("BMP")
    clear = Image.fromarray(noise(4), "RGBA")
    high, _ = SIDE

    def bitmap(**at: tuple[int, bytes]) -> bytes:
        content = bytearray(bmp)
        for place, value in at.values():
            content[place : place + len(value)] = value
        return bytes(content)

    ico = saved("ICO", Image.fromarray(noise(3, (32, 32))), sizes=[(32, 32)])
    return {
        "animated.gif": (saved("GIF", **several), Opens(SIDE, (FRAMES,))),
        "no_size.gif": (gif[:6] + bytes(4) + gif[10:], Opens(SIDE)),
        "bad_codes.gif": (gif[: -len(gif) // 2] + bytes(99), DAMAGED),
        "signature.gif": (b"GIF89a", UNKNOWN),
        "animated.webp": (saved("WEBP", **several), Opens(SIDE, (FRAMES,))),
        "clear.webp": (saved("WEBP", clear), Opens(SIDE, (CLEAR,))),
        "wrong_length.webp": (webp[:4] + b"\xff\xff\xff\x7f" + webp[8:], DAMAGED),
        "bomb.webp": (
            webp[:21] + struct.pack("<I", 16383 - 1 | 16383 - 1 << 14) + webp[25:],
            Refused("the limit"),
        ),
        "upside_down.bmp": (bitmap(high=(22, struct.pack("<i", -high))), Opens(SIDE)),
        "no_rows.bmp": (bitmap(high=(22, bytes(4))), UNKNOWN),
        "bomb.bmp": (
            bitmap(size=(18, struct.pack("<ii", 30_000, 30_000))),
            Refused("limit"),
        ),
        "holds_jpeg.bmp": (bitmap(packed=(30, b"\4")), DAMAGED),
        "begins_nowhere.bmp": (bitmap(start=(10, b"\xff\xff\xff\x7f")), DAMAGED),
        "two_colours.bmp": (
            saved("BMP", Image.fromarray(noise(1)).convert("1")),
            Opens(SIDE),
        ),
        "palette.bmp": (
            saved("BMP", Image.fromarray(noise(1)).convert("P")),
            Opens(SIDE),
        ),
        "run_lengths.bmp": (run_lengths(), Opens((2, 4))),
        "a.dib": (bmp[14:], Opens(SIDE)),
        "a.ico": (ico, Opens((32, 32))),
        "none.ico": (b"\0\0\1\0\0\0", UNKNOWN),
        "far.ico": (ico[:18] + b"\xff\xff\xff\x7f" + ico[22:], UNKNOWN),
        "cursor.cur": (b"\0\0\2\0" + ico[4:], UNKNOWN),
        "a.dds": (saved("DDS"), Opens(SIDE)),
        "a.pcx": (saved("PCX"), Opens(SIDE)),
        "a.sgi": (saved("SGI"), Opens(SIDE)),
        "a.tga": (saved("TGA"), Opens(SIDE)),
        "clear.tga": (saved("TGA", clear), Opens(SIDE, (CLEAR,))),
        "a.psd": (psd(3, bytes(3 * 4)), Opens((2, 2))),
        "layers_alone.psd": (psd(3, b""), DAMAGED),
        "many_channels.psd": (psd(99, bytes(400)), Opens((2, 2))),
        "a.qoi": (
            b"qoif" + struct.pack(">IIBB", 2, 1, 3, 0) + b"\xc1" + bytes(7) + b"\1",
            Opens((1, 2)),
        ),
        "a.pbm": (b"P1 4 1 0 1 1 0\n", Opens((1, 4))),
        "a.pgm": (b"P5 2 1 65535\n\1\2\3\4", Opens((1, 2))),
        "text.ppm": (b"P3 1 1 255\n1 2 3\n", Opens((1, 1))),
        "hundred.ppm": (b"P6 1 1 100\n\1\2\3", Opens((1, 1))),
        "floats.pfm": (b"Pf 1 1 -1.0\n\0\0\0?", Opens((1, 1))),
        "floats_none.pfm": (b"Pf 1 1 -1.0\n\0\0\xc0\x7f", Refused("not finite")),
        "negative.ppm": (b"P6 -4 4 255\n" + bytes(48), UNKNOWN),
        "no_size.ppm": (b"P6 0 0 255\n", UNKNOWN),
        "words.ppm": (b"P6 wide high 255\n", DAMAGED),
        "deep.ppm": (b"P6 1 1 99999999999\n\1\2\3", DAMAGED),
        "bomb.ppm": (b"P6 99999 99999 255\n", Refused("the limit")),
        "reduced.j2k": (saved("JPEG2000", no_jp2=True), Opens(SIDE)),
        "clear.avif": (saved("AVIF", clear), Opens(SIDE, (CLEAR,))),
    }


def run_lengths() -> bytes:
    """A BMP of 4 x 2 pixels in RLE8, with a run that goes beyond its row."""
    pixels = b"\x09\1\0\0\4\2\0\1"
    head = struct.pack("<IiiHHIIiiII", 40, 4, 2, 1, 8, 1, len(pixels), 0, 0, 4, 0)
    colours = bytes(range(16))
    start = 14 + len(head) + len(colours)
    size = start + len(pixels)
    return b"BM" + struct.pack("<IHHI", size, 0, 0, start) + head + colours + pixels


def psd(channels: int, data: bytes) -> bytes:
    """A PSD of 2 x 2 pixels without layers."""
    head = b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", channels, 2, 2, 8, 3)
    return head + bytes(12) + b"\0\0" + data


def tiff_files() -> Made:
    """TIFF, tag by tag."""

    def floats(*values: float) -> bytes:
        file = io.BytesIO()
        tifffile.imwrite(file, np.array([values], np.float32))
        return file.getvalue()

    def of(array: np.ndarray, **options: object) -> bytes:
        file = io.BytesIO()
        tifffile.imwrite(file, array, **options)
        return file.getvalue()

    whole = saved("TIFF")
    page = [Image.new("RGB", (4, 4), "blue")]
    many = {"save_all": True, "append_images": page}
    beyond = whole.replace(
        struct.pack("<HHII", 273, 4, 1, 8)[:8], struct.pack("<HHI", 273, 4, 1)
    )
    return {
        "nan.tif": (floats(0.5, float("nan")), Refused("pixels that are not finite")),
        "infinite.tif": (floats(0.5, float("inf")), Refused("pixels that are not fin")),
        "bright.tif": (floats(-1, 5), Opens((1, 2), ("values outside [0, 1]",))),
        "half_floats.tif": (of(np.ones((2, 3), np.float16)), UNKNOWN),
        "doubles.tif": (of(np.ones((2, 3), np.float64)), UNKNOWN),
        "deep.tif": (of(np.full((2, 3), 2**31, np.uint32)), Opens((2, 3))),
        "signed.tif": (
            of(np.full((2, 3), -5, np.int16)),
            Opens((2, 3), ("values outside",)),
        ),
        "colour_16.tif": (of(np.ones((2, 3, 3), np.uint16)), Opens((2, 3))),
        "planes.tif": (
            of(
                noise(3).transpose(2, 0, 1).copy(),
                photometric="rgb",
                planarconfig="separate",
            ),
            Opens(SIDE),
        ),
        "tiles.tif": (of(noise(3), tile=(16, 16), photometric="rgb"), Opens(SIDE)),
        "big.tif": (of(noise(3), bigtiff=True, photometric="rgb"), Opens(SIDE)),
        "other_end.tif": (of(noise(3), byteorder=">", photometric="rgb"), Opens(SIDE)),
        "lab.tif": (saved("TIFF", Image.new("LAB", (4, 3))), Opens((3, 4))),
        "inks.tif": (
            saved("TIFF", Image.fromarray(noise(4), "CMYK")),
            Opens(SIDE, ("a rough guess",)),
        ),
        "fax.tif": (
            saved("TIFF", Image.fromarray(noise(1)).convert("1"), compression="group4"),
            Opens(SIDE),
        ),
        "jpeg.tif": (saved("TIFF", compression="jpeg"), Opens(SIDE)),
        "pages.tif": (saved("TIFF", **many), Opens(SIDE, (FRAMES,))),
        "circle.tif": (circle(), Opens((1, 1))),
        "many_tags.tif": (b"II*\0\x08\0\0\0\xff\xff" + bytes(12 * 70), UNKNOWN),
        "huge_tag.tif": (
            whole.replace(
                struct.pack("<HHI", 258, 3, 3), struct.pack("<HHI", 258, 3, 2**31)
            ),
            UNKNOWN,
        ),
        "far_strip.tif": (beyond_the_end(), DAMAGED),
        "no_tags.tif": (b"II*\0\x08\0\0\0\0\0\0\0\0\0", UNKNOWN),
        "nowhere.tif": (b"II*\0\xff\xff\xff\x7f", UNKNOWN),
        "unknown_packing.tif": (
            whole.replace(
                struct.pack("<HHII", 259, 3, 1, 1),
                struct.pack("<HHII", 259, 3, 1, 9999),
            ),
            UNKNOWN,
        ),
        "and_same.tif": (beyond, Opens(SIDE)),
    }


def _tiff(tags: dict[int, int], after: int) -> bytes:
    entries = b"".join(
        struct.pack("<HHII", tag, 4, 1, n) for tag, n in sorted(tags.items())
    )
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags))
    return head + entries + struct.pack("<I", after) + b"\x80"


_GREY_TAGS = {256: 1, 257: 1, 258: 8, 259: 1, 262: 1, 277: 1, 278: 1, 279: 1}


def circle() -> bytes:
    """A grey pixel whose next page is the page itself."""
    return _tiff({**_GREY_TAGS, 273: 8 + 2 + 12 * 9 + 4}, 8)


def beyond_the_end() -> bytes:
    """A grey pixel that lies behind the end of the file."""
    return _tiff({**_GREY_TAGS, 273: 2**31}, 0)


def no_pictures() -> Made:
    """What is none, whatever it is called."""

    def kind(words: str) -> Refused:
        return Refused(f"is {words}, which can't be read; give a PNG or JPEG")

    page = kind("a web page (a download that failed?)")
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    return {
        "page.jpg": (b"<!DOCTYPE html><html><body>404</body></html>", page),
        "page_with_mark.png": (b"\xef\xbb\xbf\n<HTML>", page),
        "drawing.svg": (
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            kind("an SVG drawing"),
        ),
        "declared.svg": (b"<?xml version='1.0'?><svg/>", kind("a SVG picture")),
        "paper.jpg": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", kind("a PDF file")),
        "script.jpg": (
            b"%!PS-Adobe-3.0\n(ls) system\n",
            kind("an EPS or PostScript file"),
        ),
        "photo.heic": (heic, kind("a HEIC picture")),
        "photo.jpg": (heic, kind("a HEIC picture")),
        "photo.jxl": (b"\xff\x0a" + bytes(60), kind("a JPEG XL picture")),
        "photo.exr": (b"v/1\x01\2\0\0\0" + bytes(60), kind("a OpenEXR picture")),
        "raw.nef": (saved("TIFF"), Refused("is a camera's raw file")),
        "pointer.png": (
            b"version https://git-lfs.github.com/spec/v1\n",
            kind("a pointer of Git LFS (`git lfs pull` gets the file)"),
        ),
        "film.png": (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2", UNKNOWN),
        "archive.png": (zipped(), UNKNOWN),
        "program.png": (b"\x7fELF\2\1\1" + bytes(99), UNKNOWN),
        "meta.wmf": (b"\xd7\xcd\xc6\x9a" + bytes(60), UNKNOWN),
        "stars.fits": (b"SIMPLE  =                    T".ljust(2880), UNKNOWN),
        "text.png": (b"hello, world\n" * 9, UNKNOWN),
        "wide_text.png": ("hello".encode("utf-16") * 9, UNKNOWN),
        "zeros.png": (bytes(5000), UNKNOWN),
        "ones.png": (b"\xff" * 5000, UNKNOWN),
        "noise.png": (np.random.default_rng(7).bytes(5000), UNKNOWN),
        "a_byte.png": (b"\x89", UNKNOWN),
        "empty.png": (b"", Refused("is empty; get the image again")),
        "x_bitmap.xbm": (
            b"#define a_width 8\n#define a_height 8\n"
            b"static char a_bits[] = {\n0,0,0,0,0,0,0,0};",
            UNKNOWN,
        ),
    }


def pictures() -> Made:
    """All of them, and those of `odd_pictures`."""
    found: Made = {}
    for kind in (
        *(odd_pictures.truncated, odd_pictures.png_files, odd_pictures.jpeg_files),
        *(other_files, tiff_files, no_pictures),
    ):
        made = kind()
        assert not found.keys() & made.keys()
        found |= made
    return found
