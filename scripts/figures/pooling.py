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
from study import command, paper
from study.plan import Study

from nst_jax.collection.manifest import Entry
from nst_jax.commands.asked import Pair
from nst_jax.options import Options

ROWS, COLUMNS = "start", "pooling"


def roughness(image: np.ndarray) -> float:
    """Mean absolute difference of neighbouring pixels of `[h, w, 3]`, both ways."""
    across, down = np.diff(image, axis=1), np.diff(image, axis=0)
    return float(np.abs(across).mean() + np.abs(down).mean()) / 2


def caption(entry: Entry, image: np.ndarray) -> str:
    """What stands below a picture."""
    return f"roughness {roughness(image):.4f}"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the ratio."""
    parser.add_argument(
        "--ratio", default="1e-6", metavar="X", help="alpha / beta. Default: 1e-6."
    )


def study(arguments: argparse.Namespace, options: Options) -> Study:
    """Both poolings, from a trace of noise and from the photo."""
    photo, painting = arguments.content[0], arguments.style[0]
    ratio = command.value("ratio", arguments.ratio, zero=False)
    pairs = []
    for pooling, label in ("max", "max"), ("avg", "average"):
        pooled = dataclasses.replace(options, pooling=pooling)
        means = paper.layer_means(pooled, [photo, painting], offline=arguments.offline)
        weighted = paper.weighted(pooled, means, ratio=ratio)
        for start in ("mean", "content"):
            varied = dataclasses.replace(weighted, init=start)
            pairs.append(Pair(photo, painting, varied, {ROWS: start, COLUMNS: label}))
    return Study(
        "Max against average pooling",
        ROWS,
        COLUMNS,
        pairs,
        notes=[
            f"{options.network}, {options.size} pixels, {options.steps} iterations, "
            f"alpha / beta {ratio:g}."
        ],
        originals={"photo": photo, "painting": painting},
        caption=caption,
    )


FIGURE = command.Figure(
    __doc__,
    dataclasses.replace(paper.PAPER, size=128, steps=200),
    study,
    flags=("size", "steps", "network", "precision", "seed"),
    add_flags=add_flags,
)

if __name__ == "__main__":
    sys.exit(FIGURE.run())
