"""How many steps of a system fit so many seconds: a short run for each shape of photo.

A rate is measured once, alone on the machine, and kept; pictures that are painted by it
later make the same steps whatever else the machine has to do.
"""

from collections.abc import Callable
from typing import Any

from bench.quality.painters import Studio
from bench.quality.pairs import Pair
from bench.quality.records import RATES, Folder
from bench.quality.systems import System
from bench.runners.record import machine
from nst_jax.images import files, resize

PILOT = 40
"""Steps of the short run."""


def within(limit: float, steps: int, seconds: float, *, unit: int = 1) -> int:
    """The steps that fit so many seconds, where `steps` took `seconds`.

    The nearest multiple of `unit`, and at least one.
    """
    return unit * max(1, round(steps * limit / max(seconds, 1e-3) / unit))


def rate(
    system: System,
    pair: Pair,
    folder: Folder,
    studio: Studio,
    *,
    size: int,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """The record of a system's short run on a photo of this shape.

    Args:
      system: that paints in steps.
      pair: of a photo of the shape; only the first of each shape is run.
      folder: where rates are kept.
      studio: that paints.
      size: longest side in pixels.
      say: takes a line for each run.

    Returns:
      The record: "steps" and their "seconds" among others. The first of two runs
      isn't counted: it compiles.

    Raises:
      NotPaintedError: a program that failed.
    """
    height, width = resize.fit(*files.shape(pair.photo), size)
    place = {"system": system.name, "recipe": system.recipe}
    place |= {"size": size, "height": height, "width": width}
    for known in folder.rates():
        if all(known[name] == place[name] for name in place):
            return known
    for _ in range(2):
        made = studio.paint(system, pair, share=1.0, size=size, steps=PILOT)
    spent = {"steps": made.steps, "seconds": made.seconds}
    found = {**place, "pair": pair.name, **spent, **machine()}
    folder.add(RATES, found)
    say(f"{width}x{height}: {system.name}, {made.steps} steps, {made.seconds:.2f} s")
    return found
