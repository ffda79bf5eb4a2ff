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

from study import command
from study.plan import Study

from nst_jax.collection import naming
from nst_jax.commands.asked import Pair
from nst_jax.options import Options

ROWS, COLUMNS = "style_weight", "painting"
_STYLES = ("swirls", "glass", "woodcut", "dots", "facets")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the style weights."""
    parser.add_argument(
        "--style_weights",
        default="3,30",
        metavar="X,...",
        help="A row for each. Default: 3,30.",
    )


def study(arguments: argparse.Namespace, options: Options) -> Study:
    """Every painting, with every style weight."""
    paintings = list(dict.fromkeys(arguments.style))
    labels = naming.labels(paintings)
    pairs = [
        Pair(
            arguments.content[0],
            painting,
            dataclasses.replace(options, style_weight=weight),
            {ROWS: f"{weight:g}", COLUMNS: label},
        )
        for weight in command.values("style_weights", arguments.style_weights)
        for painting, label in zip(paintings, labels, strict=True)
    ]
    return Study(
        "One photo, many styles",
        ROWS,
        COLUMNS,
        pairs,
        notes=[f"{command.settings(options)}, {options.steps} iterations"],
        originals={"photo": arguments.content[0]},
        heads=dict(zip(labels, paintings, strict=True)),
    )


FIGURE = command.Figure(
    __doc__,
    Options(size=128, steps=200),
    study,
    flags=(
        *command.FLAGS,
        *("init", "content_weight", "tv_weight", "style_scale", "pyramid"),
    ),
    add_flags=add_flags,
    styles=tuple(f"styles/{name}.jpg" for name in _STYLES),
)

if __name__ == "__main__":
    sys.exit(FIGURE.run())
