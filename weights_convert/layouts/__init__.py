"""The namings that weights files use: a file a source, a line each in `LAYOUTS`."""

from weights_convert.layouts import (
    caffe,
    flax,
    keras,
    matconvnet,
    stored,
    style_transfer,
    torchvision,
)
from weights_convert.layouts.layout import Channels, Keys, Layout

__all__ = ["LAYOUTS", "Channels", "Keys", "Layout"]

LAYOUTS: tuple[Layout, ...] = (
    keras.KERAS,
    keras.PALETTE,
    torchvision.VGG,
    torchvision.ALEXNET,
    torchvision.SQUEEZENET,
    torchvision.GOOGLENET,
    style_transfer.GATYS,
    style_transfer.NORMALIZED,
    caffe.CAFFE,
    matconvnet.VGG,
    flax.VGG,
    flax.ALEXNET,
    stored.STORED,
)
