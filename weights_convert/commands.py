"""The program `nst-weights`: list, fetch, convert, verify, export weights."""

import argparse
import functools
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

from absl import app, flags

from weights_convert import files, formats, store
from weights_convert.architectures import NETWORKS, Architecture, find
from weights_convert.convert import megabytes
from weights_convert.errors import NetworkError, WeightsError
from weights_convert.export import export
from weights_convert.fetch import fetch
from weights_convert.formats import safetensors_file
from weights_convert.parser import Parser
from weights_convert.sources import SOURCES
from weights_convert.stylizers import commands as stylizers
from weights_convert.stylizers.sources import PUBLISHED
from weights_convert.version import version

_DESCRIPTION = """\
Networks for nst-jax: fetched, converted from any known format, verified. Pretrained
ones, which see, are stored in $NST_JAX_HOME/weights (by default
~/.cache/nst_jax/weights), style networks, which paint in one pass, in
$NST_JAX_HOME/stylizers: safetensors, with source, hash and licence in the metadata.
Nothing of a file is run."""

_EPILOG = """\
environment:
  NST_JAX_HOME    folder of the store; by default ~/.cache/nst_jax
  NST_JAX_MIRROR  http://HOST/PATH put in place of scheme and host of every source

examples:
  nst-weights list
  nst-weights fetch vgg19
  nst-weights convert vgg19-dcbb9e9d.pth --to vgg19-torchvision
  nst-weights convert VGG_ILSVRC_19_layers.caffemodel --to vgg19
  nst-weights fetch styles26
  nst-weights convert candy.pth
  nst-weights convert decoder.pth vgg_normalised.pth --to adain
  nst-weights verify vgg19
  nst-weights export vgg19 vgg19.safetensors
  nst-weights normalize vgg19 photos/*.jpg"""

# Adds a command to the program's.
AddParser = Callable[["argparse._SubParsersAction[_Parser]"], None]


class _Parser(Parser):
    for_files = "convert"
    commands_elsewhere: Mapping[str, str] = MappingProxyType(
        {
            **dict.fromkeys(("download", "get", "pull", "install"), "fetch"),
            **{"import": "convert", "check": "verify", "layers": "taps"},
        }
    )


class _Version(argparse.Action):
    """Prints the version, which is looked up only then, and ends the program."""

    def __call__(self, *_: object) -> NoReturn:
        print(version())
        sys.exit(0)


def _parser(more: Sequence[AddParser] = ()) -> argparse.ArgumentParser:
    parser = _Parser(prog="nst-weights", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument(
        "--version", nargs=0, action=_Version, help="show the version, and exit"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    commands.add_parser(
        "list",
        help="what is known: whether it is stored, size, licence, source",
        description="Lists the known networks and their sources.",
    ).set_defaults(run=_list)
    taps = commands.add_parser(
        "taps",
        help="the names of a network's layers, for --content_taps and --style_taps",
        description="Lists the names of a network's layers, from the image up.",
    )
    _add_name(taps)
    taps.set_defaults(run=_taps)
    _add_fetch(commands)
    _add_convert(commands)
    verify = commands.add_parser(
        "verify",
        help="check stored weights: hash, shapes, mean and deviation of each layer",
        description="Checks the stored weights of a network and shows them in numbers.",
    )
    _add_name(verify, style=True)
    verify.set_defaults(run=_verify)
    _add_export(commands)
    for add_parser in more:
        add_parser(commands)
    return parser


def _add_name(
    parser: argparse.ArgumentParser, name: str = "name", *, style: bool = False
) -> None:
    known = ", ".join((*NETWORKS, *PUBLISHED) if style else NETWORKS)
    more = ", or the name of a style network stored here" if style else ""
    parser.add_argument(name, metavar="NAME", help=f"network: {known}{more}")


def _add_fetch(commands: "argparse._SubParsersAction[_Parser]") -> None:
    command = commands.add_parser(
        "fetch",
        help="download a network's weights and store them",
        description=(
            "Downloads a network's weights, checks the hash, converts and stores them."
            " Sources are tried in the order that `nst-weights list` shows."
        ),
    )
    _add_name(command, style=True)
    command.add_argument(
        "--force", action="store_true", help="fetch again even if it is stored"
    )
    labels = sorted({item.label for items in SOURCES.values() for item in items})
    command.add_argument(
        "--source", metavar="SOURCE", help=f"use this one only: {', '.join(labels)}"
    )
    command.set_defaults(run=_fetch)


def _add_convert(commands: "argparse._SubParsersAction[_Parser]") -> None:
    known = ", ".join(item.description for item in formats.FORMATS)
    command = commands.add_parser(
        "convert",
        help="store a weights file of your own",
        description="Stores a weights file as that of a pretrained network, or a style"
        f" network's file or files by a name of your own. Formats: {known}.",
    )
    command.add_argument(
        "files",
        nargs="+",
        type=files.at_home,
        metavar="FILE",
        help="the file to convert; of a style network kept in several, all of them; or"
        " a folder of variables",
    )
    command.add_argument(
        "--to",
        metavar="NAME",
        help=f"pretrained network: {', '.join(NETWORKS)}; or any name for a style"
        " network, by default that of the file",
    )
    command.add_argument(
        "--styles",
        metavar="NAME,...",
        help="names of a style network's styles, in their order",
    )
    command.add_argument(
        "--channels",
        choices=("rgb", "bgr"),
        help="order the first layer takes; by default that of the weights, where they"
        " are known, or of the file's naming",
    )
    command.set_defaults(run=_convert)


def _add_export(commands: "argparse._SubParsersAction[_Parser]") -> None:
    command = commands.add_parser(
        "export",
        help="write stored weights as safetensors under torchvision's names",
        description=(
            "Writes a stored network as safetensors under torchvision's names, kernels"
            " OIHW, the first taking R, G, B. The metadata says mean and std of the"
            " input: Caffe's weights keep theirs, 0..255 less a mean."
        ),
    )
    _add_name(command)
    command.add_argument(
        "file", type=files.at_home, metavar="FILE", help="the file to write"
    )
    command.set_defaults(run=_export)


def say(line: str) -> None:
    """Prints a line on standard error."""
    # A hostile file may name its layers as it likes: one line stays one line.
    print(f"nst-weights: {' '.join(line.splitlines())}", file=sys.stderr)


def _list(arguments: argparse.Namespace) -> None:
    print(f"store: {store.weights_folder()}")
    for name, architecture in NETWORKS.items():
        path = store.weights_path(architecture)
        size = megabytes(path.stat().st_size) if path.is_file() else None
        print(f"\n{name}: {f'stored, {size}' if size else 'not stored'}")
        if size:
            metadata = safetensors_file.read_metadata(path)
            print(f"  stored from  {metadata.get('source', 'unknown')}")
        if name.endswith("-normalized"):
            plain = name.removesuffix("-normalized")
            print(f"  made by `nst-weights normalize {plain} IMAGES...`")
        for source in SOURCES.get(name, ()):
            print(f"  {source.label:<11}  {source.url}")
            print(f"               {megabytes(source.size)}; {source.origin}")
            print(f"               {source.licence}")
    stylizers.show(arguments.shipped)


def _seeing(arguments: argparse.Namespace, otherwise: str) -> Architecture:
    """The pretrained network of the name given; `otherwise` for a style network's."""
    if stylizers.is_style(arguments.name, arguments.shipped):
        raise stylizers.refusal(arguments.name, otherwise)
    return find(arguments.name)


def _any(arguments: argparse.Namespace) -> Architecture | None:
    """The pretrained network of the name given; None for a style network's.

    Raises:
      NetworkError: neither.
    """
    if stylizers.is_style(arguments.name, arguments.shipped):
        return None
    try:
        return find(arguments.name)
    except NetworkError as error:
        known = ", ".join(PUBLISHED)
        raise NetworkError(f"{error}, or the style networks {known}") from error


def _taps(arguments: argparse.Namespace) -> None:
    for tap in _seeing(arguments, "no tap of it is asked for").taps:
        print(tap)


def _fetch(arguments: argparse.Namespace) -> None:
    asked: dict[str, Any] = {"force": arguments.force, "source": arguments.source}
    if (architecture := _any(arguments)) is not None:
        print(fetch(architecture, report=say, **asked))
    else:
        name, shipped = arguments.name, arguments.shipped
        print(stylizers.fetched(name, shipped, report=say, **asked))


def _convert(arguments: argparse.Namespace) -> None:
    if arguments.to in NETWORKS:
        print(stylizers.converted_to(find(arguments.to), arguments, say))
    else:
        print(stylizers.converted(arguments, say))


def _verify(arguments: argparse.Namespace) -> None:
    architecture = _any(arguments)
    if architecture is None:
        found = stylizers.verified(arguments.name, arguments.shipped)
    else:
        found = store.verify(architecture)
    width = max(16, *(len(layer.key) for layer in found.layers))
    print(f"{'tensor':<{width}} {'shape':<18} {'mean':>13} {'std':>13}")
    for layer in found.layers:
        shape = "x".join(map(str, layer.shape))
        numbers = f"{layer.mean:>13.6g} {layer.std:>13.6g}"
        print(f"{layer.key:<{width}} {shape:<18} {numbers}")
    for key in sorted(found.metadata):
        if found.metadata[key]:
            print(f"{key}: {found.metadata[key]}")
    print(f"{arguments.name}: hash, shapes and values are right ({found.path})")


def _export(arguments: argparse.Namespace) -> None:
    architecture = _seeing(
        arguments, f"`nst-jax export --model={arguments.name}` writes it for others"
    )
    print(export(architecture, arguments.file, report=say))


def main(arguments: argparse.Namespace) -> int:
    """Runs the chosen command; returns the exit status."""
    try:
        arguments.run(arguments)
    except WeightsError as error:
        say(str(error))
        return error.exit_status
    except KeyboardInterrupt:
        say("interrupted; what was downloaded is kept, run it again to go on")
        return 130
    except BrokenPipeError:  # the reader, such as `head`, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def parse(
    argv: Sequence[str],
    more: Sequence[AddParser] = (),
    *,
    shipped: Path | None = None,
) -> argparse.Namespace:
    """The chosen command and its arguments, for `main`; usage errors exit with 2."""
    arguments = _parser(more).parse_args(argv[1:])
    arguments.shipped = shipped
    # absl's own flags, which the parser doesn't offer, at their defaults.
    flags.FLAGS(argv[:1])
    return arguments


def run(*more: AddParser, shipped: Path | None = None) -> None:
    """Runs the program `nst-weights`.

    Args:
      more: add commands than this package's.
      shipped: folder of style networks that come with the program.
    """
    app.run(main, flags_parser=functools.partial(parse, more=more, shipped=shipped))


if __name__ == "__main__":
    run()
