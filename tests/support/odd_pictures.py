"""Odd and bad PNG, JPEG and truncated files, and what is to become of each.

Made here, some kilobytes each: no file of somebody else's. `Opens` says the height and
width of what is read, and words of the lines about it; `Refused` says words of the one
line. Other kinds are in `odd_kinds.py`.
"""

import dataclasses
import io
import struct
import zipfile
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image

from support import icc_files
from support.png_files import GREY, PALETTE, RGB, RGB_ALPHA, chunk, png_bytes


@dataclasses.dataclass(frozen=True)
class Opens:
    """It is read: `[*shape, 3]`, with lines that have these words, no others."""

    shape: tuple[int, int]
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Refused:
    """It is refused in one line that has these words."""

    words: str


Outcome = Opens | Refused
Made = dict[str, tuple[bytes, Outcome]]

UNKNOWN = Refused("is not an image, or of an unknown kind; give a PNG or JPEG")
DAMAGED = Refused("; it may be cut short or damaged, get it again or as PNG or JPEG")
CLEAR, FRAMES = "has transparency", "has several frames or pages"

INKS = icc_files.cmyk_profile(np.random.default_rng(0).random((2, 2, 2, 2, 3)) * 90)

SIDE = (48, 64)
"""Height and width of most."""


def noise(depth: int = 3, shape: tuple[int, int] = SIDE) -> np.ndarray:
    """`[h, w, depth]` uint8, or `[h, w]` for one."""
    rng = np.random.default_rng(depth)
    made = rng.integers(0, 256, (*shape, depth), dtype=np.uint8)
    return made[..., 0] if depth == 1 else made


def saved(kind: str, picture: Image.Image | None = None, **options: object) -> bytes:
    """A file of a kind of Pillow's."""
    file = io.BytesIO()
    (picture or Image.fromarray(noise())).save(file, kind, **options)
    return file.getvalue()


ENCODED: dict[str, Callable[[], bytes]] = {
    "png": lambda: saved("PNG"),
    "jpg": lambda: saved("JPEG"),
    "webp": lambda: saved("WEBP", lossless=True),
    "tif": lambda: saved("TIFF", compression="tiff_lzw"),
    "gif": lambda: saved("GIF"),
    "bmp": lambda: saved("BMP"),
    "avif": lambda: saved("AVIF"),
    "jp2": lambda: saved("JPEG2000"),
}
"""A whole file of each kind, by its ending."""


# Cut within its header; that of a TIFF lies at the end.
_HEADLESS = (("gif", 5), ("avif", 5), ("avif", 50))


def truncated() -> Made:
    """The first part of each kind of file: a twentieth, a half, all but a hundredth."""
    found: Made = {}
    for ending, make in ENCODED.items():
        whole = make()
        for part in (5, 50, 99):
            cut = whole[: max(3, len(whole) * part // 100)]
            headless = ending == "tif" or (ending, part) in _HEADLESS
            said = UNKNOWN if headless else DAMAGED
            found[f"cut_at_{part}.{ending}"] = (cut, said)
    return found


def png_files() -> Made:
    """PNG, chunk by chunk."""
    rows = [bytes(3 * 4)] * 5
    whole = png_bytes((5, 4), 8, RGB, rows)
    data = whole.index(b"IDAT")
    head = whole.index(b"IHDR")
    broken = bytes([whole[data + 8] ^ 255])
    palette = chunk(b"PLTE", bytes(range(12)))
    few = [bytes([0b00011011])]
    animated = saved(
        "PNG",
        Image.new("RGB", (4, 4)),
        save_all=True,
        append_images=[Image.new("RGB", (4, 4), "red")],
    )
    icc = b"name\0\0" + zlib.compress(b"no profile" * 20)
    alien = b"name\0\0" + zlib.compress(INKS)
    return {
        "zero_wide.png": (png_bytes((5, 0), 8, RGB, rows), UNKNOWN),
        "zero_high.png": (png_bytes((0, 4), 8, RGB, rows), UNKNOWN),
        "wider_than_png.png": (png_bytes((1, 2**31), 8, RGB, rows), Refused("limit")),
        "bomb.png": (png_bytes((20_000, 20_000), 8, RGB, []), Refused("the limit")),
        "three_bits.png": (png_bytes((5, 4), 3, RGB, rows), UNKNOWN),
        "type_five.png": (png_bytes((5, 4), 8, 5, rows), UNKNOWN),
        "crc_of_head.png": (
            whole[: head + 17] + b"\0\0\0\0" + whole[head + 21 :],
            UNKNOWN,
        ),
        "crc_of_data.png": (whole[: data + 8] + broken + whole[data + 9 :], DAMAGED),
        "no_data.png": (whole[: data - 4], UNKNOWN),
        "two_rows.png": (png_bytes((5, 4), 8, RGB, rows[:2]), Opens((5, 4))),
        "nine_rows.png": (png_bytes((5, 4), 8, RGB, rows[:1] * 9), Opens((5, 4))),
        "unpacks_to_much.png": (
            png_bytes((5, 4), 8, RGB, [bytes(3 * 4)] * 5 + [bytes(2**24)]),
            Opens((5, 4)),
        ),
        "no_palette.png": (png_bytes((1, 4), 2, PALETTE, few), DAMAGED),
        "clear_palette.png": (
            png_bytes((1, 4), 2, PALETTE, few, palette, chunk(b"tRNS", b"\0\x80")),
            Opens((1, 4), (CLEAR,)),
        ),
        "clear_colour.png": (
            png_bytes((5, 4), 8, RGB, rows, chunk(b"tRNS", bytes(6))),
            Opens((5, 4), (CLEAR,)),
        ),
        "clear.png": (
            png_bytes((2, 2), 8, RGB_ALPHA, [bytes(8)] * 2),
            Opens((2, 2), (CLEAR,)),
        ),
        "one_bit.png": (png_bytes((2, 8), 1, GREY, [b"\xaa"] * 2), Opens((2, 8))),
        "grey_16.png": (png_bytes((1, 2), 16, GREY, [b"\1\2\3\4"]), Opens((1, 2))),
        "colour_16.png": (png_bytes((1, 1), 16, RGB, [bytes(6)]), Opens((1, 1))),
        "animated.png": (animated, Opens((4, 4), (FRAMES,))),
        "bad_profile.png": (
            png_bytes((5, 4), 8, RGB, rows, chunk(b"iCCP", icc)),
            Opens((5, 4), ("profile that can't be used",)),
        ),
        "profile_of_inks.png": (
            png_bytes((5, 4), 8, RGB, rows, chunk(b"iCCP", alien)),
            Opens((5, 4), ("profile that can't be used",)),
        ),
        "bad_exif.png": (
            png_bytes((5, 4), 8, RGB, rows, chunk(b"eXIf", b"MM\0*\xff\xff\xff\xff")),
            Opens((5, 4)),
        ),
        "and_zip.png": (whole + zipped(), Opens((5, 4))),
        "and_page.png": (whole + b"<script>alert(1)</script>", Opens((5, 4))),
        "signature.png": (whole[:8], UNKNOWN),
        "a_pixel.png": (png_bytes((1, 1), 8, RGB, [bytes(3)]), Opens((1, 1))),
        "a_row.png": (
            png_bytes((1, 65_500), 8, GREY, [bytes(65_500)]),
            Opens((1, 65_500)),
        ),
        "a_column.png": (
            png_bytes((65_500, 1), 8, GREY, [b"\0"] * 65_500),
            Opens((65_500, 1)),
        ),
    }


def zipped() -> bytes:
    """An archive that could be behind a picture."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("../../evil.txt", "evil")
    return file.getvalue()


def jpeg_files() -> Made:
    """JPEG, marker by marker."""
    whole, grey = saved("JPEG"), noise(1)
    frame = whole.index(b"\xff\xc0")
    inks = saved("JPEG", Image.fromarray(noise(4), "CMYK"))
    adobe = inks.index(b"Adobe")
    progressive = saved("JPEG", progressive=True)

    def exif(orientation: int) -> bytes:
        tags = Image.Exif()
        tags[274] = orientation
        return saved("JPEG", exif=tags)

    def with_frame(marker: int, body: bytes) -> bytes:
        return b"".join(
            [
                whole[: frame + 1],
                bytes([marker]),
                whole[frame + 2 : frame + 4],
                body,
                whole[frame + 4 + len(body) :],
            ]
        )

    h, w = SIDE
    size = struct.pack(">HH", h, w)
    turned = exif(6)
    tables = whole.index(b"\xff\xc4")
    rough = ("the colours are a rough guess",)
    return {
        "inks.jpg": (inks, Opens(SIDE, rough)),
        "ycck.jpg": (
            inks[: adobe + 11] + b"\2" + inks[adobe + 12 :],
            Opens(SIDE, rough),
        ),
        "inks_with_profile.jpg": (
            saved("JPEG", Image.fromarray(noise(4), "CMYK"), icc_profile=INKS),
            Opens(SIDE),
        ),
        "grey_profile.jpg": (
            saved(
                "JPEG", icc_profile=icc_files.grey_profile(icc_files.gamma_curve(2.2))
            ),
            Opens(SIDE, ("profile that can't be used",)),
        ),
        "grey.jpg": (saved("JPEG", Image.fromarray(grey)), Opens(SIDE)),
        "progressive.jpg": (progressive, Opens(SIDE)),
        "progressive_cut.jpg": (progressive[: len(progressive) // 2], DAMAGED),
        "turned.jpg": (turned, Opens(SIDE[::-1])),
        "turned_by_99.jpg": (exif(99), Opens(SIDE)),
        "bad_exif.jpg": (
            turned.replace(b"MM\0*\0\0\0\x08", b"MM\0*\xff\xff\xff\xf0"),
            Opens(SIDE),
        ),
        "no_rows.jpg": (with_frame(0xC0, b"\x08\0\0" + size[2:]), UNKNOWN),
        "no_columns.jpg": (with_frame(0xC0, b"\x08" + size[:2] + b"\0\0"), UNKNOWN),
        "twelve_bits.jpg": (with_frame(0xC0, b"\x0c" + size), UNKNOWN),
        "lossless.jpg": (with_frame(0xC3, b"\x08" + size), DAMAGED),
        "arithmetic.jpg": (with_frame(0xC9, b"\x08" + size), Opens(SIDE)),
        "wider_than_it_is.jpg": (
            with_frame(0xC0, b"\x08" + struct.pack(">HH", 900, 3000)),
            Opens((900, 3000)),
        ),
        "no_tables.jpg": (
            whole[:tables] + whole[whole.index(b"\xff\xda") :],
            Opens(SIDE),
        ),
        "and_more.jpg": (whole + b"<?php evil() ?>", Opens(SIDE)),
        "start.jpg": (whole[:3], UNKNOWN),
        "of_two.jpg": (
            saved("MPO", save_all=True, append_images=[Image.new("RGB", (4, 4))]),
            Opens(SIDE),
        ),
        "wide.jpg": (saved("JPEG", Image.new("RGB", (65_500, 2))), Opens((2, 65_500))),
    }
