"""What an option is: a field with a default, help, the values it may have, a group.

A value that stands for something of another room is written with the place of that
(`solver = "lbfgs"`: `nst_jax.optimize.solvers:LBFGS`), which is imported when it is
asked for: each vocabulary is written once, and nothing here needs JAX.
"""

import dataclasses
import difflib
import functools
import os
import pkgutil
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from nst_jax import elsewhere
from nst_jax.errors import OptionsError, counted

Choices = Mapping[str, str | None]
"""Values of an option, and where what they stand for is defined; None: they stand for
themselves, but "none" for None."""

Check = tuple[Callable[[Any], bool], str]
"""Whether a value is allowed, and which are, in words."""

Needs = Mapping[str, Callable[[Any], Any]]
"""What other options have to be, by name, for an option to matter."""

_NONE: Mapping[str, Any] = MappingProxyType({})

_LONGEST = 200
"""Characters of a value that a message shows."""


def choices(room: str, values: str) -> Choices:
    """Values, and where in a room what they stand for is; nothing for themselves.

    `choices("losses.gram", "chw=CHW")` -> `{"chw": "nst_jax.losses.gram:CHW"}`, and
    `choices("losses", "gram=gram:Gram")` -> `{"gram": "nst_jax.losses.gram:Gram"}`.
    """
    homes: dict[str, str | None] = {}
    for value in values.split():
        name, _, home = value.partition("=")
        joint = "." if ":" in home else ":"
        homes[name] = f"nst_jax.{room}{joint}{home}" if home else None
    return MappingProxyType(homes)


def named(choices: Choices, value: Any) -> Any:
    """What a value stands for; itself where `choices` don't say."""
    if value == "none":
        return None
    home = choices.get(value) if isinstance(value, str) else None
    return pkgutil.resolve_name(home) if home else value


def meant(name: str, value: Any, known: Iterable[str]) -> str:
    """`did you mean lbfgs? `, if that is nearly `value` or its name in other systems.

    Args:
      name: of an option.
      value: of it, that is not known.
      known: values that are.
    """
    text = str(value).lower()
    near = difflib.get_close_matches(text, list(known), 1)
    found = elsewhere.values(name).get(text) or (near[0] if near else "")
    return f"did you mean {found}? " if found else ""


def _option(
    group: str,
    default: Any,
    help: str,
    *,
    choices: Choices = _NONE,
    check: Check | None = None,
    bare: str | None = None,
    needs: Needs = _NONE,
) -> Any:
    # `bare` is the value that the flag alone stands for; `group` is the section in
    # docs/options.md.
    metadata = {
        "help": help,
        "group": group,
        "choices": choices,
        "check": check,
        "bare": bare,
        "needs": needs,
    }
    return dataclasses.field(default=default, metadata=metadata)


picture, losses, colours, network, solver, regions = (
    functools.partial(_option, group)
    for group in ("picture", "losses", "colours", "network", "solver", "regions")
)


def one_of(*values: Any) -> Callable[[Any], bool]:
    """For `Needs`: an option has one of these values."""
    return lambda value: value in values


def above(least: float) -> Callable[[Any], bool]:
    """For `Needs`: an option is a larger number."""
    return lambda value: value > least


def some(weights: tuple[float, ...]) -> bool:
    """For `Needs`: not all factors are 0; none at all are 1 each."""
    return not weights or any(weights)


def unmet(needs: Needs, options: Any, *, but: str = "") -> str | None:
    """The first option that is not what `needs` say; `but` doesn't count."""
    return next(
        (
            name
            for name, is_met in needs.items()
            if name != but and not is_met(getattr(options, name))
        ),
        None,
    )


def plain(field: dataclasses.Field, value: Any) -> Any:
    """A value as Python has it: a tuple for a list, a number for one of numpy or JAX.

    What can't be one of the field's is returned as it is, for `check` to refuse.
    """
    kind = base_type(field.type)
    if typing.get_origin(kind) is tuple:
        items = value.tolist() if getattr(value, "ndim", 0) == 1 else value
        if not isinstance(items, list | tuple):
            return value
        return tuple(_scalar(item) for item in items)
    if kind is str and not field.metadata["choices"] and isinstance(value, os.PathLike):
        return os.fspath(value)
    return _scalar(value)


def _scalar(value: Any) -> Any:
    # Of numpy, JAX and their like: an array without axes.
    is_array = getattr(value, "shape", None) == () and hasattr(value, "item")
    return value.item() if is_array else value


def words(annotation: Any) -> tuple[str, ...]:
    """The words that a field's type allows besides: `int | Literal["original"]`."""
    literals = [t for t in typing.get_args(annotation) if _is_literal(t)]
    return tuple(word for t in literals for word in typing.get_args(t))


def _is_literal(annotation: Any) -> bool:
    return typing.get_origin(annotation) is typing.Literal


def check(field: dataclasses.Field, value: Any) -> None:
    """Raises `OptionsError` if a field can't have that value."""
    if value is None and field.default is None:
        return
    if isinstance(value, str) and value in words(field.type):
        return
    if not _has_type(value, base_type(field.type)):
        kind = base_type(field.type)
        name = str(kind) if typing.get_origin(kind) else kind.__name__
        raise OptionsError(f"{field.name}={_told(value)}: expected {name}")
    choices, check = field.metadata["choices"], field.metadata["check"]
    if choices and value not in choices:
        near = meant(field.name, value, choices)
        raise OptionsError(
            f"{field.name}={_told(value)} is not known; {near}choose one of "
            f"{', '.join(choices)}"
        )
    if check and not check[0](value):
        raise OptionsError(
            f"{field.name}={_told(value)} is out of range: give {check[1]}"
        )


def _told(value: Any) -> str:
    """A value as messages have it: of a long one the beginning."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)})"


def check_taps(options: Any) -> None:
    """Raises `OptionsError` if taps and their factors don't belong together."""
    for kind in ("content", "style"):
        taps = getattr(options, f"{kind}_taps")
        weights = getattr(options, f"{kind}_tap_weights")
        if len(set(taps)) != len(taps):
            raise OptionsError(f"{kind}_taps={','.join(taps)} names a tap twice")
        if weights and len(weights) != len(taps):
            raise OptionsError(
                f"{kind}_tap_weights has {counted(len(weights), 'number')} for "
                f"{counted(len(taps), f'{kind} tap')}; give one for each of "
                f"{', '.join(taps) or '(none)'}"
            )
    if not options.content_taps and not options.style_taps:
        raise OptionsError("content_taps and style_taps are both empty: name a tap")


def parse(field: dataclasses.Field, text: str) -> Any:
    """The value that `text`, as on a command line, gives to a field.

    Raises:
      OptionsError: no number, where the field holds one.
    """
    if field.default is None and not text.strip():
        return None  # As without a preset, which may have set it.
    if text in words(field.type):
        return text
    return _parse(field.name, text, field.type)


def _parse(name: str, text: str, annotation: Any) -> Any:
    kind = base_type(annotation)
    if typing.get_origin(kind) is tuple:
        item = typing.get_args(kind)[0]
        parts = [part.strip() for part in text.split(",")] if text.strip() else []
        return tuple(_parse(name, part, item) for part in parts)
    try:
        return kind(text)
    except ValueError:
        numbers = "a whole number" if kind is int else "a number"
        wanted = ", nor ".join((numbers, *words(annotation)))
        raise OptionsError(f"{name}={_told(text)} is not {wanted}") from None


def base_type(annotation: Any) -> Any:
    """`float | None` -> `float`; anything else is returned as it is."""
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        given = typing.get_args(annotation)
        (inner,) = (t for t in given if t is not type(None) and not _is_literal(t))
        return inner
    return annotation


def _has_type(value: Any, kind: Any) -> bool:
    if typing.get_origin(kind) is tuple:
        item = typing.get_args(kind)[0]
        return isinstance(value, tuple) and all(_has_type(v, item) for v in value)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, kind) and not isinstance(value, bool)


_LARGEST = 3.4028234e38  # Of float32.


def _finite_and(condition: Callable[[float], bool]) -> Callable[[float], bool]:
    return lambda value: abs(value) <= _LARGEST and condition(value)


HISTORY: Check = (lambda value: 1 <= value <= 10**4, "a whole number, 1 to 10000")
STEPS: Check = (lambda value: 0 <= value <= 10**7, "a whole number, 0 to 10000000")
NOT_NEGATIVE_INT: Check = (lambda value: value >= 0, "a whole number, 0 or more")
POSITIVE: Check = (_finite_and(lambda value: value > 0), "a number above 0")
SCALE: Check = (lambda value: 0 < value <= 64, "a number above 0, up to 64")
NOT_NEGATIVE: Check = (_finite_and(lambda value: value >= 0), "a number, 0 or more")
WEIGHTS: Check = (
    lambda values: all(0 <= value <= _LARGEST for value in values),
    "numbers, 0 or more",
)
POOLS: Check = (
    lambda values: (
        0 < len(values) == len(set(values)) and 1 <= min(values) <= max(values) <= 64
    ),
    "whole numbers, 1 to 64, each once",
)
RATIO: Check = (
    lambda text: re.fullmatch(r"[1-9][0-9]{0,4}:[1-9][0-9]{0,4}", text) is not None,
    "width:height in whole numbers, such as 1:1 or 3:2",
)
BLEND: Check = (
    lambda values: (
        all(0 <= value <= _LARGEST for value in values)
        and (not values or sum(values) > 0)
    ),
    "numbers, 0 or more, not all 0",
)
