"""What paints: ours by presets or options, one-pass networks, rivals."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import nst_jax
from nst_jax.errors import OptionsError
from nst_jax.presets import PRESETS

STRENGTHS: Mapping[str, float] = MappingProxyType({"1/4": 0.25, "1": 1.0, "4": 4.0})
"""How strong the style is, as a factor of its weight."""


@dataclasses.dataclass(frozen=True)
class System:
    """Something that paints a photo in the style of a painting.

    Attributes:
      name: in figures.
      kind: "photo" (the photo as it is), "optimised" (ours), "pass" (ours, in one
        pass), "pytorch" or "pastiche".
      options: of `nst_jax.Options`, or the network of one pass.
      steps: of those that aren't ours.
      unit: its steps come in multiples of so many.
      painting: the only one that it knows, as the stem of a file; "" of any.
      strengths: its own shares for those of `STRENGTHS`.
    """

    name: str
    kind: str
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    steps: int = 0
    unit: int = 1
    painting: str = ""
    strengths: Mapping[str, float] = dataclasses.field(
        default_factory=lambda: STRENGTHS
    )

    @property
    def recipe(self) -> str:
        """Ten hex digits of all that makes its pictures, whatever it is called.

        Options at their defaults count: where a default changes, so does what is made.
        """
        own = dict(self.options)
        if self.kind == "optimised":
            own = dataclasses.asdict(nst_jax.Options(**own))
            own = {name: own[name] for name in own if name not in _SHARED}
        parts = [self.kind, own, self.steps, dict(self.strengths)]
        text = json.dumps(parts, sort_keys=True, default=list)
        return hashlib.sha256(text.encode()).hexdigest()[:10]

    @property
    def steps_made(self) -> bool:
        """Whether it makes any, whose number can be chosen."""
        return self.kind not in ("photo", "pass")

    def paints(self, painting: Path) -> bool:
        """Whether it can paint like that."""
        return self.painting in ("", painting.stem)


# Pictures are compared at one size, whole, and in eight bits.
_SHARED = ("size", "crop", "bits", "transparency")

# A network blends towards the photo; it can't be stronger than it is.
_PASS = MappingProxyType({"1/4": 0.5, "1": 1.0})


def _network(name: str) -> System:
    options = {"model": name}
    return System(name, "pass", options, painting=name, strengths=_PASS)


REGISTERED: Mapping[str, System] = MappingProxyType(
    {
        one.name: one
        for one in (
            System("photo", "photo", strengths=MappingProxyType({"1": 1.0})),
            System("default", "optimised"),
            _network("starry_night"),
            _network("glass"),
            System("pytorch", "pytorch", steps=300, unit=20),
            System("pastiche", "pastiche", steps=1000),
        )
    }
)
"""Systems by name, besides the presets. PyTorch makes the tutorial's 300 steps of the
field's usual loss (`bench/runners/plain_torch.py`), 20 in each call of its L-BFGS,
pastiche its own 1000."""


def named(text: str) -> System:
    """A system by what a command line says.

    Args:
      text: a name of `REGISTERED`, a preset of ours, a file of options such as
        `mine.json`, or a name with options, `mine={"style_weight": 50}`. Among these
        options "preset" names the one that the others change.

    Raises:
      OptionsError: neither; options that aren't known or allowed.
    """
    if text in REGISTERED:
        return REGISTERED[text]
    if text in PRESETS:
        return System(text, "optimised", _changed(text, {}))
    name, equals, given = text.partition("=")
    if text.endswith(".json") and not equals:
        name = Path(text).stem
        try:
            given = Path(text).read_text()
        except OSError as error:
            raise OptionsError(f"{text}: can't be read ({error.strerror})") from error
    elif not equals:
        known = ", ".join([*REGISTERED, *PRESETS])
        raise OptionsError(
            f"system {text!r} is not known; give a file of options, NAME=JSON, or one "
            f"of {known}"
        )
    taken = name in REGISTERED or name in PRESETS
    if taken or not name.replace("-", "").isidentifier():
        raise OptionsError(
            f"system {name!r}: options of your own need a name of their own, of "
            "letters, digits, - and _"
        )
    return System(name, "optimised", _own(name, given))


def _own(name: str, given: str) -> dict[str, Any]:
    try:
        options = json.loads(given)
    except ValueError as error:
        raise OptionsError(f"system {name}: no JSON ({error})") from error
    if not isinstance(options, dict):
        raise OptionsError(f'system {name}: give options as {{"NAME": VALUE}}')
    return _changed(options.pop("preset", None), options)


def _changed(preset: str | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that a preset and changes of it come to; checked."""
    if preset is not None and preset not in PRESETS:
        known = ", ".join(PRESETS)
        raise OptionsError(f"preset={preset!r} is not known; known are {known}")
    base = PRESETS[preset].options if preset else nst_jax.Options()
    fields = {field.name for field in dataclasses.fields(base)}
    if unknown := sorted(set(options) - fields):
        raise OptionsError(f"options {', '.join(unknown)}: not known")
    for name in set(options) & set(_SHARED):
        raise OptionsError(f"{name} is the same for all systems; leave it out")
    made = dataclasses.replace(base, **options)
    return {
        field.name: getattr(made, field.name)
        for field in dataclasses.fields(made)
        if getattr(made, field.name) != field.default and field.name not in _SHARED
    }


def chosen(texts: Sequence[str]) -> list[System]:
    """Systems of a command line.

    Raises:
      OptionsError: see `named`; two of one name.
    """
    found = [named(text) for text in texts]
    names = [one.name for one in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise OptionsError(f"systems {', '.join(twice)}: named twice; give other names")
    return found
