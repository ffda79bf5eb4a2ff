"""What a gallery's page is made of: its data, and the pieces that recur on it."""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from nst_jax.collection.gallery.markup import Markup, element, join
from nst_jax.collection.manifest import Entry


@dataclasses.dataclass(frozen=True)
class Thumbnail:
    """A small picture: `uri` is a data: URI, in pixels `width` x `height`."""

    uri: str
    width: int
    height: int


@dataclasses.dataclass(frozen=True)
class Original:
    """A photo or a painting; `number` tells it from all others of the page."""

    number: int
    path: str
    label: str
    thumbnail: Thumbnail | None


@dataclasses.dataclass(frozen=True)
class About:
    """What stands above the pictures: text, the command that made them, figures.

    Attributes:
      paragraphs: of text.
      command: as it is typed; "" for none.
      figures: pictures of the whole, relative to the page's folder.
    """

    paragraphs: Sequence[str] = ()
    command: str = ""
    figures: Sequence[str] = ()


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure of `About`; `link` is its file's address, as seen from the page."""

    name: str
    link: str
    thumbnail: Thumbnail | None


@dataclasses.dataclass(frozen=True)
class Card:
    """A result; `link` is its file's address, as seen from the page."""

    entry: Entry
    link: str
    thumbnail: Thumbnail | None
    photo: Original
    painting: Original


def picture(original: Original, *, small: bool = False, role: str = "") -> Markup:
    """The thumbnail of an original, by the class that has it as background."""
    if original.thumbnail:
        kind = f"original o{original.number}"
        return element("span", class_=kind, data_role=role or None)
    text = None if small else "not found"
    return element("span", text, class_="original gone", data_role=role or None)


TIMES = join(" ", element("span", "\u00d7", class_="times"), " ")


def pair_of_names(card: Card) -> Markup:
    """Photo x painting."""
    return join(card.photo.label, TIMES, card.painting.label)


def varied(entry: Entry) -> str:
    """The values of the options that the batch varies."""
    return ", ".join(f"{name} {shown(value)}" for name, value in entry.varied.items())


def path(text: str) -> Markup:
    """A path that may be wrapped after its separators."""
    first, *others = text.split("/")
    return join(first, *(join("/", element("wbr"), other) for other in others))


def shown(value: Any) -> str:
    """An option's value as the user would write it."""
    if isinstance(value, list | tuple):
        return ", ".join(map(shown, value)) or "none"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dict):
        return json.dumps(value)
    return "automatic" if value is None else str(value)


def duration(seconds: float) -> str:
    """Seconds as people say them: `4.2 s`, `3 min 7 s`, `2 h 5 min`."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
