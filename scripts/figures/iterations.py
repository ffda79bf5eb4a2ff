"""The picture after 50, 100, 200, 400 and 800 iterations.

Source: the samples of F. Liu's style-transfer (Caffe), which show the picture after so
many iterations.

    python scripts/figures/iterations.py --output_dir=out/iterations

Expect: the painting's colours and strokes are there after 50, from a trace of noise the
photo too; up to 200 contrast and detail grow, after that the loss falls by little and
what comes is grain. Below each picture its loss. All pictures of a row are of one run,
and both runs are lanes of one program.
"""

import argparse
import dataclasses
import sys

from study import command
from study.plan import Study

from nst_jax.commands.asked import Pair
from nst_jax.options import Options

ROWS, COLUMNS = "start", "iterations"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the iterations."""
    command.add_iterations(parser, "50,100,200,400,800")


def study(arguments: argparse.Namespace, options: Options) -> Study:
    """Every number of iterations, from the photo and from a trace of noise."""
    pairs = [
        Pair(
            arguments.content[0],
            arguments.style[0],
            dataclasses.replace(options, init=start, steps=steps),
            {ROWS: start, COLUMNS: f"{steps}"},
        )
        for start in ("content", "mean")
        for steps in command.counts("iterations", arguments.iterations)
    ]
    return Study(
        "Iterations",
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
    flags=("size", "network", "pooling", "precision", "seed", "style_weight", "solver"),
    add_flags=add_flags,
)

if __name__ == "__main__":
    sys.exit(FIGURE.run())
