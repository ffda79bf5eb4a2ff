"""Command-line flags made from the fields of `Options`."""

import argparse
import dataclasses
import typing
from collections.abc import Sequence
from typing import Any

from nst_jax.options import Options, OptionsError, base_type


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds a flag for every field of `Options`, with its help and default."""
    group = parser.add_argument_group("options")
    for field in dataclasses.fields(Options):
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


def options(arguments: argparse.Namespace) -> Options:
    """The `Options` that the flags given on the command line ask for.

    Raises:
      OptionsError: a value that is no number, or not allowed.
    """
    given = {
        field.name: _parse(field.name, getattr(arguments, field.name), field.type)
        for field in dataclasses.fields(Options)
        if hasattr(arguments, field.name)
    }
    return Options(**given)


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


def _parse(name: str, text: str, annotation: Any) -> Any:
    kind = base_type(annotation)
    if typing.get_origin(kind) is tuple:
        item = typing.get_args(kind)[0]
        parts = [part.strip() for part in text.split(",")] if text.strip() else []
        return tuple(_parse(name, part, item) for part in parts)
    try:
        return kind(text)
    except ValueError:
        wanted = "a whole number" if kind is int else "a number"
        raise OptionsError(f"{name}={text!r} is not {wanted}") from None


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else f"{value}"


def _metavar(kind: Any, choices: Sequence[str]) -> str:
    if choices:
        return "{" + ",".join(choices) + "}"
    if typing.get_origin(kind) is tuple:
        name = typing.get_args(kind)[0].__name__.upper()
        return f"{name},..."
    return {int: "N", float: "X", str: "NAME"}[kind]
