"""Average against max pooling.

Source: Gatys, Ecker and Bethge 2015, "A Neural Algorithm of Artistic Style"
(arXiv:1508.06576), methods: average pooling "improves the gradient flow and one obtains
slightly more appealing results". The losses are those of layers.py.

    python scripts/figures/pooling.py --output_dir=out/pooling

Expect: with average pooling slightly smoother pictures, rounder curls and fewer specks.
Below each picture its roughness: the mean difference of neighbouring pixels, in units
of the pixel range. Two programs, one for each pooling.
"""

import argparse
import dataclasses
import sys

import numpy as np
import paper
from figure import Figure, numbers, one
from study import Cell, Study

from nst_jax.collection.manifest import Entry
from nst_jax.options import Options

ROWS, COLUMNS = "start", "pooling"


def roughness(image: np.ndarray) -> float:
    """Mean absolute difference of neighbouring pixels of `[h, w, 3]`, both ways."""
    across, down = np.diff(image, axis=1), np.diff(image, axis=0)
    return float(np.abs(across).mean() + np.abs(down).mean()) / 2


def caption(entry: Entry, image: np.ndarray) -> str:
    """What stands below a picture."""
    return f"roughness {roughness(image):.4f}"


def study(arguments: argparse.Namespace, options: Options) -> Study:
    """Both poolings, from a trace of noise and from the photo."""
    (photo,), (painting,) = arguments.content, arguments.style
    ratio = one("ratio", numbers("ratio", arguments.ratio, zero=False))
    cells = []
    for pooling, label in ("max", "max"), ("avg", "average"):
        pooled = dataclasses.replace(options, pooling=pooling)
        means = paper.layer_means(pooled, [photo, painting], arguments.load)
        weighted = paper.weighted(pooled, means, ratio=ratio)
        for start in ("mean", "content"):
            varied = dataclasses.replace(weighted, init=start)
            cells.append(Cell(start, label, photo, painting, varied))
    return Study(
        "Max against average pooling",
        ROWS,
        COLUMNS,
        cells,
        notes=[
            f"{options.network}, {options.size} pixels, {options.steps} iterations, "
            f"alpha / beta {ratio:g}."
        ],
        caption=caption,
    )


FIGURE = Figure(
    __doc__,
    dataclasses.replace(paper.PAPER, size=128, steps=200),
    study,
    flags=("size", "steps", "network", "precision", "seed"),
    own={"ratio": ("X", "1e-6", "alpha / beta.")},
)

if __name__ == "__main__":
    sys.exit(FIGURE.run())
