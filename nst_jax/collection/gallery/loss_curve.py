"""The curve of a loss as SVG: iterations to the right, the loss up on a log scale."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

from nst_jax.collection.gallery.markup import Markup, element, join

_WIDTH, _HEIGHT = 360, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 350, 12, 162
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

_Range = tuple[float, float]


def draw(losses: Sequence[Sequence[Any]]) -> Markup | None:
    """The curve, in the text's colour; classes `axis`, `grid`, `curve` await a style.

    Args:
      losses: [iteration, loss] pairs. Those without a loss above 0 leave a gap: a log
        scale has no place for them.

    Returns:
      An `<svg>` element, or None if there is no point at all.
    """
    points = [
        (float(x), float(y)) if y is not None and 1e-60 < y < 1e60 else None
        for x, y in losses
    ]
    known = [point for point in points if point is not None]
    if not known:
        return None
    x_range = min(x for x, _ in known), max(x for x, _ in known)
    y_range = _padded(min(y for _, y in known), max(y for _, y in known))
    said = f"Loss by iteration, from {known[0][1]:.4g} to {known[-1][1]:.4g}"
    return element(
        "svg",
        *_y_axis(y_range),
        *_x_axis(x_range),
        *_lines(points, x_range, y_range),
        class_="losses",
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        aria_label=said,
    )


def decade_ticks(low: float, high: float) -> list[float]:
    """About 3 to 6 round numbers from `low` to `high`, for a log scale."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    every = max(1, math.ceil(len(decades) / 6))
    ticks: list[float] = []
    for digits in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 8)):
        candidates = (digit * 10.0**n for n in decades[::every] for digit in digits)
        ticks = [tick for tick in candidates if low <= tick <= high]
        if len(ticks) >= 3:
            return ticks
    return ticks if len(ticks) == 2 else _even_ticks(low, high)


def _even_ticks(low: float, high: float) -> list[float]:
    """2 to 6 multiples of 1, 2 or 5 times a power of 10, from `low` to `high`."""
    if low == high:
        return [low]
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(n * power for n in (1, 2, 5, 10) if n * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [n * step for n in range(first, last + 1)]


def _padded(low: float, high: float) -> _Range:
    margin = max(math.exp(0.04 * (math.log(high) - math.log(low))), 1.02)
    return low / margin, high * margin


def _x(value: float, span: _Range) -> float:
    low, high = span
    return _LEFT + (_RIGHT - _LEFT) * (value - low) / ((high - low) or 1)


def _y(value: float, span: _Range) -> float:
    low, high = (math.log(end) for end in span)
    return _BOTTOM - (_BOTTOM - _TOP) * (math.log(value) - low) / (high - low)


def _y_axis(span: _Range) -> list[Markup]:
    middle = (_TOP + _BOTTOM) / 2
    title = element(
        "text",
        "loss (log)",
        text_anchor="middle",
        transform=f"translate(10 {middle:g}) rotate(-90)",
    )
    parts = [title]
    for tick in decade_ticks(*span):
        y = f"{_y(tick, span):.1f}"
        parts += [
            element("line", x1=_LEFT, x2=_RIGHT, y1=y, y2=y, class_="grid"),
            _text(_number(tick), _LEFT - 6, y, text_anchor="end", dy="0.34em"),
        ]
    return parts


def _x_axis(span: _Range) -> list[Markup]:
    parts = [
        element("line", x1=_LEFT, x2=_RIGHT, y1=_BOTTOM, y2=_BOTTOM, class_="axis"),
        _text("iteration", (_LEFT + _RIGHT) / 2, _HEIGHT - 5, text_anchor="middle"),
    ]
    for tick in _even_ticks(*span):
        if tick == round(tick):
            x = f"{_x(tick, span):.1f}"
            anchor = "end" if float(x) > _RIGHT - 4 else "middle"
            parts += [
                element("line", x1=x, x2=x, y1=_BOTTOM, y2=_BOTTOM + 4, class_="axis"),
                _text(f"{tick:.0f}", x, _BOTTOM + 17, text_anchor=anchor),
            ]
    return parts


def _lines(
    points: Sequence[tuple[float, float] | None], x_range: _Range, y_range: _Range
) -> list[Markup]:
    parts, last = [], None
    for known, run in itertools.groupby(points, lambda point: point is not None):
        if known:
            places = [(_x(p[0], x_range), _y(p[1], y_range)) for p in run if p]
            joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            parts.append(element("polyline", points=joined, class_="curve"))
            last = places[-1]
    if last:
        x, y = (f"{value:.1f}" for value in last)
        parts.append(element("circle", cx=x, cy=y, r=3.5, class_="end"))
    return [join(*parts)]


def _text(text: str, x: object, y: object, **attributes: Any) -> Markup:
    return element("text", text, x=x, y=y, **attributes)


def _number(value: float) -> str:
    if 1e-3 <= value < 1e5:
        return f"{value:g}"
    digits, power = f"{value:.3e}".split("e")
    exponent = "10" + str(int(power)).translate(_SUPERSCRIPTS)
    return exponent if float(digits) == 1 else f"{float(digits):g}·{exponent}"
