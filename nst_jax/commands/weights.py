"""The program `nst-weights`: `weights_convert`'s commands, and one that needs JAX."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tqdm
from absl import logging

from nst_jax import streams
from nst_jax.commands import completion, flags
from nst_jax.errors import DeviceError, ImageError, answered, counted, leaving
from nst_jax.feedforward.options import SHIPPED
from nst_jax.images import files
from weights_convert import commands, fetch, store
from weights_convert.architectures import Architecture, find
from weights_convert.errors import WeightsError
from weights_convert.normalize import normalize, normalized

_DESCRIPTION = """\
Rescales a network's filters so that the mean activation of each over your images is 1
(Gatys, Ecker & Bethge 2016, section 2), and stores it as NAME-normalized. The network
computes the same features but for that scale, so that in a style loss no filter
outweighs the others by its size. Take photos of many kinds, some dozens or more.

Of each image the middle square is taken, and resized to --size."""


def add_parser(subparsers: Any) -> None:
    """Adds `normalize` to the commands of `nst-weights`."""
    parser = subparsers.add_parser(
        "normalize",
        help="rescale a network's filters to mean activations of 1 over images",
        description=_DESCRIPTION,
    )
    parser.add_argument("name", metavar="NAME", help="network: vgg19 or vgg16")
    parser.add_argument("images", metavar="IMAGE", nargs="+", type=flags.path)
    parser.add_argument(
        "--size",
        type=int,
        default=256,
        metavar="PIXELS",
        help="side of the squares (default: %(default)s)",
    )
    parser.set_defaults(run=run_command)


ADDED = (add_parser, completion.add_parser)
"""What adds commands to those of `weights_convert`."""


def run_command(arguments: argparse.Namespace) -> None:
    """Runs `normalize`.

    Raises:
      WeightsError: an image that can't be read, or what `normalize` raises.
    """
    # JAX tells of every kind of device that it does not find.
    logging.set_verbosity(logging.WARNING)
    architecture, size = find(arguments.name), arguments.size
    normalized(architecture)
    if not 32 <= size <= 2048:
        raise WeightsError(f"--size={size}: must be from 32 to 2048")
    try:
        for path in arguments.images:
            files.shape(path)  # said before the long work
    except ImageError as error:
        raise WeightsError(str(error)) from error
    from nst_jax.devices import backend

    try:
        backend.here()
    except DeviceError as error:
        raise WeightsError(str(error)) from error
    fetch.fetch(architecture, report=commands.say)
    stored = normalize(
        architecture,
        _means(architecture, arguments.images, size),
        images=f"{counted(len(arguments.images), 'image')} of {size}x{size}",
        report=commands.say,
    )
    print(stored)


def _squares(paths: Sequence[Path], size: int) -> Iterator[np.ndarray]:
    for path in tqdm.tqdm(paths, unit="image", disable=None, leave=False):
        try:
            yield files.read(path, ratio=(1, 1), size=(size, size))
        except ImageError as error:
            raise WeightsError(str(error)) from error


def _means(
    architecture: Architecture, paths: Sequence[Path], size: int
) -> dict[str, np.ndarray]:
    from nst_jax.networks import extract, statistics

    weights, _ = store.load(architecture)
    network = extract.build(architecture, weights)
    return statistics.mean_activations(network, _squares(paths, size))


def run() -> None:
    """Entry of the program `nst-weights`."""

    def program() -> int:
        commands.run(*ADDED, shipped=SHIPPED)
        return 0

    streams.prepare()
    with leaving():
        sys.exit(answered(program, name="nst-weights"))


if __name__ == "__main__":
    run()
