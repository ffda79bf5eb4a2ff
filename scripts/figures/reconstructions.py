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

from study import command, paper
from study.plan import Study

from nst_jax.commands.asked import Pair
from nst_jax.options import Options

ROWS, COLUMNS = "rebuilt", "layer"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the weight of the total variation."""
    parser.add_argument(
        "--tv_weight",
        default="1",
        metavar="X",
        help="Weight of the total variation in the second row. Default: 1.",
    )


def study(arguments: argparse.Namespace, options: Options) -> Study:
    """The photo from each layer, also with total variation; the painting likewise."""
    photo, painting = arguments.content[0], arguments.style[0]
    tv_weight = command.value("tv_weight", arguments.tv_weight)
    means = paper.layer_means(options, [photo, painting], offline=arguments.offline)
    pairs = []
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
            labels = {ROWS: row, COLUMNS: paper.published(tap)}
            pairs.append(Pair(photo, painting, varied, labels))
    return Study(
        "Reconstructions by layer",
        ROWS,
        COLUMNS,
        pairs,
        notes=[
            f"{command.settings(options)}, {options.steps} iterations, from "
            f"{options.init}; total variation x {tv_weight:g}."
        ],
        originals={"photo": photo, "painting": painting},
    )


FIGURE = command.Figure(
    __doc__,
    dataclasses.replace(
        paper.PAPER,
        size=128,
        steps=200,
        content_taps=paper.LAYERS,
        content_loss="mean",
    ),
    study,
    flags=(*command.FLAGS, "init"),
    add_flags=add_flags,
)

if __name__ == "__main__":
    sys.exit(FIGURE.run())
