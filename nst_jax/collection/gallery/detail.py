"""What the lightbox shows of a picture: itself, its originals, and what made it."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from nst_jax.collection.gallery import loss_curve, parts
from nst_jax.collection.gallery.markup import Markup, element, join
from nst_jax.collection.gallery.parts import Card, Original
from nst_jax.options import Options


def draw(card: Card) -> Markup:
    """What the lightbox shows of a card."""
    entry = card.entry
    curve = loss_curve.draw(entry.losses)
    return element(
        "article",
        _full(card),
        element(
            "div",
            element("h2", parts.pair_of_names(card), class_="title"),
            element("p", parts.varied(entry), class_="soft") if entry.varied else None,
            element(
                "div",
                _figure("Photo", card.photo),
                _figure("Painting", card.painting),
                class_="pair",
            ),
            _facts(card),
            join(element("h3", "Loss"), curve) if curve else None,
            _options(entry.options),
            class_="panel",
            tabindex=0,
        ),
        class_="detail",
    )


def _full(card: Card) -> Markup:
    if card.thumbnail is None:
        missing = element("p", "The file is gone: ", element("code", card.entry.output))
        return element("div", element("div", missing, class_="gone"), class_="full")
    width, height = card.entry.size or (None, None)
    names = f"{card.photo.label} painted like {card.painting.label}"
    picture = element("img", src=card.link, alt=names, width=width, height=height)
    return element(
        "a",
        picture,
        href=card.link,
        target="_blank",
        rel="noopener",
        title="Open the picture by itself",
        class_="full",
    )


def _figure(role: str, original: Original) -> Markup:
    ratio = 4 / 3
    if original.thumbnail:
        ratio = original.thumbnail.width / original.thumbnail.height
    caption = element("figcaption", element("b", role), parts.path(original.path))
    return element(
        "figure",
        parts.picture(original),
        caption,
        style=f"--ratio:{min(max(ratio, 0.5), 2.5):.4g}",
    )


def _facts(card: Card) -> Markup:
    entry = card.entry
    stopped = ", stopped early" if entry.status == "stopped" else ""
    facts = {
        "Lowest loss": None if entry.loss is None else f"{entry.loss:.6g}",
        "Iterations": f"{entry.iterations}{stopped}",
        "Time": parts.duration(entry.seconds),
        "Size": entry.size and f"{entry.size[0]} \u00d7 {entry.size[1]} pixels",
        "Device": entry.device,
        "Versions": ", ".join(f"{name} {v}" for name, v in entry.versions.items()),
    }
    rows = [
        join(element("dt", name), element("dd", value, class_="number"))
        for name, value in facts.items()
        if value
    ]
    rows.append(join(element("dt", "File"), element("dd", _file(card))))
    return element("dl", *rows, class_="facts")


def _file(card: Card) -> Markup:
    name = parts.path(card.entry.output)
    if card.thumbnail is None:
        return join(name, " (gone)")
    # Shown by the script where the picture in full size can't be loaded.
    absent = " (not beside this page; its thumbnail is shown)"
    return join(
        element("a", name, href=card.link, target="_blank", rel="noopener"),
        element("span", absent, class_="absent soft", hidden=True),
    )


def _options(options: Mapping[str, Any]) -> Markup | None:
    """A table of the options that aren't the defaults; the rest is folded away."""
    if not options:
        return None
    defaults = {
        name: parts.shown(value)
        for name, value in dataclasses.asdict(Options()).items()
    }
    names = [name for name in defaults if name in options]
    names += [name for name in options if name not in defaults]
    shown = {name: parts.shown(options[name]) for name in names}
    changed = [name for name in names if shown[name] != defaults.get(name)]
    rows = [
        element(
            "tr",
            element("th", name, scope="row"),
            element("td", shown[name]),
            element(
                "td",
                f"default {defaults[name]}" if name in defaults else "",
                class_="soft",
            ),
            class_="changed",
        )
        for name in changed
    ]
    same = [
        element("tr", element("th", name, scope="row"), element("td", shown[name]))
        for name in names
        if name not in changed
    ]
    folded = element(
        "details",
        element("summary", f"{'' if rows else 'all '}{len(same)} at their defaults"),
        element("table", *same),
    )
    return join(
        element("h3", "Options"),
        element("table", *rows) if rows else None,
        folded if same else None,
    )
