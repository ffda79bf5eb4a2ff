"""The options of painting in one pass, with their defaults, help and checks."""

import dataclasses
import re
from pathlib import Path
from typing import Any, Literal

from nst_jax import fields
from nst_jax.fields import choices
from nst_jax.images.coloring import Coloring
from nst_jax.options import Options as Optimised
from nst_jax.options.regions import Feathered
from nst_jax.options.written import Written

SHIPPED = Path(__file__).with_name("shipped")
"""Folder of the networks that come with the package."""

_COLOR = next(f for f in dataclasses.fields(Optimised) if f.name == "color")
_WAYS = {
    way: home
    for way, home in _COLOR.metadata["choices"].items()
    if way != "nnst"  # A network may have no painting whose colours those could be.
}
_UNIT = (lambda value: 0 <= value <= 1, "a number, 0 to 1")
_STROKES = (lambda value: 1 / 16 <= value <= 16, "a number, 0.0625 to 16")


@dataclasses.dataclass(frozen=True)
class Options(Feathered, Written):
    """How a style network is applied; every field is also a flag of `nst-jax apply`.

    Raises:
      OptionsError: a value is outside of what its field allows.
    """

    model: str = fields.network(
        "starry_night",
        "The style network: a file, or a name; --list shows those that are known. "
        "Without it --style alone says which: a number means styles26, a painting's "
        "file arbitrary.",
    )
    style: str | None = fields.losses(
        None,
        "Which of the network's styles, by number or name; shares of several, such as "
        "3:0.7,5:0.3; of a network of any style a painting's file, or several with "
        "shares; all: every one of the network's. (default: the only one).",
    )
    size: int | Literal["original"] | None = fields.picture(
        None,
        "Longest side of the result in pixels (default: original, the picture's own).",
        check=(lambda value: 16 <= value <= 65536, "a whole number, 16 to 65536"),
    )
    strength: float = fields.losses(
        1.0,
        "From the photo, 0, to the painted picture, 1; of a network of any style from "
        "the photo's own style to the painting's.",
        check=_UNIT,
    )
    stroke_size: float = fields.losses(
        1.0,
        "Size of the strokes: the picture is painted so many times smaller, and the "
        "change enlarged and laid over the photo, so that its detail stays.",
        check=_STROKES,
    )
    color: str = fields.colours(
        "style",
        "Colours of the result, as for `nst-jax stylize`. Where there is no painting "
        "to match to the photo, the painted picture is.",
        choices=_WAYS,
    )
    precision: str = fields.network(
        "float32",
        "Arithmetic of the network; statistics are always float32.",
        choices=choices("feedforward.load", "float32 bfloat16"),
    )

    def __post_init__(self) -> None:
        """Checks every field for itself."""
        for field in dataclasses.fields(self):
            fields.check(field, getattr(self, field.name))
        if self.size == "original":
            object.__setattr__(self, "size", None)

    @property
    def longest(self) -> int | None:
        """Longest side of the result in pixels; None: the picture's own."""
        return self.size if isinstance(self.size, int) else None

    @property
    def network(self) -> str:
        """The network, by the name that optimisation's options have for it."""
        return self.model

    @property
    def coloring(self) -> Coloring:
        """What `color` stands for."""
        found: Coloring = fields.named(_WAYS, self.color)
        return found


def model_of(style: str | None) -> str:
    """The network that is meant where only a style is given."""
    if style is None:
        return Options.model
    first = style.split(",")[0].strip()
    named = first.rpartition(":")[0] or first
    if re.fullmatch("[0-9]+|all", named):
        return "styles26"
    shipped = re.fullmatch(r"\w+", named) and SHIPPED / f"{named}.safetensors"
    return named if shipped and shipped.is_file() else "arbitrary"


def changed(options: Options) -> dict[str, Any]:
    """The options that differ from the defaults, by name, sorted."""
    return {
        field.name: value
        for field in sorted(dataclasses.fields(Options), key=lambda f: f.name)
        if (value := getattr(options, field.name)) != field.default
    }
