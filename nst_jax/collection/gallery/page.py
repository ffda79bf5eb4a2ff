"""What a gallery's page shows, as data, and the page that the templates make of it."""

import base64
import dataclasses
import hashlib
import importlib.resources
import json
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

from nst_jax.collection.manifest import STOPPED, Entry
from nst_jax.display import look, loss_curve
from nst_jax.options import Options

if TYPE_CHECKING:
    import jinja2


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
class Thumbnail:
    """A small picture: `uri` is a data: URI, in pixels `width` x `height`."""

    uri: str
    width: int
    height: int


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure of `About`; `link` is its file's address, as seen from the page."""

    name: str
    link: str
    thumbnail: Thumbnail | None


@dataclasses.dataclass(frozen=True)
class Original:
    """A photo or a painting; `number` tells it from all others of the page."""

    number: int
    path: str
    label: str
    thumbnail: Thumbnail | None

    @property
    def ratio(self) -> float:
        """Width by height of its frame, which crops panoramas and scrolls."""
        return _ratio(self.thumbnail, None, 0.5, 2.5)


@dataclasses.dataclass(frozen=True)
class Row:
    """An option as the page has it; `default` is "" for one that is not known."""

    name: str
    value: str
    default: str

    @property
    def changed(self) -> bool:
        """Whether it is to be seen at once."""
        return self.value != self.default


@dataclasses.dataclass(frozen=True)
class Card:
    """A result; `link` is its file's address, as seen from the page."""

    entry: Entry
    link: str
    thumbnail: Thumbnail | None
    photo: Original
    painting: Original

    @property
    def ratio(self) -> float:
        """Width by height of its frame on the page."""
        return _ratio(self.thumbnail, self.entry.size, 0.6, 2.6)

    @property
    def curve(self) -> loss_curve.Curve | None:
        """Of its losses, where there are some."""
        return loss_curve.curve(self.entry.losses)

    @property
    def options(self) -> list[Row]:
        """In the order of `Options`; those of another version come last."""
        options, defaults = self.entry.options, dataclasses.asdict(Options())
        names = [name for name in defaults if name in options]
        names += [name for name in options if name not in defaults]
        known = {name: shown(value) for name, value in defaults.items()}
        return [Row(name, shown(options[name]), known.get(name, "")) for name in names]


@dataclasses.dataclass(frozen=True)
class Facet:
    """What cards are filtered by: its values, and the place of each card's among them.

    The values of photos and paintings are `Original`s, all others are text.
    """

    name: str
    choices: Sequence[Hashable]
    places: Sequence[int]


def render(
    title: str,
    about: About,
    figures: Sequence[Figure],
    cards: Sequence[Card],
    failed: Sequence[Entry],
) -> str:
    """The page's text; no file but the templates is read."""
    facets = _facets(cards)
    style = look.css() + _text("gallery.css")
    script = _text("gallery.js")
    template = _environment().get_template("gallery.html")
    return template.render(
        title=title,
        about=about,
        figures=figures,
        cards=cards,
        failed=failed,
        facets=facets,
        originals=[*facets[0].choices, *facets[1].choices],
        style=style,
        script=script,
        # Only the script that is meant runs, even if something slipped through.
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _environment() -> "jinja2.Environment":
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_text),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(shown=shown, duration=duration)
    environment.globals["STOPPED"] = STOPPED
    return environment


def _text(name: str) -> str:
    if name == "loss_curve.svg":
        return loss_curve.template()
    file = importlib.resources.files(__package__) / "templates" / name
    return file.read_text(encoding="utf-8")


def _facets(cards: Sequence[Card]) -> list[Facet]:
    names = dict.fromkeys(name for card in cards for name in card.entry.varied)
    return [
        _facet("Photos", [card.photo for card in cards]),
        _facet("Paintings", [card.painting for card in cards]),
        *(
            _facet(name, [shown(card.entry.varied.get(name)) for card in cards])
            for name in names
        ),
    ]


def _facet(name: str, values: Sequence[Hashable]) -> Facet:
    places = {value: place for place, value in enumerate(dict.fromkeys(values))}
    return Facet(name, list(places), [places[value] for value in values])


def _ratio(
    thumbnail: Thumbnail | None, size: Sequence[int] | None, low: float, high: float
) -> float:
    width, height = size or (4, 3)
    if thumbnail:
        width, height = thumbnail.width, thumbnail.height
    return min(max(width / height, low), high)


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
