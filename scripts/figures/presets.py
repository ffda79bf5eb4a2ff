"""The presets side by side.

Source: the systems and papers that `nst-jax presets` names.

    python scripts/figures/presets.py --output_dir=out/presets
    python scripts/figures/presets.py --presets=caffe,neural-style --output_dir=out/two

Expect: the photo in one painting's style as each system paints it. Those that begin
from noise are the most painterly; pytorch-tutorial, whose layers are early ones, keeps
the photo's drawing. A VGG whose weights are not stored gives way to the default's, and
a note says so; presets of other networks are left out. One program for each.
"""

import argparse
import dataclasses
import sys

from figure import Figure, counts, need, one
from study import Cell, Study

from nst_jax.collection import naming
from nst_jax.options import Options
from nst_jax.presets import PRESETS
from weights_convert import architectures, store

ROWS, COLUMNS = "painting", "preset"


def study(arguments: argparse.Namespace, options: Options) -> Study:
    """Every preset that can be run, on every painting."""
    kept, notes, left_out = {}, [], []
    names = arguments.presets.split(",") if arguments.presets != "all" else PRESETS
    for name in dict.fromkeys(names):
        if name not in PRESETS:
            left_out.append(f"{name}: is no preset; `nst-jax presets` lists them")
            continue
        of_preset = dataclasses.replace(PRESETS[name].options, size=options.size)
        network = of_preset.network
        stored = store.weights_path(architectures.find(network)).exists()
        if network != options.network and not stored:
            missing = f"{network} is not stored; nst-weights fetch {network}"
            if not network.startswith("vgg"):
                left_out.append(f"{name}: {missing}")
                continue
            notes.append(f"{name} has {options.network} instead: {missing}.")
            of_preset = dataclasses.replace(of_preset, network=options.network)
        if arguments.iterations:
            steps = one("iterations", counts("iterations", arguments.iterations))
            of_preset = dataclasses.replace(of_preset, steps=steps)
        kept[name] = of_preset
    need(kept, "presets", left_out)
    paintings = list(dict.fromkeys(arguments.style))
    cells = [
        Cell(label, name, *arguments.content, painting, of_preset)
        for painting, label in zip(paintings, naming.labels(paintings), strict=True)
        for name, of_preset in kept.items()
    ]
    return Study(
        "Presets",
        ROWS,
        COLUMNS,
        cells,
        notes=[f"{options.size} pixels.", *notes],
        left_out=left_out,
        originals={"photo": arguments.content[0]},
    )


FIGURE = Figure(
    __doc__,
    Options(size=192),
    study,
    flags=("size",),
    own={
        "presets": ("NAME,...", "all", "Which to show."),
        "iterations": ("N", "", "Of each (default: the preset's own)."),
    },
    styles=("styles/swirls.jpg", "styles/woodcut.jpg"),
)

if __name__ == "__main__":
    sys.exit(FIGURE.run())
