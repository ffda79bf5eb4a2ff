"""What a layer knows of the photo, and what layers up to it know of the painting.

Source: Gatys, Ecker and Bethge 2015, "A Neural Algorithm of Artistic Style"
(arXiv:1508.06576), figure 1; Mahendran and Vedaldi 2015, "Understanding Deep Image
Representations by Inverting Them" (arXiv:1412.0035), which adds total variation.

    python scripts/figures/reconstructions.py --output_dir=out/reconstructions

Expect: the photo is rebuilt almost pixel by pixel from the low layers, its colours and
outlines drift from the high ones while its arrangement stays; with total variation the
high layers' pictures are calmer. The painting's statistics of conv1_1 are specks of its
colours; with more layers come strokes, then swirls and stars. Weights of 0 choose the
layers: all pictures are lanes of one program.
"""

import argparse
import dataclasses
import sys

import paper
from figure import FLAGS, Figure, numbers, one
from study import Cell, Study, settings

from nst_jax.options import Options

ROWS, COLUMNS = "rebuilt", "layer"


def study(arguments: argparse.Namespace, options: Options) -> Study:
    """The photo from each layer, also with total variation; the painting likewise."""
    (photo,), (painting,) = arguments.content, arguments.style
    tv_weight = one("tv_weight", numbers("tv_weight", arguments.tv_weight))
    means = paper.layer_means(options, [photo, painting], arguments.load)
    cells = []
    for index, tap in enumerate(paper.LAYERS):
        alone = tuple(
            1 / means[tap] ** 2 if place == index else 0.0
            for place in range(len(paper.LAYERS))
        )
        of_photo = dataclasses.replace(
            options, content_weight=1.0, content_tap_weights=alone, style_weight=0.0
        )
        of_painting = dataclasses.replace(
            paper.weighted(options, means, ratio=1.0, layers=index + 1),
            content_weight=0.0,
        )
        smooth = dataclasses.replace(of_photo, tv_weight=tv_weight)
        for row, varied in (
            ("the photo, from this layer", of_photo),
            ("the photo, and total variation", smooth),
            ("the painting, from layers up to this", of_painting),
        ):
            cells.append(Cell(row, paper.published(tap), photo, painting, varied))
    return Study(
        "Reconstructions by layer",
        ROWS,
        COLUMNS,
        cells,
        notes=[
            f"{settings(options)}, {options.steps} iterations, from "
            f"{options.init}; total variation x {tv_weight:g}."
        ],
    )


FIGURE = Figure(
    __doc__,
    dataclasses.replace(
        paper.PAPER,
        size=128,
        steps=200,
        content_taps=paper.LAYERS,
        content_loss="mean",
    ),
    study,
    flags=(*FLAGS, "init"),
    own={
        "tv_weight": ("X", "1", "Weight of the total variation in the second row."),
    },
)

if __name__ == "__main__":
    sys.exit(FIGURE.run())
