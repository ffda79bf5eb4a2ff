"""The `nst-jax` program: finds the command, and turns errors into one line."""

import argparse
import sys
from collections.abc import Sequence

from absl import app, logging
from absl import flags as absl_flags

from nst_jax import elsewhere, streams
from nst_jax.commands import (
    apply,
    batch,
    completion,
    export,
    plan,
    presets,
    serve,
    stylize,
    train,
)
from nst_jax.commands.config import Parser
from nst_jax.errors import answered, leaving
from nst_jax.version import __version__

_COMMANDS = (stylize, batch, plan, apply, serve, train, export, presets, completion)

_DESCRIPTION = """\
Neural style transfer: repaints a photo in the style of one or more paintings.

The picture is found by optimisation (Gatys, Ecker & Bethge, "Image Style Transfer
Using Convolutional Neural Networks", 2016): it is changed until a pretrained VGG
network sees in it the content of the photo and the style of the paintings. It runs on
GPUs, TPUs and CPUs.
"""

_EPILOG = """\
examples:
  nst-jax stylize photo.jpg painting.jpg -o painted.png
  nst-jax stylize photo.jpg painting.jpg --size=1024 --preset=fast --style_weight=3
  nst-jax stylize photo.jpg monet.jpg munch.jpg --style_blend=3,1
  nst-jax batch --contents='photos/*.jpg' --styles=paintings/ --output_dir=out
  nst-jax plan photo.jpg painting.jpg --size=2048
  nst-jax apply photo.jpg --model=styles26 --style=3 -o painted.png
  nst-jax serve --open          a page in the browser
  nst-jax export --model=styles26 --format=onnx -o styles26.onnx
  nst-jax stylize photo.jpg painting.jpg --config=mine.toml
  nst-jax stylize --help        every option, with its default

files:
  ~/.cache/nst_jax/weights      converted weights, fetched on first use (nst-weights)
  ~/.cache/nst_jax/xla          compiled programs, so that the next start is quick
  ~/.cache/nst_jax/serve        jobs and pictures of nst-jax serve

environment:
  NST_JAX_HOME                  where these folders are, instead of ~/.cache/nst_jax
  NST_JAX_MIRROR                another server for the weights, such as http://host/path
  NST_JAX_TOKEN                 the token of nst-jax serve, instead of a random one
  JAX_PLATFORMS                 cpu, cuda or tpu: the device to use

exit status:
  0 done; 1 something failed, said in one line; 2 no such flag or command; 130
  stopped by Ctrl-C (143 by termination, 129 by a lost terminal), with the best picture
  so far saved
"""


class _Parser(Parser):
    flags_elsewhere = elsewhere.FLAGS
    told_elsewhere = elsewhere.TOLD
    commands_elsewhere = elsewhere.COMMANDS
    for_files = "stylize"


def parser() -> argparse.ArgumentParser:
    """The parser of the whole program."""
    result = _Parser(prog="nst-jax", description=_DESCRIPTION, epilog=_EPILOG)
    result.add_argument("--version", action="version", version=__version__)
    commands = result.add_subparsers(
        dest="command",
        metavar="COMMAND",
        required=True,
        title="commands",
        parser_class=_Parser,
    )
    for module in _COMMANDS:
        module.add_parser(commands)
    return result


def main(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    # JAX tells of every kind of device that it does not find.
    logging.set_verbosity(logging.WARNING)
    return answered(lambda: arguments.run(arguments))


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    arguments = parser().parse_args(argv[1:])
    # absl's own flags, which the parser doesn't offer, at their defaults.
    absl_flags.FLAGS(argv[:1])
    return arguments


def run() -> None:
    """The entry point of the installed program."""

    def program() -> int:
        app.run(main, flags_parser=_parse)
        return 0

    streams.prepare()
    with leaving():
        sys.exit(answered(program))


if __name__ == "__main__":
    run()
