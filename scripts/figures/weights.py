"""Style weight against total variation.

Source: the question that every user of such a program asks first; Johnson's
neural-style shows its style weights in the same way.

    python scripts/figures/weights.py --output_dir=out/weights

Expect: to the right more paint and less photo, with little change beyond 100; downwards
calmer areas and fewer specks, first where the other weights are small. All pictures are
lanes of one program.
"""

import argparse
import dataclasses
import sys

from figure import FLAGS, Figure, numbers
from study import Cell, Study, settings

from nst_jax.options import Options
from nst_jax.presets.gram import CLASSIC

ROWS, COLUMNS = "tv_weight", "style_weight"


def study(arguments: argparse.Namespace, options: Options) -> Study:
    """Every weight of one term with every one of the other."""
    cells = [
        Cell(
            f"{variation:g}",
            f"{style:g}",
            *arguments.content,
            *arguments.style,
            dataclasses.replace(options, tv_weight=variation, style_weight=style),
        )
        for variation in numbers("tv_weights", arguments.tv_weights)
        for style in numbers("style_weights", arguments.style_weights)
    ]
    return Study(
        "Style weight against total variation",
        ROWS,
        COLUMNS,
        cells,
        notes=[
            f"{settings(options)}, {options.steps} iterations; content_weight "
            f"{options.content_weight:g}."
        ],
    )


FIGURE = Figure(
    __doc__,
    dataclasses.replace(CLASSIC.options, size=128, steps=200),
    study,
    flags=(*FLAGS, "init", "content_weight", "tv"),
    own={
        "style_weights": ("X,...", "1,10,100,1000", "To try, each with each."),
        "tv_weights": ("X,...", "0,1e6,1e7", "To try, each with each."),
    },
)

if __name__ == "__main__":
    sys.exit(FIGURE.run())
