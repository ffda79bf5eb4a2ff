"""One photo under many styles.

Source: Gatys, Ecker and Bethge 2016, "Image Style Transfer Using Convolutional Neural
Networks", figure 2: one photo, several paintings.

    python scripts/figures/styles.py --output_dir=out/styles
    python scripts/figures/styles.py --style paintings/*.jpg --output_dir=out/mine

Expect: the same photo in the colours and strokes of each painting that stands above the
column, with more of the painting downwards. All pictures are lanes of one program.
"""

import argparse
import dataclasses
import sys

from figure import FLAGS, Figure, numbers
from study import Cell, Study, settings

from nst_jax.collection import naming
from nst_jax.options import Options

ROWS, COLUMNS = "style_weight", "painting"
_STYLES = ("swirls", "glass", "woodcut", "dots", "facets")


def study(arguments: argparse.Namespace, options: Options) -> Study:
    """Every painting, with every style weight."""
    paintings = list(dict.fromkeys(arguments.style))
    labels = naming.labels(paintings)
    cells = [
        Cell(
            f"{weight:g}",
            label,
            *arguments.content,
            painting,
            dataclasses.replace(options, style_weight=weight),
        )
        for weight in numbers("style_weights", arguments.style_weights)
        for painting, label in zip(paintings, labels, strict=True)
    ]
    return Study(
        "One photo, many styles",
        ROWS,
        COLUMNS,
        cells,
        notes=[f"{settings(options)}, {options.steps} iterations"],
        originals={"photo": arguments.content[0]},
        heads=dict(zip(labels, paintings, strict=True)),
    )


FIGURE = Figure(
    __doc__,
    Options(size=192, steps=150),
    study,
    flags=(*FLAGS, "init", "content_weight", "tv_weight", "style_scale", "pyramid"),
    own={"style_weights": ("X,...", "0.7,3", "A row for each.")},
    styles=tuple(f"styles/{name}.jpg" for name in _STYLES),
)

if __name__ == "__main__":
    sys.exit(FIGURE.run())
