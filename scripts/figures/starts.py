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

from figure import Figure, counts
from study import Cell, Study, loss, settings

from nst_jax.options import STARTS, Options
from nst_jax.presets.gram import CLASSIC

ROWS, COLUMNS = "iterations", "start"


def study(arguments: argparse.Namespace, options: Options) -> Study:
    """Every start, at some numbers of iterations."""
    cells = [
        Cell(
            f"{steps}",
            start,
            *arguments.content,
            *arguments.style,
            dataclasses.replace(options, init=start, steps=steps),
        )
        for start in STARTS
        if start != "details"  # For STROTSS.
        for steps in counts("iterations", arguments.iterations)
    ]
    return Study(
        "Starts",
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
    flags=("size", "network", "pooling", "precision", "seed", "style_weight"),
    own={"iterations": ("N,...", "20,100,300", "When pictures are taken.")},
)

if __name__ == "__main__":
    sys.exit(FIGURE.run())
