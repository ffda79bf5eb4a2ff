"""A figure as a program: its flags, its errors, the order of things."""

import argparse
import contextlib
import dataclasses
import functools
import inspect
import math
import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from study import Study, make, publish, say

from nst_jax import fields, streams
from nst_jax.collection.folder import Folder
from nst_jax.collection.manifest import FAILED
from nst_jax.devices import programs
from nst_jax.errors import OptionsError, answered
from nst_jax.images import files
from nst_jax.networks.network import Network
from nst_jax.options import Options
from nst_jax.perceptual.network import load_network
from weights_convert import store

FLAGS = ("size", "steps", "network", "pooling", "precision", "seed")
"""Fields of `Options` that are flags of most figures."""

_OPTIONS = {field.name: field for field in dataclasses.fields(Options)}
_EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure as a program.

    Attributes:
      about: the docstring of its file: title, source, command, what to expect.
      defaults: options of all pictures, before flags.
      study: from the parsed arguments and the options that they give; `arguments.load`
        takes options and gives their network.
      flags: fields of `Options` that are flags of this figure.
      own: flags of its own, by name: metavar, default and help.
      show: draws more than the plate into the folder, and gives the names of that.
      contents: photos by default; several only where the figure takes them.
      styles: paintings by default, likewise.
    """

    about: str
    defaults: Options
    study: Callable[[argparse.Namespace, Options], Study]
    flags: Sequence[str] = FLAGS
    own: Mapping[str, tuple[str, str, str]] = dataclasses.field(default_factory=dict)
    show: Callable[[Study, Folder], Sequence[str]] | None = None
    contents: Sequence[str] = ("photos/cat.jpg",)
    styles: Sequence[str] = ("styles/swirls.jpg",)

    def run(
        self,
        argv: Sequence[str] | None = None,
        *,
        load: Callable[..., Network] = load_network,
    ) -> int:
        """Runs the program; returns the exit status.

        Args:
          argv: flags; None: those of the command line.
          load: called as `load_network` is.
        """
        given = list(sys.argv[1:] if argv is None else argv)
        name = f"{Path(inspect.getfile(self.study)).stem}.py"
        arguments = self._parser(name).parse_args([_underscored(a) for a in given])
        arguments.command = shlex.join(["python", f"scripts/figures/{name}", *given])
        once = functools.cache(load)  # Programs of one network share it.
        arguments.load = lambda options: once(
            options.network,
            pooling=options.pooling,
            precision=options.precision,
            offline=arguments.offline,
            report=say,
        )
        streams.prepare()
        return answered(lambda: self._kept(arguments))

    def _kept(self, arguments: argparse.Namespace) -> int:
        with streams.unfailing(), contextlib.ExitStack() as kept:
            return self._run(arguments, kept)

    def _run(self, arguments: argparse.Namespace, kept: contextlib.ExitStack) -> int:
        for path in (*arguments.content, *arguments.style):
            files.read(path)  # Said now, not once a cell.
        cache = arguments.compilation_cache_dir
        programs.keep_compiled_programs(cache, store.home() / "xla")
        given = {
            name: fields.parse(_OPTIONS[name], getattr(arguments, name))
            for name in self.flags
            if hasattr(arguments, name)
        }
        study = self.study(arguments, dataclasses.replace(self.defaults, **given))
        folder, signal = make(
            study,
            arguments.output_dir,
            kept,
            lanes=arguments.lanes,
            offline=arguments.offline,
            load=arguments.load,
            overwrite={"yes": True, "no": False}.get(arguments.overwrite),
        )
        folder.clear_states()
        if any(entry.status != FAILED for entry in folder.entries):
            more = self.show(study, folder) if self.show else ()
            publish(study, folder, self.about, arguments.command, more)
        for line in study.left_out:
            say(f"left out: {line}")
        if signal is not None:
            print("stopped early; the same command goes on from here")
            return 128 + signal
        if folder.unfinished:
            say(
                "nst-jax: pictures are missing that a run which went on had passed; "
                "the same command makes them"
            )
            return 1
        return 1 if folder.failed else 0

    def _parser(self, name: str) -> argparse.ArgumentParser:
        parser = argparse.ArgumentParser(
            prog=name,
            description=inspect.cleandoc(self.about),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        add = parser.add_argument
        pictures = {"Photo": self.contents, "Painting": self.styles}
        for flag, kind in ("--content", "Photo"), ("--style", "Painting"):
            paths = [os.path.relpath(_EXAMPLES / path) for path in pictures[kind]]
            kind, nargs = (f"{kind}s", "+") if len(paths) > 1 else (kind, 1)
            text = f"{kind}. Default: {' '.join(paths)}."
            of_files = {"type": files.expanded, "default": paths, "metavar": "PATH"}
            add(flag, nargs=nargs, help=text, **of_files)
        text = "Folder of the figure; the same command goes on from what is there."
        add("--output_dir", type=_folder, required=True, metavar="DIR", help=text)
        for name in self.flags:
            text = _OPTIONS[name].metadata["help"].replace("%", "%%")
            text += f" Default: {getattr(self.defaults, name)}."
            add(f"--{name}", default=argparse.SUPPRESS, help=text)
        for name, (metavar, default, text) in self.own.items():
            text += f" Default: {default}." if default else ""
            add(f"--{name}", default=default, metavar=metavar, help=text)
        text = "Whether files that exist may be replaced. Default: those made here."
        add("--overwrite", choices=("yes", "no"), help=text)
        text = "Pictures side by side (default: as many as help and fit the memory)."
        add("--lanes", type=int, metavar="N", help=text)
        text = "Never fetch weights; use stored ones."
        add("--offline", action="store_true", help=text)
        text = "Where compiled programs are kept; 'off' keeps none. Default: "
        text += "~/.cache/nst_jax/xla."
        add("--compilation_cache_dir", type=files.expanded, metavar="DIR", help=text)
        return parser


def numbers(name: str, text: str, *, zero: bool = True) -> list[float]:
    """The numbers of a list such as "1,10,100", each once.

    Raises:
      OptionsError: no numbers, or below 0; 0 too unless `zero` is allowed.
    """
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        raise OptionsError(f"{name}={text!r}: give numbers, such as 1,10") from None
    if not all(0 <= number < math.inf and (zero or number) for number in found):
        allowed = "0 or more" if zero else "above 0"
        raise OptionsError(f"{name}={text!r} is out of range: give numbers {allowed}")
    return list(dict.fromkeys(found))


def one(name: str, found: Sequence[float]) -> float:
    """The only one of `found`, the numbers of a flag; raises `OptionsError` if not."""
    if len(found) > 1:
        text = ",".join(f"{number:g}" for number in found)
        raise OptionsError(f"{name}={text!r}: give one number, such as 1")
    return found[0]


def counts(name: str, text: str) -> list[int]:
    """The whole numbers of a list such as "50,100", each once, ascending.

    Raises:
      OptionsError: others, or below 1.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) for part in parts):
        raise OptionsError(f"{name}={text!r}: give whole numbers, such as 50,100")
    return sorted({int(part) for part in parts})


def need(kept: Mapping[str, Any], name: str, left_out: Sequence[str]) -> None:
    """Raises `OptionsError` if nothing was kept of what a flag names."""
    if not kept:
        raise OptionsError(f"{name}: nothing is left: {'; '.join(left_out)}")


def _folder(text: str) -> Path:
    return Path(files.expanded(text))


def _underscored(argument: str) -> str:
    """`--style-weight=3` -> `--style_weight=3`: both spellings are understood."""
    name, equals, value = argument.partition("=")
    name = "--" + name[2:].replace("-", "_") if name.startswith("--") else name
    return name + equals + value
