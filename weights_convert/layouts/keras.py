"""Keras's names of VGG's layers, and those of the palette that was made from them.

Keras converted Caffe's weights and kept their BGR.
"""

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
)
PALETTE = Layout(
    "palette", "vgg", ("palette",), _palette, OIHW, "bgr", claims=("block",)
)
