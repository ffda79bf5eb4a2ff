"""Loss curves of the solvers, from the photo and from noise.

Source: the comparison of L-BFGS and Adam in Johnson's neural-style; the preconditioner
is this project's own. Needs matplotlib: pip install '.[figures]'.

    python scripts/figures/losses.py --output_dir=out/losses

Expect: Adam ahead for some iterations, ten at most, and above both L-BFGS from twenty
on; the preconditioned L-BFGS reaches a loss in 1.3 to 1.6 times fewer iterations than
the plain one, from the photo more so than from noise. One program for each solver; the
curves are in curves.png, the pictures in figure.png.
"""

import argparse
import dataclasses
import sys
from collections.abc import Mapping
from typing import Any

from figure import FLAGS, Figure
from study import CURVES, Cell, Study, loss, settings

from nst_jax.collection.folder import Folder
from nst_jax.errors import OptionsError
from nst_jax.options import Options
from nst_jax.presets.gram import CLASSIC

ROWS, COLUMNS = "start", "solver"

_SOLVERS: Mapping[str, Mapping[str, Any]] = {
    "L-BFGS, multiscale": {"solver": "lbfgs", "preconditioner": "multiscale"},
    "L-BFGS": {"solver": "lbfgs", "preconditioner": "none"},
    "Adam": {"solver": "adam"},
}
_COLORS = ("#a83c14", "#2f5d8a", "#5f7a3a")


def study(arguments: argparse.Namespace, options: Options) -> Study:
    """Every solver, from the photo and from noise."""
    _need_matplotlib()
    cells = [
        Cell(
            start,
            name,
            *arguments.content,
            *arguments.style,
            dataclasses.replace(options, init=start, **changes),
        )
        for name, changes in _SOLVERS.items()
        for start in ("content", "noise")
    ]
    return Study(
        "Solvers",
        ROWS,
        COLUMNS,
        cells,
        notes=[f"{settings(options)}, {options.steps} iterations"],
        caption=loss,
    )


def draw(study: Study, folder: Folder) -> list[str]:
    """Writes the curves: a plot for each start, a line for each solver."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    starts = list(dict.fromkeys(cell.row for cell in study.cells))
    figure, plots = pyplot.subplots(
        1, len(starts), figsize=(5 * len(starts), 4), squeeze=False, sharey=True
    )
    colors = dict(zip(_SOLVERS, _COLORS, strict=True))
    for start, plot in zip(starts, plots[0], strict=True):
        for entry in folder.entries:
            if entry.varied[ROWS] == start:
                solver = entry.varied[COLUMNS]
                points = [(x, y) for x, y in entry.losses if x and y]
                if points:
                    plot.loglog(*zip(*points, strict=True), color=colors[solver])
                    plot.lines[-1].set_label(solver)
        plot.set(title=f"from {start}", xlabel="iteration")
        plot.grid(alpha=0.3)
        plot.spines[["top", "right"]].set_visible(False)
    plots[0][0].set_ylabel("total loss")
    plots[0][-1].legend(frameon=False)
    figure.tight_layout()
    figure.savefig(folder.path / CURVES, dpi=120)
    pyplot.close(figure)
    return [CURVES]


def _need_matplotlib() -> None:
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise OptionsError(
            "matplotlib is missing, which draws the curves: pip install '.[figures]'"
        ) from None


FIGURE = Figure(
    __doc__,
    dataclasses.replace(CLASSIC.options, size=128, steps=300),
    study,
    flags=(*FLAGS, "style_weight"),
    show=draw,
)

if __name__ == "__main__":
    sys.exit(FIGURE.run())
