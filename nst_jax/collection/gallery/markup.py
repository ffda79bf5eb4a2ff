"""HTML and SVG made of elements, in which every text is escaped unless it is markup."""

import html
from typing import Any

_VOID = frozenset(("img", "link", "meta", "wbr"))
_EMPTY = frozenset(("circle", "line", "path", "polyline"))  # Of SVG.
_RAW = frozenset(("script", "style"))


class Markup(str):
    """Text that is HTML already; any other string is escaped before it becomes some."""

    __slots__ = ()


def element(tag: str, *children: str | None, **attributes: Any) -> Markup:
    """`element("a", "a < b", href="#1")` -> `<a href="#1">a &lt; b</a>`.

    Args:
      tag: the element's name.
      children: markup is taken as it is, text escaped, None left out.
      attributes: values are escaped; True gives a bare attribute, None and False none.
        In names `_` stands for `-`; a trailing one keeps off Python's keywords.

    Raises:
      ValueError: text for a script or style, whose content nothing can escape.
    """
    if tag in _RAW and not all(isinstance(child, Markup) for child in children):
        raise ValueError(f"{tag}: its content is plain text; give markup")
    opening = tag + "".join(
        f" {_name(name)}" if value is True else f' {_name(name)}="{_escaped(value)}"'
        for name, value in attributes.items()
        if value is not None and value is not False
    )
    if tag in _VOID or tag in _EMPTY:
        return Markup(f"<{opening}>" if tag in _VOID else f"<{opening}/>")
    return Markup(f"<{opening}>{join(*children)}</{tag}>")


def join(*children: str | None) -> Markup:
    """Markup and texts, one after the other; None is left out."""
    return Markup(
        "".join(
            child if isinstance(child, Markup) else _escaped(child)
            for child in children
            if child is not None
        )
    )


def _escaped(value: object) -> str:
    return html.escape(str(value), quote=True)


def _name(name: str) -> str:
    return name.rstrip("_").replace("_", "-")
