"""The gallery of a batch: one HTML file to look through all pictures, offline too.

Everything that it shows is in the file: small copies of the results and of their
originals, style and script. Only the results in full size are read from beside it.
"""

import base64
import io
import math
import os
import urllib.parse
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from nst_jax.collection import blends
from nst_jax.collection.gallery import page
from nst_jax.collection.gallery.page import About, Card, Figure, Original, Thumbnail
from nst_jax.collection.manifest import FAILED, Entry
from nst_jax.errors import ImageError
from nst_jax.images import encode, files, outputs

__all__ = ["About", "is_ours", "write"]

StrPath = str | os.PathLike[str]

_LONGEST = 320  # Pixels of a thumbnail: sharp at the size that cards have.
_SHORTEST = 120
_FIGURE = 1600  # Pixels of a figure's copy.
_MANY = 400  # Above this many pictures thumbnails shrink, to about 12 MB in all.
_QUALITY = 85
_MARK = b'<meta name="generator" content="nst_jax">'


def write(
    path: StrPath,
    title: str,
    entries: Iterable[Entry],
    folder: StrPath,
    *,
    about: About | None = None,
) -> None:
    """Writes the gallery; the file gets its name only once it is complete.

    A picture or an original that can't be read is shown as missing.

    Args:
      path: of the HTML file; its folder must exist.
      title: the page's heading.
      entries: what to show, in this order; failed ones are listed below the pictures.
      folder: what the entries' `output` is relative to; their originals' paths are
        relative to the working directory.
      about: what stands above the pictures.

    Raises:
      OSError: the file can't be written.
    """
    path, entries, about = Path(path), list(entries), about or About()
    pictures = [entry for entry in entries if entry.status != FAILED]
    photos = _originals([entry.content for entry in pictures], 0)
    paintings = _originals([entry.style for entry in pictures], len(photos))
    longest = _thumbnail_size(len(pictures))
    cards = []
    for entry in pictures:
        file = Path(folder, entry.output)
        thumbnail, link = _thumbnail(file, longest), _link(file, path)
        photo, painting = photos[entry.content], paintings[entry.style]
        cards.append(Card(entry, link, thumbnail, photo, painting))
    failed = [entry for entry in entries if entry.status == FAILED]
    figures = [_figure(name, path) for name in about.figures]
    text = page.render(title, about, figures, cards, failed)
    # Bytes of file names that are no text have no place on a page.
    outputs.write_whole(path, text.encode("utf-8", "replace"))


def is_ours(path: StrPath) -> bool:
    """Whether a file is a page that `write` wrote."""
    try:
        with open(path, "rb") as file:
            return _MARK in file.read(1000)
    except OSError:
        return False


def _originals(paths: Sequence[str], first: int) -> dict[str, Original]:
    distinct = list(dict.fromkeys(paths))
    longest = _thumbnail_size(len(distinct))
    labels = blends.labels([blends.split(path) for path in distinct])
    return {
        path: Original(number, path, label, _thumbnail(path, longest, blends.read))
        for number, (path, label) in enumerate(
            zip(distinct, labels, strict=True), start=first
        )
    }


def _figure(name: str, page: Path) -> Figure:
    file = page.parent / name
    return Figure(name, _link(file, page), _thumbnail(file, _FIGURE))


def _thumbnail_size(count: int) -> int:
    shrunk = _LONGEST * math.sqrt(_MANY / max(count, _MANY))
    return max(_SHORTEST, int(shrunk))


def _thumbnail(
    path: StrPath,
    longest: int,
    read: Callable[[str, int], np.ndarray] = files.read_small,
) -> Thumbnail | None:
    try:
        image = read(os.fspath(path), longest)
    except (ImageError, OSError):
        return None
    file = io.BytesIO()
    picture = Image.fromarray(encode.quantize(image))
    picture.save(file, "JPEG", quality=_QUALITY, optimize=True)
    data = base64.b64encode(file.getvalue()).decode()
    return Thumbnail(f"data:image/jpeg;base64,{data}", *picture.size)


def _link(file: Path, page: Path) -> str:
    relative = Path(os.path.relpath(file.absolute(), page.absolute().parent))
    # "./" lest a name such as "mailto:x.png" be a scheme; by bytes, as browsers do.
    return "./" + urllib.parse.quote(os.fsencode(relative.as_posix()))
