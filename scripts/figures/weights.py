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

from study import command
from study.plan import Study

from nst_jax.commands.asked import Pair
from nst_jax.options import Options

ROWS, COLUMNS = "tv_weight", "style_weight"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the weights."""
    for name, default in (
        ("style_weights", "1,10,100,1000"),
        ("tv_weights", "0,1e6,1e7"),
    ):
        parser.add_argument(
            f"--{name}",
            default=default,
            metavar="X,...",
            help=f"To try, each with each. Default: {default}.",
        )


def study(arguments: argparse.Namespace, options: Options) -> Study:
    """Every weight of one term with every one of the other."""
    pairs = [
        Pair(
            arguments.content[0],
            arguments.style[0],
            dataclasses.replace(options, tv_weight=variation, style_weight=style),
            {ROWS: f"{variation:g}", COLUMNS: f"{style:g}"},
        )
        for variation in command.values("tv_weights", arguments.tv_weights)
        for style in command.values("style_weights", arguments.style_weights)
    ]
    return Study(
        "Style weight against total variation",
        ROWS,
        COLUMNS,
        pairs,
        notes=[
            f"{command.settings(options)}, {options.steps} iterations; content_weight "
            f"{options.content_weight:g}."
        ],
        originals={"photo": arguments.content[0], "painting": arguments.style[0]},
    )


FIGURE = command.Figure(
    __doc__,
    Options(size=128, steps=200),
    study,
    flags=(
        *command.FLAGS,
        *("init", "content_weight", "tv"),
    ),
    add_flags=add_flags,
)

if __name__ == "__main__":
    sys.exit(FIGURE.run())
