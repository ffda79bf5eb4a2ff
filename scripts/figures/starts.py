"""Where to start: the photo, noise, the painting.

Source: Gatys, Ecker and Bethge 2016, "Image Style Transfer Using Convolutional Neural
Networks", figure 6: starting from the photo, from the painting, and from noise.

    python scripts/figures/starts.py --output_dir=out/starts

Expect: from the photo its outlines stay where they are, from the painting its large
shapes do, and the photo comes out of them; from noise both are rebuilt. The losses end
within a few percent of each other, and yet noise of full contrast (noise, gaussian)
leaves a grain that they hardly see, which mean and pink don't have. All starts are
lanes of one program, and the rows are taken of the same runs.
"""

import argparse
import dataclasses
import sys

from study import command
from study.plan import Study

from nst_jax.commands.asked import Pair
from nst_jax.options import STARTS, Options

ROWS, COLUMNS = "iterations", "start"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the iterations."""
    command.add_iterations(parser, "20,100,300")


def study(arguments: argparse.Namespace, options: Options) -> Study:
    """Every start, at some numbers of iterations."""
    pairs = [
        Pair(
            arguments.content[0],
            arguments.style[0],
            dataclasses.replace(options, init=start, steps=steps),
            {ROWS: f"{steps}", COLUMNS: start},
        )
        for start in STARTS
        for steps in command.counts("iterations", arguments.iterations)
    ]
    return Study(
        "Starts",
        ROWS,
        COLUMNS,
        pairs,
        notes=[f"{command.settings(options)}; style_weight {options.style_weight:g}"],
        originals={"photo": arguments.content[0], "painting": arguments.style[0]},
        caption=command.loss,
    )


FIGURE = command.Figure(
    __doc__,
    Options(size=128, style_weight=10.0),
    study,
    flags=("size", "network", "pooling", "precision", "seed", "style_weight"),
    add_flags=add_flags,
)

if __name__ == "__main__":
    sys.exit(FIGURE.run())
