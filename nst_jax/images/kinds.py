"""Kinds of picture files: those that are read, and those that are known but aren't.

Only what Pillow decodes within this process is read: a stranger's file must not start
a program (for EPS, Pillow runs Ghostscript).
"""

import os
from collections.abc import Sequence

from PIL import Image

READ = (
    *("BMP", "GIF", "JPEG", "PPM", "PNG", "AVIF", "DDS", "DIB", "ICO", "JPEG2000"),
    *("PCX", "PSD", "QOI", "SGI", "TIFF", "WEBP", "TGA"),
)
"""Pillow's names of the formats that are read; JPEG stands for MPO of some cameras."""

RAW = (
    *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".iiq", ".kdc"),
    *(".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2"),
    *(".srf", ".srw", ".x3f"),
)
"""Endings of cameras' raw files. Many are TIFF files of a small preview."""

_UNREAD = {
    "HEIC": (".heic", ".heics", ".heif", ".heifs", ".hif"),
    "raw": RAW,
    "JPEG XL": (".jxl",),
    "EPS": (".eps", ".ps"),
    "SVG": (".svg", ".svgz"),
    "OpenEXR": (".exr",),
}
_KIND = {ending: kind for kind, endings in _UNREAD.items() for ending in endings}

_BEGINNINGS = {
    b"%!PS": "an EPS or PostScript file",
    b"\xc5\xd0\xd3\xc6": "an EPS file",
    b"%PDF": "a PDF file",
    b"\xff\x0a": "a JPEG XL picture",
    b"\0\0\0\x0cJXL ": "a JPEG XL picture",
    b"<svg": "an SVG drawing",
    b"<!doctype html": "a web page (a download that failed?)",
    b"<html": "a web page (a download that failed?)",
    b"version https://git-lfs": "a pointer of Git LFS (`git lfs pull` gets the file)",
}


def endings() -> frozenset[str]:
    """The endings of files that are read, such as ".jpg"."""
    kinds = Image.registered_extensions()
    return frozenset(e for e, kind in kinds.items() if kind in (*READ, "MPO"))


def unread(path: str | os.PathLike[str]) -> str | None:
    """The kind of a picture that can't be read, by its ending; None: no such kind."""
    return _KIND.get(os.path.splitext(path)[1].lower())


def guess(content: bytes) -> str | None:
    """What a file is that is no picture of `READ`, by its first bytes, in words."""
    if content[4:8] == b"ftyp" and any(b in content[8:40] for b in (b"hei", b"hevc")):
        return "a HEIC picture"
    begin = content.removeprefix(b"\xef\xbb\xbf").lstrip()[:32].lower()
    for beginning, kind in _BEGINNINGS.items():
        if content.startswith(beginning) or begin.startswith(beginning):
            return kind
    return None


def left_out(paths: Sequence[str]) -> str | None:
    """A line about pictures that can't be read, by their endings; None: there are none.

    Returns:
      Such as "3 HEIC (.heic) and 1 raw (.nef) pictures can't be read and are left out:
      export them as JPEG".
    """
    found: dict[str, list[str]] = {}
    for path in paths:
        if kind := unread(path):
            found.setdefault(kind, []).append(os.path.splitext(path)[1].lower())
    if not found:
        return None
    parts = [
        f"{len(of)} {kind} ({', '.join(sorted(set(of)))})" for kind, of in found.items()
    ]
    listed = " and ".join([", ".join(parts[:-1]), parts[-1]] if parts[1:] else parts)
    one = sum(map(len, found.values())) == 1
    are = "picture can't be read and is" if one else "pictures can't be read and are"
    return f"{listed} {are} left out: export {'it' if one else 'them'} as JPEG"
