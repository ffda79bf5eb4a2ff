"""The ways of `--color`, and matching the result afterwards.

Source: Gatys, Bethge, Hertzmann and Shechtman 2016, "Preserving Color in Neural
Artistic Style Transfer" (arXiv:1606.05897), figures 1 to 4.

    python scripts/figures/colors.py --output_dir=out/colors
    python scripts/figures/colors.py --content=a.jpg --style=p.jpg --output_dir=out/mine

Expect: the painting's colours in the column style, and the photo's place by place with
luminance, unmatched with the painting's contrast. linear has the photo's palette;
histogram has hues that neither has, as channels are matched one by one; matching the
result afterwards has more of them, in patches with hard edges. A row for each photo,
in the style of the painting at the same place of the other list. All pictures are lanes
of one program.
"""

import argparse
import dataclasses
import sys
from collections.abc import Mapping
from typing import Any

from figure import FLAGS, Figure
from study import Cell, Study, settings

from nst_jax.collection import naming
from nst_jax.errors import OptionsError
from nst_jax.options import Options

ROWS, COLUMNS = "photo in style", "color"

_COLOR = next(field for field in dataclasses.fields(Options) if field.name == "color")

WAYS: Mapping[str, Mapping[str, Any]] = {
    **{way: {"color": way} for way in _COLOR.metadata["choices"]},
    "color_after=histogram": {"color_after": "histogram"},
}


def study(arguments: argparse.Namespace, options: Options) -> Study:
    """Every photo with its painting, in every way."""
    photos, paintings = arguments.content, arguments.style
    if len(photos) != len(paintings):
        raise OptionsError(
            f"content names {len(photos)} and style {len(paintings)}: give a painting "
            "for each photo"
        )
    paths = [*photos, *paintings]
    labels = dict(zip(paths, naming.labels(paths), strict=True))
    couples = dict.fromkeys(zip(photos, paintings, strict=True))
    cells = [
        Cell(
            f"{labels[photo]} in {labels[painting]}",
            name,
            photo,
            painting,
            dataclasses.replace(options, **way),
        )
        for photo, painting in couples
        for name, way in WAYS.items()
    ]
    return Study(
        "Colours",
        ROWS,
        COLUMNS,
        cells,
        notes=[f"{settings(options)}, {options.steps} iterations"],
        originals={labels[path]: path for couple in couples for path in couple},
    )


FIGURE = Figure(
    __doc__,
    Options(size=192, steps=150),
    study,
    flags=(*FLAGS, "init", "style_weight"),
    contents=("photos/cat.jpg", "photos/coffee.jpg", "photos/rocket.jpg"),
    styles=("styles/swirls.jpg", "styles/glass.jpg", "styles/woodcut.jpg"),
)

if __name__ == "__main__":
    sys.exit(FIGURE.run())
