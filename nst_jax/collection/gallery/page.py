"""The gallery's page: from cards to HTML, no file read or written."""

import base64
import dataclasses
import hashlib
from collections.abc import Sequence

from nst_jax.collection.gallery import detail, parts
from nst_jax.collection.gallery.look import SCRIPT, STYLE
from nst_jax.collection.gallery.markup import Markup, element, join
from nst_jax.collection.gallery.parts import About, Card, Figure, Original
from nst_jax.collection.manifest import Entry

Facet = tuple[str, Sequence[str], Sequence[Original | None]]
"""A name to filter by, its values, and their pictures where they have some."""


@dataclasses.dataclass(frozen=True)
class Heading:
    """The page's heading, what it says about the pictures, and its figures."""

    title: str
    about: About
    figures: Sequence[Figure]


def page(
    heading: Heading,
    cards: Sequence[Card],
    failed: Sequence[Entry],
    photos: Sequence[Original],
    paintings: Sequence[Original],
) -> str:
    """The page's text."""
    facets = _facets(cards, photos, paintings)
    return "<!doctype html>\n" + element(
        "html",
        _head(heading.title, [*photos, *paintings]),
        element(
            "body",
            element(
                "div",
                _heading(heading, cards, facets),
                _side(facets),
                _main(cards, failed, facets),
                class_="page",
            ),
            _dialog(),
            element("script", SCRIPT),
        ),
        lang="en",
    )


def _head(title: str, originals: Sequence[Original]) -> Markup:
    # Only the script that is meant runs, even if something slipped through.
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; "
        "style-src 'unsafe-inline'; img-src 'self' data: file:; "
        "base-uri 'none'; form-action 'none'"
    )
    pictures = "\n".join(
        f".o{original.number} {{ background-image: url({original.thumbnail.uri}); }}"
        for original in originals
        if original.thumbnail
    )
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("link", rel="icon", href="data:,"),
        element("title", title),
        element("style", Markup(f"{STYLE}{pictures}\n")),
    )


def _facets(
    cards: Sequence[Card], photos: Sequence[Original], paintings: Sequence[Original]
) -> list[Facet]:
    result: list[Facet] = [
        ("Photos", [photo.label for photo in photos], photos),
        ("Paintings", [painting.label for painting in paintings], paintings),
    ]
    for name in dict.fromkeys(key for card in cards for key in card.entry.varied):
        shown = (parts.shown(card.entry.varied.get(name)) for card in cards)
        values = list(dict.fromkeys(shown))
        result.append((name, values, [None] * len(values)))
    return result


def _side(facets: Sequence[Facet]) -> Markup:
    groups = [
        element(
            "div",
            element("h2", name),
            element("div", *_chips(index, values, pictures), class_="chips"),
            class_="facet",
            role="group",
            aria_label=name,
        )
        for index, (name, values, pictures) in enumerate(facets)
        if len(values) > 1
    ]
    shown = element(
        "p",
        element("span", class_="count", role="status"),
        element("button", "Show all", class_="clear", type="button", hidden=True),
        class_="shown",
    )
    return element("nav", *groups, shown, class_="side", aria_label="Filters")


def _chips(
    facet: int, values: Sequence[str], pictures: Sequence[Original | None]
) -> list[Markup]:
    return [
        element(
            "button",
            parts.picture(picture, small=True) if picture else None,
            element("span", value, title=value),
            class_="chip pictured" if picture else "chip",
            type="button",
            aria_pressed="false",
            data_facet=facet,
            data_value=number,
        )
        for number, (value, picture) in enumerate(zip(values, pictures, strict=True))
    ]


def _heading(
    heading: Heading, cards: Sequence[Card], facets: Sequence[Facet]
) -> Markup:
    about = heading.about
    return element(
        "header",
        element("h1", heading.title),
        element("p", _summary(cards, facets)),
        *(element("p", text) for text in about.paragraphs),
        element("p", element("code", about.command)) if about.command else None,
        *map(_figure, heading.figures),
        class_="head",
    )


def _figure(figure: Figure) -> Markup:
    if figure.thumbnail is None:
        return element("p", f"{figure.name} is not beside this page.")
    picture = element(
        "img",
        src=figure.thumbnail.uri,
        width=figure.thumbnail.width,
        height=figure.thumbnail.height,
        alt=figure.name,
    )
    return element(
        "a", picture, href=figure.link, target="_blank", rel="noopener", class_="plate"
    )


def _main(
    cards: Sequence[Card], failed: Sequence[Entry], facets: Sequence[Facet]
) -> Markup:
    grid = [_card(number, card, facets) for number, card in enumerate(cards, start=1)]
    return element(
        "main",
        element("ol", *grid, class_="grid"),
        element("p", "No picture matches.", class_="nothing", hidden=True),
        _failures(failed) if failed else None,
        class_="main",
    )


def _summary(cards: Sequence[Card], facets: Sequence[Facet]) -> str:
    sides = [
        f"{len(values)} {name if len(values) != 1 else name[:-1]}".lower()
        for name, values, _ in facets[:2]
    ]
    said = [" \u00d7 ".join(sides)]
    seconds = sum(card.entry.seconds for card in cards)
    devices = dict.fromkeys(card.entry.device for card in cards if card.entry.device)
    if seconds:
        said.append(" on ".join([parts.duration(seconds), *list(devices)[:1]]))
    return " \u00b7 ".join(said)


def _card(number: int, card: Card, facets: Sequence[Facet]) -> Markup:
    entry = card.entry
    names = parts.pair_of_names(card)
    values = [card.photo.label, card.painting.label]
    values += [parts.shown(entry.varied.get(name)) for name, _, _ in facets[2:]]
    places = (
        facet[1].index(value) for value, facet in zip(values, facets, strict=True)
    )
    frame = element(
        "div",
        _result(card),
        element(
            "div",
            parts.picture(card.photo, role="Photo"),
            parts.picture(card.painting, role="Painting"),
            class_="pair",
            aria_hidden="true",
        ),
        _badge(entry),
        class_="frame",
    )
    loss = None if entry.loss is None else f"loss {entry.loss:.4g}"
    caption = element(
        "div",
        element("span", names, class_="names"),
        element("span", loss, class_="number") if loss else None,
        class_="caption",
    )
    varied = (
        element("span", parts.varied(entry), class_="varied") if entry.varied else None
    )
    return element(
        "li",
        element("a", frame, caption, varied, href=f"#{number}"),
        element("template", detail.draw(card)),
        class_="card",
        style=f"--ratio:{_ratio(card):.4g}",
        data_values=" ".join(map(str, places)),
    )


def _result(card: Card) -> Markup:
    if card.thumbnail is None:
        return element("div", "picture missing", class_="gone")
    return element(
        "img",
        src=card.thumbnail.uri,
        width=card.thumbnail.width,
        height=card.thumbnail.height,
        alt="",  # The caption in the same link says what it is.
        loading="lazy",
        decoding="async",
    )


def _badge(entry: Entry) -> Markup | None:
    if entry.status != "stopped":
        return None
    return element("span", f"stopped at {entry.iterations}", class_="badge")


def _ratio(card: Card) -> float:
    # Of the frame; a long panorama or a tall scroll is cropped, in its card only.
    width, height = card.entry.size or (4, 3)
    if card.thumbnail:
        width, height = card.thumbnail.width, card.thumbnail.height
    return min(max(width / height, 0.6), 2.6)


def _failures(failed: Sequence[Entry]) -> Markup:
    lines = [
        element(
            "li",
            join(entry.content, parts.TIMES, entry.style),
            element("span", f" {parts.varied(entry)}", class_="soft"),
            element("code", entry.error or "no reason is known"),
        )
        for entry in failed
    ]
    heading = element("h2", f"{len(failed)} failed")
    return element("section", heading, element("ul", *lines), class_="failed")


def _dialog() -> Markup:
    def button(kind: str, name: str, path: str) -> Markup:
        icon = element("svg", element("path", d=path), viewBox="0 0 20 20")
        return element("button", icon, class_=kind, type="button", aria_label=name)

    return element(
        "dialog",
        element(
            "div",
            element("p", class_="counter", role="status"),
            button("previous", "Previous picture", "M12.5 4 6.5 10l6 6"),
            button("next", "Next picture", "M7.5 4l6 6-6 6"),
            button("close", "Close", "M4.5 4.5l11 11m0-11-11 11"),
            class_="bar",
        ),
        element("div", class_="stage"),
        aria_label="Picture",
    )
