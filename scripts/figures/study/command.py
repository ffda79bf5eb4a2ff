"""What the figures have in common as programs: flags, errors, the order of things."""

import argparse
import dataclasses
import inspect
import math
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from nst_jax.collection.manifest import Entry
from nst_jax.commands import flags, main
from nst_jax.images import files
from nst_jax.options import Options, OptionsError
from study.plan import Study

FLAGS = ("size", "steps", "network", "pooling", "precision", "seed")
"""Fields of `Options` that are flags of most figures."""

_ROOT = Path(__file__).resolve().parents[3]

Shown = Callable[[Study, Sequence[Entry], Path], Sequence[str]]
"""Draws more figures of the entries into the folder; gives their names."""


def example(name: str) -> str:
    """The path of one of the project's pictures, such as "photos/cat.jpg"."""
    return os.path.relpath(_ROOT / "examples" / name)


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure as a program.

    Attributes:
      about: the docstring of its file: title, source, command, what to expect.
      defaults: options of all pictures, before flags.
      study: from the parsed arguments and the options that they give.
      flags: fields of `Options` that are flags of this figure.
      add_flags: adds flags of its own to the parser.
      show: draws more than the plate.
      contents: photos by default; several only where the figure takes them.
      styles: paintings by default, likewise.
    """

    about: str
    defaults: Options
    study: Callable[[argparse.Namespace, Options], Study]
    flags: Sequence[str] = FLAGS
    add_flags: Callable[[argparse.ArgumentParser], None] | None = None
    show: Shown | None = None
    contents: Sequence[str] = ("photos/cat.jpg",)
    styles: Sequence[str] = ("styles/swirls.jpg",)

    def run(self, argv: Sequence[str] | None = None) -> int:
        """Runs the program; returns the exit status."""
        given = list(sys.argv[1:] if argv is None else argv)
        parser = self._parser()
        arguments = parser.parse_args(flags.underscored(given))
        arguments.command = shlex.join(
            ["python", f"scripts/figures/{self._name}.py", *given]
        )
        arguments.run = self._make
        return main.main(arguments)

    @property
    def _name(self) -> str:
        return Path(inspect.getfile(self.study)).stem

    def _parser(self) -> argparse.ArgumentParser:
        parser = argparse.ArgumentParser(
            prog=f"{self._name}.py",
            description=inspect.cleandoc(self.about),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        _add_pictures(parser, "content", "Photo", self.contents)
        _add_pictures(parser, "style", "Painting", self.styles)
        parser.add_argument(
            "--output_dir",
            type=Path,
            required=True,
            metavar="DIR",
            help="Folder of the figure; the same command goes on from what is there.",
        )
        fields = {field.name: field for field in dataclasses.fields(Options)}
        for name in self.flags:
            parser.add_argument(
                f"--{name}",
                default=argparse.SUPPRESS,
                help=f"{fields[name].metadata['help']} Default: "
                f"{getattr(self.defaults, name)}.".replace("%", "%%"),
            )
        if self.add_flags:
            self.add_flags(parser)
        parser.add_argument(
            "--lanes",
            type=flags.positive_count,
            metavar="N",
            help="Pictures side by side (default: as many as help and fit the memory).",
        )
        flags.add_machine(parser)
        return parser

    def _make(self, arguments: argparse.Namespace) -> int:
        for path in (*arguments.content, *arguments.style):
            files.read(path)  # Said now, not once a cell.
        from nst_jax.devices import programs

        programs.keep_compiled_programs(arguments.compilation_cache_dir)
        from study import make, publish

        options = flags.override(self.defaults, arguments, self.flags)
        study = self.study(arguments, options)
        folder: Path = arguments.output_dir
        made = make.make(
            study, folder, lanes=arguments.lanes, offline=arguments.offline
        )
        entries = [e for e in made.folder.entries if e.status != "failed"]
        if entries:
            figures = self.show(study, entries, folder) if self.show else ()
            for path in publish.publish(
                study,
                entries,
                folder,
                about=_paragraphs(self.about),
                command=arguments.command,
                figures=figures,
            ):
                print(path)
        for line in study.left_out:
            print(f"left out: {line}", file=sys.stderr)
        if made.signal is not None:
            print("stopped early; the same command goes on from here")
            return 128 + made.signal
        return 1 if made.folder.failed else 0


def _add_pictures(
    parser: argparse.ArgumentParser, name: str, kind: str, names: Sequence[str]
) -> None:
    paths = [example(path) for path in names]
    several = len(paths) > 1
    parser.add_argument(
        f"--{name}",
        nargs="+" if several else 1,
        default=paths,
        metavar="PATH",
        help=f"{kind}{'s' if several else ''}. Default: {' '.join(paths)}.",
    )


def values(name: str, text: str, *, zero: bool = True) -> list[float]:
    """The numbers of a list such as "1,10,100", each once.

    Raises:
      OptionsError: no numbers, or below 0; 0 too unless `zero` is allowed.
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise OptionsError(f"{name}={text!r}: give numbers, such as 1,10") from None
    if not all(0 <= number < math.inf and (zero or number) for number in numbers):
        allowed = "0 or more" if zero else "above 0"
        raise OptionsError(f"{name}={text!r} is out of range: give numbers {allowed}")
    return list(dict.fromkeys(numbers))


def value(name: str, text: str, *, zero: bool = True) -> float:
    """The one number that a flag has.

    Raises:
      OptionsError: several, or as `values`.
    """
    first, *more = values(name, text, zero=zero)
    if more:
        raise OptionsError(f"{name}={text!r}: give one number, such as 1")
    return first


def counts(name: str, text: str) -> list[int]:
    """The whole numbers of a list such as "50,100", each once, ascending.

    Raises:
      OptionsError: others, or below 1.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) for part in parts):
        raise OptionsError(f"{name}={text!r}: give whole numbers, such as 50,100")
    return sorted({int(part) for part in parts})


def add_iterations(parser: argparse.ArgumentParser, default: str) -> None:
    """Adds --iterations, a list that `counts` reads."""
    parser.add_argument(
        "--iterations",
        default=default,
        metavar="N,...",
        help=f"When pictures are taken. Default: {default}.",
    )


def need(kept: Sequence[str], name: str, left_out: Sequence[str]) -> None:
    """Raises `OptionsError` if nothing was kept of what a flag names."""
    if not kept:
        raise OptionsError(f"{name}: nothing is left: {'; '.join(left_out)}")


def settings(options: Options) -> str:
    """What all pictures have in common, in a line."""
    return f"{options.network}, {options.pooling} pooling, {options.size} pixels"


def loss(entry: Entry, image: np.ndarray) -> str:
    """A caption: the lowest loss."""
    return "" if entry.loss is None else f"loss {entry.loss:.3g}"


def _paragraphs(about: str) -> list[str]:
    """Source and expectation of a docstring: no title, no command."""
    blocks = inspect.cleandoc(about).split("\n\n")[1:]
    return [" ".join(block.split()) for block in blocks if block[0] != " "]
