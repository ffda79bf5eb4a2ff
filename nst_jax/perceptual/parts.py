"""The parts of an objective that options name, and what each of them weighs."""

import dataclasses
from typing import Any

import numpy as np

from nst_jax.losses.edges import Edges
from nst_jax.losses.hypercolumn import HYPERCOLUMN
from nst_jax.losses.objective import IMAGE, Objective, Part
from nst_jax.losses.palette import Palette
from nst_jax.losses.terms import Term
from nst_jax.losses.total_variation import TotalVariation
from nst_jax.options import Options, chosen, joined
from weights_convert import architectures

PALETTE = "style/palette"
"""The name of the part of colours."""


def losses(options: Options) -> Objective:
    """The terms that `options` name, at their taps; of edges if they weigh anything."""
    edges = (Part("edges", term(Edges, options), IMAGE, "content"),)
    palette = Part(PALETTE, Palette(), IMAGE, "style", column=(IMAGE,), strides=(1,))
    return Objective(
        (
            *_parts("content", options),
            *_parts("style", options),
            *(
                (palette,)
                if options.palette_weight and joined(options, "style")
                else ()
            ),
            Part("total_variation", term(TotalVariation, options), IMAGE, ""),
            *(edges if options.edge_weight else ()),
        )
    )


def _parts(kind: str, options: Options) -> tuple[Part, ...]:
    """A part for each tap of "content" or "style", or one of all taps together."""
    loss = term(chosen(options, f"{kind}_loss"), options)
    taps = getattr(options, f"{kind}_taps")
    name = f"{kind}/{HYPERCOLUMN}"
    if getattr(loss, "follows", False) and taps:
        return (Part(name, loss, HYPERCOLUMN, kind, column=taps),)
    if not joined(options, kind):
        return tuple(Part(f"{kind}/{tap}", loss, tap, kind) for tap in taps)
    network = architectures.find(options.network)
    strides = tuple(1 if tap == IMAGE else network.stride(tap) for tap in taps)
    return (Part(name, loss, IMAGE, kind, column=taps, strides=strides),)


def term(kind: type[Any], options: Options) -> Term:
    """A term of this kind, its fields as the options of the same names say."""
    fields = [field.name for field in dataclasses.fields(kind)]
    return kind(**{name: chosen(options, name) for name in fields})


def loss_weights(options: Options, size: int | None = None) -> dict[str, float]:
    """The weight of each part: the overall weight times the tap's own.

    That of hypercolumns is the overall one: they are all taps together.

    Args:
      options: of a picture.
      size: its longest side; where `content_weight_at` is another, the content's weight
        is that many times larger, and the palette's less (Kolkin et al. 2019,
        arXiv:1904.12785, section 2.5: 16 times at 64 pixels what it is at 1024).
    """
    whole = {"content": options.content_weight, "style": options.style_weight}
    if options.content_weight_at and size:
        whole["content"] *= options.content_weight_at / size
    found: dict[str, float] = {}
    for kind, weight in whole.items():
        taps = getattr(options, f"{kind}_taps")
        factors = _factors(kind, options)
        of_taps = {
            f"{kind}/{tap}": weight * factor
            for tap, factor in zip(taps, factors, strict=True)
        }
        if of_taps and _together(kind, options):
            of_taps = {f"{kind}/{HYPERCOLUMN}": weight if any(factors) else 0.0}
        found |= of_taps
    palette = options.palette_weight * options.style_weight
    if options.content_weight_at and whole["content"] > options.style_weight:
        palette *= options.style_weight / whole["content"]
    found |= {PALETTE: palette} if joined(options, "style") else {}
    return found | {
        "total_variation": options.tv_weight,
        "edges": options.edge_weight,
    }


def _factors(kind: str, options: Options) -> list[float]:
    """What each tap of "content" or "style" weighs."""
    count = len(getattr(options, f"{kind}_taps"))
    if given := getattr(options, f"{kind}_tap_weights"):
        return list(given)
    if kind == "content" or not count:
        return [1.0] * count
    falling = options.style_tap_decay ** np.arange(count)
    return [float(factor) for factor in falling / falling.mean()]


def _together(kind: str, options: Options) -> bool:
    """Whether the taps of "content" or "style" are seen as hypercolumns."""
    follows = getattr(chosen(options, f"{kind}_loss"), "follows", False)
    return joined(options, kind) or follows
