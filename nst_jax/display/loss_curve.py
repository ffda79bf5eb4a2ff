"""The curve of a loss: iterations to the right, the loss up on a log scale.

These are its numbers; templates/loss_curve.svg draws them.
"""

import dataclasses
import importlib.resources
import itertools
import math
from collections.abc import Sequence
from typing import Any, ClassVar

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

Range = tuple[float, float]
Point = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class Curve:
    """Strokes and ticks in the drawing's units, `WIDTH` x `HEIGHT`, y downwards.

    Attributes:
      strokes: the curve's points, broken where losses are missing.
      up: labels of the loss and their heights.
      across: labels of the iterations and their places.
      first: the first loss.
      last: the last one.
    """

    WIDTH: ClassVar = 360
    HEIGHT: ClassVar = 200
    LEFT: ClassVar = 60
    RIGHT: ClassVar = 350
    TOP: ClassVar = 12
    BOTTOM: ClassVar = 162

    strokes: Sequence[Sequence[Point]]
    up: Sequence[tuple[str, float]]
    across: Sequence[tuple[str, float]]
    first: float
    last: float


def curve(losses: Sequence[Sequence[Any]]) -> Curve | None:
    """The curve of [iteration, loss] pairs, or None if there is no point at all.

    Pairs without a loss above 0 leave a gap: a log scale has no place for them.
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
    runs = itertools.groupby(points, lambda point: point is not None)
    return Curve(
        strokes=[
            [(_x(p[0], x_range), _y(p[1], y_range)) for p in run if p]
            for is_known, run in runs
            if is_known
        ],
        up=[(_number(tick), _y(tick, y_range)) for tick in decade_ticks(*y_range)],
        across=[
            (f"{tick:.0f}", _x(tick, x_range))
            for tick in _even_ticks(*x_range)
            if tick == round(tick)
        ],
        first=known[0][1],
        last=known[-1][1],
    )


def template() -> str:
    """The macro `loss_curve(curve)`, in Jinja's language, that draws a curve as SVG."""
    file = importlib.resources.files(__package__) / "templates" / "loss_curve.svg"
    return file.read_text(encoding="utf-8")


def drawing(losses: Sequence[Sequence[Any]]) -> str:
    """The curve of [iteration, loss] pairs as SVG to put in a page; "" for no point."""
    import jinja2

    made = curve(losses)
    if made is None:
        return ""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return str(environment.from_string(template()).module.loss_curve(made))  # type: ignore[attr-defined]


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


def _padded(low: float, high: float) -> Range:
    margin = max(math.exp(0.04 * (math.log(high) - math.log(low))), 1.02)
    return low / margin, high * margin


def _x(value: float, span: Range) -> float:
    low, high = span
    width = Curve.RIGHT - Curve.LEFT
    return round(Curve.LEFT + width * (value - low) / ((high - low) or 1), 1)


def _y(value: float, span: Range) -> float:
    low, high = (math.log(end) for end in span)
    height = Curve.BOTTOM - Curve.TOP
    return round(Curve.BOTTOM - height * (math.log(value) - low) / (high - low), 1)


def _number(value: float) -> str:
    if 1e-3 <= value < 1e5:
        return f"{value:g}"
    digits, power = f"{value:.3e}".split("e")
    exponent = "10" + str(int(power)).translate(_SUPERSCRIPTS)
    return exponent if float(digits) == 1 else f"{float(digits):g}·{exponent}"
