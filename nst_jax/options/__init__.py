"""The options of a style transfer, with their defaults, help and checks.

This room is the only place where a default is written, and the values of an option:
a file a group. Command-line flags, docs/options.md and the benchmarks are derived from
these fields. A value that stands for something of another room is written with the
place of that, which `chosen` imports when it is asked for: a style loss, a solver, a
way of colour, a start is its definition and a line here.
"""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from nst_jax import fields
from nst_jax.options.colours import Colours
from nst_jax.options.losses import CONTENT, JOINED, STYLE, Losses
from nst_jax.options.network import Seeing
from nst_jax.options.picture import STARTS, Picture
from nst_jax.options.regions import Regions
from nst_jax.options.solver import Solving

__all__ = [
    "CONTENT",
    "FIELDS",
    "GROUPS",
    "STARTS",
    "STYLE",
    "VARYING",
    "Options",
    "changed",
    "chosen",
    "joined",
    "word",
]


@dataclasses.dataclass(frozen=True)
class Options(Regions, Solving, Seeing, Colours, Losses, Picture):
    """What to make and how; every field is also a flag of `nst-jax stylize`.

    The defaults are what was measured and looked at to do best on a dozen pairs of
    photos and paintings (docs/quality.md): optimal transport between the features of
    VGG-19, from 64 pixels up. Gatys's loss at one size is the preset `classic`.

    Raises:
      OptionsError: a value is outside of what its field allows.
    """

    def __post_init__(self) -> None:
        """Makes each value plain and checks it, then those that belong together."""
        for field in dataclasses.fields(self):
            value = fields.plain(field, getattr(self, field.name))
            fields.check(field, value)
            object.__setattr__(self, field.name, value)
        fields.check_taps(self)


VARYING = (
    *("content_weight", "style_weight", "content_tap_weights", "style_tap_weights"),
    *("tv_weight", "style_blend", "style_scale", "init", "seed"),
    *("color", "color_after", "edge_weight"),
    *("mask_feather", "mask_reach", "mask_balance", "unmatched", "style_tap_decay"),
    *("content_share", "mask_grow"),
)
"""Options that lanes of one program may differ in. The names of a batch's pictures have
them in this order: new ones go to the end."""


FIELDS = {field.name: field for field in dataclasses.fields(Options)}
"""The fields of `Options` by name."""

GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "picture": "The picture",
        "losses": "Style and content",
        "colours": "Colours",
        "network": "The network",
        "solver": "The solver",
        "regions": "Regions",
    }
)
"""The groups of options, in the order in which they are shown, with their titles."""


def chosen(options: Options, name: str) -> Any:
    """What an option stands for: its value, or what its line in `Options` names.

    `chosen(options, "solver")` -> `nst_jax.optimize.solvers.LBFGS`; "none" is None.
    """
    return fields.named(FIELDS[name].metadata["choices"], getattr(options, name))


def joined(options: Options, kind: str) -> bool:
    """Whether the taps of "content" or "style" are compared as one vector."""
    loss, taps = (getattr(options, f"{kind}_{of}") for of in ("loss", "taps"))
    return options.features == "hypercolumns" and loss in JOINED and bool(taps)


def word(name: str, meaning: Any) -> str:
    """The value of an option that stands for `meaning`: `chosen` turned round."""
    choices = FIELDS[name].metadata["choices"]
    return next(one for one in choices if fields.named(choices, one) == meaning)


def changed(options: Options) -> dict[str, Any]:
    """The options that differ from the defaults, by name, sorted."""
    values = {name: getattr(options, name) for name in sorted(FIELDS)}
    return {n: v for n, v in values.items() if v != FIELDS[n].default}
