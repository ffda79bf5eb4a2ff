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

from figure import Figure, counts
from study import Cell, Study, loss, settings

from nst_jax.options import Options
from nst_jax.presets.gram import CLASSIC

ROWS, COLUMNS = "start", "iterations"


def study(arguments: argparse.Namespace, options: Options) -> Study:
    """Every number of iterations, from the photo and from a trace of noise."""
    cells = [
        Cell(
            start,
            f"{steps}",
            *arguments.content,
            *arguments.style,
            dataclasses.replace(options, init=start, steps=steps),
        )
        for start in ("content", "mean")
        for steps in counts("iterations", arguments.iterations)
    ]
    return Study(
        "Iterations",
        ROWS,
        COLUMNS,
        cells,
        notes=[f"{settings(options)}; style_weight {options.style_weight:g}"],
        caption=loss,
    )


FIGURE = Figure(
    __doc__,
    dataclasses.replace(CLASSIC.options, size=128, style_weight=10.0),
    study,
    flags=("size", "network", "pooling", "precision", "seed", "style_weight", "solver"),
    own={"iterations": ("N,...", "50,100,200,400,800", "When pictures are taken.")},
)

if __name__ == "__main__":
    sys.exit(FIGURE.run())
