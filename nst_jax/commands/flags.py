"""Command-line flags made from the fields of `Options`."""

import argparse
import dataclasses
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nst_jax import presets
from nst_jax.fields import base_type, parse, words
from nst_jax.images import files
from nst_jax.options import Options

_DIGITS = 18
"""Of a whole number, at most."""


class FieldAction(argparse.Action):
    """A flag of a field of `nst_jax.fields`, whose text is parsed later.

    Attributes:
      field: with its type and checks.
    """

    def __init__(self, *arguments: Any, field: dataclasses.Field, **keywords: Any):
        """Takes the field, and what `argparse.Action` takes."""
        super().__init__(*arguments, **keywords)
        self.field = field

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Keeps the text."""
        setattr(namespace, self.dest, values)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds a flag for every field of `Options`, with its help and default."""
    group = parser.add_argument_group("options")
    group.add_argument(
        "--preset",
        choices=tuple(presets.PRESETS),
        help="Start from these options instead of the defaults; other flags override "
        "them. `nst-jax presets` tells about each.",
    )
    add_fields(group, Options())


def add_fields(group: Any, base: Any, names: Sequence[str] = ()) -> None:
    """Adds a flag for every field of a dataclass of `nst_jax.fields`, or those named.

    Args:
      group: of a parser.
      base: with the defaults, such as `Options()`.
      names: of the fields; all by default.
    """
    for field in dataclasses.fields(base):
        if names and field.name not in names:
            continue
        type_ = base_type(field.type)
        text = field.metadata["help"]
        default = getattr(base, field.name)
        if default is not None and default != ():
            text += f" Default: {_shown(default)}."
        group.add_argument(
            f"--{field.name}",
            action=FieldAction,
            field=field,
            metavar="|".join(
                (_metavar(type_, field.metadata["choices"]), *words(field.type))
            ),
            **(
                {"nargs": "?", "const": bare}
                if (bare := field.metadata["bare"])
                else {}
            ),
            help=text.replace("%", "%%"),
            default=argparse.SUPPRESS,
        )


def add_config(group: Any) -> None:
    """Adds the flag of files that give flags; `config.Parser` reads them."""
    group.add_argument(
        "--config",
        type=path,
        metavar="FILE.toml",
        help="Take flags from this file: their names and values, for all commands or "
        "under [COMMAND]. What is given here wins over the file, the file over a "
        "preset.",
    )


def add_machine(group: Any) -> None:
    """Adds the flags about this machine: fetching, and compiled programs."""
    group.add_argument(
        "--offline", action="store_true", help="Never fetch weights; use stored ones."
    )
    group.add_argument(
        "--compilation_cache_dir",
        type=files.expanded,
        metavar="DIR",
        help="Where compiled programs are kept; 'off' keeps none. "
        "Default: ~/.cache/nst_jax/xla.",
    )


def add_fit(group: Any) -> None:
    """Adds the flags about pictures that are larger than the memory."""
    group.add_argument(
        "--tile",
        type=count,
        metavar="PIXELS",
        help="See larger pictures in tiles of this size, 256 or more: the same picture "
        "by less memory and more time; 0: never (default: where the memory is too "
        "small for it at once).",
    )
    group.add_argument(
        "--solver_memory",
        choices=("device", "host"),
        help="Where the solver keeps L-BFGS's history or Adam's moments: on the GPU or "
        "TPU, or in the host's memory, which takes longer (default: there where the "
        "device's is too small).",
    )


def add_executor(group: Any) -> None:
    """Adds the flags about where the work is done."""
    group.add_argument(
        "--executor",
        choices=("local", "ray"),
        default="local",
        help="Where the work is done: here, or on the machines of a Ray cluster, with "
        "a worker for each of its GPUs. Default: local.",
    )
    group.add_argument(
        "--ray_address",
        metavar="HOST:PORT",
        help="The head of the Ray cluster. Default: that of this machine's cluster.",
    )
    group.add_argument(
        "--ray_workers",
        type=positive_count,
        metavar="N",
        help="Workers on the Ray cluster (default: as many as it has room for now; "
        "more begin when it has).",
    )


def add_devices(group: Any) -> None:
    """Adds the flag about several devices."""
    group.add_argument(
        "--devices",
        default="auto",
        metavar="{auto,N,LANESxROWS}",
        help="How many devices share the work: pictures side by side first, then the "
        "rows of each; 4x2: 4 for those, and 2 for these. Default: auto.",
    )


def add_hosts(group: Any) -> None:
    """Adds the flags about several machines."""
    group.add_argument(
        "--coordinator",
        metavar="ADDRESS:PORT",
        help="Where the first of several hosts is met; each makes its share of the "
        "pictures, in a folder host0, host1, ... of its own. The command without "
        "these flags takes them into one folder afterwards.",
    )
    group.add_argument(
        "--hosts",
        type=positive_count,
        default=1,
        metavar="N",
        help="How many hosts. Default: 1.",
    )
    group.add_argument(
        "--host",
        type=count,
        default=0,
        metavar="K",
        help="Which of them this is, from 0. Default: 0.",
    )


def path(text: str) -> Path:
    """Parses a path, in which `~` is the home, for argparse."""
    if not text:
        raise argparse.ArgumentTypeError("it is empty; give a name")
    return Path(files.expanded(text))


def name(text: str) -> str:
    """Parses the name of a file that need be none, such as `-`, for argparse."""
    path(text)
    return files.expanded(text)


def add_overwrite(group: Any) -> None:
    """Adds the flag about files that exist."""
    group.add_argument(
        "--overwrite",
        type=_yes,
        nargs="?",
        const=True,
        metavar="{yes,no}",
        help="Whether files that exist may be replaced. Default: those that nst-jax "
        "made, and what a flag names; a line says which.",
    )


def _yes(text: str) -> bool:
    if text not in ("yes", "no"):
        raise argparse.ArgumentTypeError(f"{text!r}: give yes or no")
    return text == "yes"


def count(text: str) -> int:
    """Parses a whole number, 0 or more, for argparse."""
    return _whole(text, 0)


def positive_count(text: str) -> int:
    """Parses a whole number, 1 or more, for argparse."""
    return _whole(text, 1)


def _whole(text: str, least: int) -> int:
    # Python refuses to make numbers of thousands of digits.
    if text.isdecimal() and len(text) <= _DIGITS and int(text) >= least:
        return int(text)
    told = text if len(text) <= _DIGITS else f"{text[:_DIGITS]}..."
    raise argparse.ArgumentTypeError(f"{told!r}: give a whole number, {least} or more")


def given(arguments: argparse.Namespace) -> list[str]:
    """The options that were given, on the command line or in a file, by name."""
    return [f.name for f in dataclasses.fields(Options) if hasattr(arguments, f.name)]


def options(arguments: argparse.Namespace) -> Options:
    """The `Options` that the flags given on the command line ask for.

    Raises:
      OptionsError: a value that is no number, or not allowed.
    """
    name = arguments.preset
    return changed(arguments, presets.PRESETS[name].options if name else Options())


def changed(arguments: argparse.Namespace, base: Any, names: Sequence[str] = ()) -> Any:
    """`base` with what flags of `add_fields` were given.

    Raises:
      OptionsError: a value that is no number, or not allowed.
    """
    values = {
        field.name: parse(field, getattr(arguments, field.name))
        for field in dataclasses.fields(base)
        if hasattr(arguments, field.name) and (not names or field.name in names)
    }
    return dataclasses.replace(base, **values)


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else f"{value}"


def _metavar(kind: Any, choices: Sequence[str]) -> str:
    if choices:
        return "{" + ",".join(choices) + "}"
    if typing.get_origin(kind) is tuple:
        name = typing.get_args(kind)[0].__name__.upper()
        return f"{name},..."
    return {int: "N", float: "X", str: "NAME"}[kind]
