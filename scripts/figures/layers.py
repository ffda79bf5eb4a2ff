"""Style layers against the ratio of content to style.

Source: Gatys, Ecker and Bethge 2015, "A Neural Algorithm of Artistic Style"
(arXiv:1508.06576), figure 3: five subsets of layers, from conv1_1 alone to conv1_1 up
to conv5_1, against alpha/beta from 1e-5 to 1e-2; average pooling, white noise. The
losses are the paper's own; a subset of n layers has weights 1/n, the others 0, so that
all pictures are lanes of one program. Where the paper rescales each filter of its
network to a mean activation of 1, this rescales each layer; it starts from a trace of
noise, as white noise would leave its grain in small pictures (--init=noise).

    python scripts/figures/layers.py --output_dir=out/layers

Expect: from top to bottom the painting's structures grow from specks to strokes and
swirls; from left to right the photo comes out. Layers rescaled as wholes, and small
pictures, shift the ratios: what the paper shows from 1e-5 to 1e-2 is here from 1e-8 to
1e-5. --ratios and --network=vgg19-normalized, made by `nst-weights normalize` from
many pictures, try others.
"""

import argparse
import dataclasses
import sys

import paper
from figure import FLAGS, Figure, numbers
from study import Cell, Study, settings

from nst_jax.options import Options

ROWS, COLUMNS = "style layers", "alpha / beta"


def study(arguments: argparse.Namespace, options: Options) -> Study:
    """The grid of layers and ratios."""
    (photo,), (painting,) = arguments.content, arguments.style
    ratios = numbers("ratios", arguments.ratios, zero=False)
    means = paper.layer_means(options, [photo, painting], arguments.load)
    layers = [paper.published(tap) for tap in options.style_taps]
    cells = []
    for count, last in enumerate(layers, 1):
        for ratio in ratios:
            varied = paper.weighted(options, means, ratio=ratio, layers=count)
            row = last if count == 1 else f"{layers[0]} to {last}"
            cells.append(Cell(row, f"{ratio:g}", photo, painting, varied))
    return Study(
        "Style layers against content / style",
        ROWS,
        COLUMNS,
        cells,
        notes=[
            f"{settings(options)}, {options.steps} iterations, from {options.init}."
        ],
    )


FIGURE = Figure(
    __doc__,
    dataclasses.replace(paper.PAPER, size=128, steps=200),
    study,
    flags=(*FLAGS, "init"),
    own={"ratios": ("X,...", "1e-8,1e-7,1e-6,1e-5", "alpha / beta of each column.")},
)

if __name__ == "__main__":
    sys.exit(FIGURE.run())
