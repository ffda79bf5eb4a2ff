"""Network against network.

Source: the samples of F. Liu's style-transfer (Caffe), of one photo through GoogLeNet,
VGG and CaffeNet; layers and their weights are that system's, the losses the project's.

    python scripts/figures/networks.py --output_dir=out/networks

Expect: a column for each network, from the photo and from a trace of noise; strokes and
contrast differ, since each network weighs the layers in its own way, and losses don't
compare. Networks whose weights are not stored are left out, and named; `nst-weights
fetch NAME` gets those that have a source. AlexNet has CaffeNet's layers; networks with
others than these three are left out too. One program for each network.
"""

import argparse
import dataclasses
import sys
from typing import Any

from figure import Figure, need
from study import Cell, Study

from nst_jax.options import Options
from nst_jax.presets import PRESETS
from nst_jax.presets.gram import CLASSIC
from weights_convert import architectures, store

ROWS, COLUMNS = "start", "network"

_PRESETS = ("caffe", "caffe-googlenet", "caffe-caffenet")


def layers(network: str) -> dict[str, Any] | None:
    """The options that say which layers of a network count, and how much.

    They are of the first preset whose layers the network has, as AlexNet has those of
    CaffeNet; None if there is none.
    """
    known = set(architectures.find(network).taps)
    for name in _PRESETS:
        options = PRESETS[name].options
        if known.issuperset((*options.content_taps, *options.style_taps)):
            fields = ("content_taps", "content_tap_weights", "style_taps")
            return {field: getattr(options, field) for field in fields}
    return None


def study(arguments: argparse.Namespace, options: Options) -> Study:
    """Every network that is stored, from the photo and from a trace of noise."""
    kept: dict[str, dict[str, Any]] = {}
    left_out = []
    stored = {path.stem for path in store.weights_folder().glob("*.safetensors")}
    for name in dict.fromkeys(arguments.networks.split(",")):
        if name not in architectures.NETWORKS:
            left_out.append(f"{name}: is not a network of this version")
        elif (of_network := layers(name)) is None:
            left_out.append(f"{name}: has no layers that {', '.join(_PRESETS)} name")
        elif name != Options().network and name not in stored:
            left_out.append(
                f"{name}: its weights are not stored; nst-weights fetch {name}, or "
                f"nst-weights convert FILE --to {name}"
            )
        else:
            kept[name] = of_network
    need(kept, "networks", left_out)
    cells = [
        Cell(
            start,
            name,
            *arguments.content,
            *arguments.style,
            dataclasses.replace(options, network=name, init=start, **of_network),
        )
        for name, of_network in kept.items()
        for start in ("content", "mean")
    ]
    return Study(
        "Network against network",
        ROWS,
        COLUMNS,
        cells,
        notes=[
            f"{options.size} pixels, {options.steps} iterations, style_weight "
            f"{options.style_weight:g}."
        ],
        left_out=left_out,
    )


FIGURE = Figure(
    __doc__,
    dataclasses.replace(CLASSIC.options, size=128, steps=200, style_weight=10.0),
    study,
    flags=("size", "steps", "pooling", "precision", "seed", "style_weight"),
    own={
        "networks": (
            "NAME,...",
            "vgg19,vgg16,googlenet,caffenet",
            "Networks to compare.",
        ),
    },
)

if __name__ == "__main__":
    sys.exit(FIGURE.run())
