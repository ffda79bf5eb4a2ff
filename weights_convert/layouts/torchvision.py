"""torchvision's names, in `.pth` and in safetensors."""

from nst_jax.networks.tables import NetworkTable
from weights_convert.layouts.layout import OIHW, Keys, Layout


def _vgg(table: NetworkTable) -> Keys:
    """`features.N`: two modules a convolution (with its ReLU), one pooling a block."""
    keys: Keys = {}
    position, previous = 0, ""
    for layer in table.convolutions:
        block = layer.name.split("_")[0]
        position += previous not in ("", block)
        keys[f"{layer.name}/kernel"] = (f"features.{position}.weight",)
        keys[f"{layer.name}/bias"] = (f"features.{position}.bias",)
        position, previous = position + 2, block
    return keys


VGG = Layout(
    "torchvision",
    "vgg",
    ("pytorch", "safetensors"),
    _vgg,
    OIHW,
    "rgb",
    claims=("features.",),
    normalized=None,  # our own exports
)
