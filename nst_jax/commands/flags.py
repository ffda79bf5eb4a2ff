"""Command-line flags made from the fields of `Options`."""

import argparse
import dataclasses
import typing
from collections.abc import Sequence
from typing import Any

from nst_jax import presets
from nst_jax.fields import base_type, parse
from nst_jax.options import Options


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds a flag for every field of `Options`, with its help and default."""
    group = parser.add_argument_group("options")
    group.add_argument(
        "--preset",
        choices=tuple(presets.PRESETS),
        help="Start from these options instead of the defaults; other flags override "
        "them. `nst-jax presets` tells about each.",
    )
    add_fields(group, Options)


def add_fields(group: Any, of: type) -> None:
    """Adds a flag for every field of a dataclass of options."""
    for field in dataclasses.fields(of):
        kind = base_type(field.type)
        text = field.metadata["help"]
        if field.default is not None and field.default != ():
            text += f" Default: {_shown(field.default)}."
        group.add_argument(
            f"--{field.name}",
            metavar=_metavar(kind, field.metadata["choices"]),
            **(
                {"nargs": "?", "const": bare}
                if (bare := field.metadata["bare"])
                else {}
            ),
            help=text.replace("%", "%%"),
            default=argparse.SUPPRESS,
        )


def add_machine(group: Any) -> None:
    """Adds the flags about this machine: fetching, and compiled programs."""
    group.add_argument(
        "--offline", action="store_true", help="Never fetch weights; use stored ones."
    )
    group.add_argument(
        "--compilation_cache_dir",
        metavar="DIR",
        help="Where compiled programs are kept; 'off' keeps none. "
        "Default: ~/.cache/nst_jax/xla.",
    )


def count(text: str) -> int:
    """Parses a whole number, 0 or more, for argparse."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r}: give a whole number, 0 or more")
    return int(text)


def positive_count(text: str) -> int:
    """Parses a whole number, 1 or more, for argparse."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r}: give a whole number, 1 or more")
    return int(text)


def options(arguments: argparse.Namespace) -> Options:
    """The `Options` that the flags given on the command line ask for.

    Raises:
      OptionsError: a value that is no number, or not allowed.
    """
    name = arguments.preset
    base = presets.PRESETS[name].options if name else Options()
    return dataclasses.replace(base, **fields_given(arguments, Options))


def fields_given(arguments: argparse.Namespace, of: type) -> dict[str, Any]:
    """The fields of a dataclass of options that flags were given for.

    Raises:
      OptionsError: a value that is no number.
    """
    return {
        field.name: parse(field, getattr(arguments, field.name))
        for field in dataclasses.fields(of)
        if hasattr(arguments, field.name)
    }


def underscored(argv: Sequence[str]) -> list[str]:
    """`--style-weight=3` -> `--style_weight=3`: both spellings are understood."""
    result: list[str] = []
    for position, argument in enumerate(argv):
        if argument == "--":
            return [*result, *argv[position:]]
        name, equals, value = argument.partition("=")
        if name.startswith("--"):
            name = "--" + name[2:].replace("-", "_")
        result.append(name + equals + value)
    return result


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else f"{value}"


def _metavar(kind: Any, choices: Sequence[str]) -> str:
    if choices:
        return "{" + ",".join(choices) + "}"
    if typing.get_origin(kind) is tuple:
        name = typing.get_args(kind)[0].__name__.upper()
        return f"{name},..."
    return {int: "N", float: "X", str: "NAME"}[kind]
