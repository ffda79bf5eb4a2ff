"""Masks and regions on the command line, and in the columns of a file of pairs."""

import argparse
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nst_jax.commands import flags
from nst_jax.errors import OptionsError
from nst_jax.images import files
from nst_jax.transfer.regions import Regions

COLUMNS = ("mask", "content_mask", "style_mask", "regions", "keep_mask", "color_mask")
"""What says where; also columns of a file of pairs."""

_KEPT = "photo"

_HELP = {
    "mask": (
        "FILE,...",
        "One grey mask for each painting, of the photo: white is painted like it, a "
        "grey is in between.",
    ),
    "content_mask": (
        "FILE",
        "The photo's regions, a flat colour each; --style_mask or --regions says what "
        "they are painted like.",
    ),
    "style_mask": (
        "FILE,...",
        "Regions of each painting, in colours of --content_mask: equal ones match.",
    ),
    "regions": (
        "COLOUR:PAINTING,...",
        "Paintings of the colours of --content_mask, such as "
        "'#ff0000:a.jpg,blue:a.jpg+b.jpg,black:photo'; photo keeps the photo there.",
    ),
    "keep_mask": ("FILE", "A grey mask of the photo: white is kept as it is."),
    "color_mask": (
        "FILE",
        "A grey mask of the photo: white gets the painting's colours, or those that "
        "--color gives, black keeps the photo's.",
    ),
}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of masks, and of the picture that shows them."""
    group = parser.add_argument_group("regions")
    for name, (metavar, text) in _HELP.items():
        group.add_argument(f"--{name}", metavar=metavar, help=text)
    group.add_argument(
        "--show_regions",
        type=flags.path,
        metavar="FILE",
        help="Write a picture that shows the regions on the photo.",
    )


def asked(
    given: Mapping[str, str | None],
    paintings: Sequence[str],
    place: Callable[[str], str] = files.expanded,
) -> Regions | None:
    """What flags or columns ask for; None: nothing.

    Args:
      given: their text by name, of `COLUMNS`.
      paintings: as they were named.
      place: the path of a file that is named.

    Raises:
      OptionsError: colours or paintings that are none, or what doesn't fit together.
    """
    text = {name: given.get(name) or "" for name in COLUMNS}
    for name in COLUMNS:
        if given.get(name) == "":
            raise OptionsError(f"{name} is empty: name a file, or leave it out")
    found = Regions.of(
        masks=_files(text["mask"], place),
        content_regions=place(text["content_mask"]) if text["content_mask"] else None,
        style_regions=_files(text["style_mask"], place),
        regions=_assigned(text["regions"], paintings),
        keep_mask=place(text["keep_mask"]) if text["keep_mask"] else None,
        color_mask=place(text["color_mask"]) if text["color_mask"] else None,
    )
    if found is not None:
        found.check(len(paintings))
    return found


def label(name: str, text: str) -> str:
    """What tells a column's text from others, for names of pictures: without folders.

    `left,right` of `masks/left.png,masks/right.png`, `red-monet,black-photo` of
    `red:monet.jpg,black:photo`.
    """
    parts = []
    for part in text.split(","):
        before, colon, after = part.strip().rpartition(":")
        names = "+".join(Path(one).stem for one in after.split("+"))
        parts.append(f"{before}-{names}" if colon else names)
    return ",".join(parts)


def beside(photo: str) -> str | None:
    """A line about a map of regions that lies beside a photo, as neural-doodle has it.

    None: there is none.
    """
    path = Path(photo)
    name = path.with_name(f"{path.stem}_sem.png")
    if not os.path.isfile(name):
        return None
    return f"{name} lies beside the photo: --content_mask={name} would take its regions"


def _files(text: str, place: Callable[[str], str]) -> list[str]:
    """`a.png,b.png` -> two paths; one whose name has a comma is one."""
    if not text:
        return []
    whole = place(text)
    if os.path.exists(whole):
        return [whole]
    return [place(part.strip()) for part in text.split(",")]


def _assigned(text: str, paintings: Sequence[str]) -> dict[str, Any]:
    """`red:a.jpg,black:photo` -> the places of paintings by colour."""
    found: dict[str, Any] = {}
    for part in re.split(r",(?=\s*#?\w+:)", text) if text else ():
        colour, colon, name = part.strip().partition(":")
        if not colon or not name:
            raise OptionsError(
                f"regions: {part.strip()!r} is no colour with a painting: give some "
                "such as '#ff0000:a.jpg,black:photo'"
            )
        if colour in found:
            raise OptionsError(f"regions: {colour} is named twice")
        found[colour] = name if name == _KEPT else _places(name, paintings)
    return found


def _places(text: str, paintings: Sequence[str]) -> list[int]:
    """The places of paintings, one or several with a + between them."""
    if (place := _place(text, paintings)) is not None:
        return [place]
    places = [_place(part, paintings) for part in text.split("+")]
    found = [place for place in places if place is not None]
    if len(found) < len(places):
        raise OptionsError(
            f"regions: {text} is none of the paintings, {', '.join(paintings)}, nor "
            "several of them with a + between, nor photo"
        )
    return found


def _place(text: str, paintings: Sequence[str]) -> int | None:
    """The painting of a path, a file's name, or that without its ending."""
    names: Sequence[Callable[[str], str]] = (
        str,
        os.path.basename,
        lambda path: Path(path).stem,
    )
    for name in names:
        places = [k for k, path in enumerate(paintings) if name(path) == text]
        if len(places) == 1:
            return places[0]
    return None
