"""Keras's names of VGG's layers, and those of the palette that was made from them.

Keras converted Caffe's weights and kept their BGR.
"""

from collections.abc import Mapping

import numpy as np

from weights_convert.architectures import Architecture
from weights_convert.layouts.layout import HWIO, OIHW, Keys, Layout


def _keras(architecture: Architecture) -> Keys:
    keys: Keys = {}
    for index, layer in enumerate(architecture.convolutions):
        block, number = layer.name.removeprefix("conv").split("_")
        name = f"block{block}_conv{number}"
        class_name = "conv2d" if index == 0 else f"conv2d_{index}"
        for part, letter, variable in (("kernel", "W", 0), ("bias", "b", 1)):
            keys[f"{layer.name}/{part}"] = (
                f"{name}/{name}_{letter}_1:0",
                f"{name}/{name}/{part}:0",
                f"{name}/{name}/{part}",
                f"{name}/{part}:0",
                f"{name}/{part}",
                f"layers/{class_name}/vars/{variable}",
            )
    return keys


def _unnest(
    arrays: Mapping[str, np.ndarray], architecture: Architecture
) -> Mapping[str, np.ndarray]:
    """The VGG inside a model that was built around it, under the names of its own.

    Keras puts the inner model's name (`vgg19/`) or place (`layers/functional/`) before.
    """
    first = _keras(architecture)[f"{architecture.convolutions[0].name}/kernel"]
    if any(key in arrays for key in first):
        return arrays
    prefixes = {
        key.removesuffix(source)
        for key in arrays
        for source in first
        if key.endswith(f"/{source}")
    }
    if len(prefixes) != 1:
        return arrays
    (prefix,) = prefixes
    return {
        key.removeprefix(prefix): array
        for key, array in arrays.items()
        if key.startswith(prefix)
    }


def _palette(architecture: Architecture) -> Keys:
    keys: Keys = {}
    for layer in architecture.convolutions:
        block, number = layer.name.removeprefix("conv").split("_")
        keys[f"{layer.name}/kernel"] = (f"block{block}_conv{number}_W",)
        keys[f"{layer.name}/bias"] = (f"block{block}_conv{number}_b",)
    return keys


KERAS = Layout(
    "keras",
    "vgg",
    ("keras",),
    _keras,
    HWIO,
    "bgr",
    claims=("block", "layers/conv2d"),
    prepare=_unnest,
)
PALETTE = Layout(
    "palette", "vgg", ("palette",), _palette, OIHW, "bgr", claims=("block",)
)
