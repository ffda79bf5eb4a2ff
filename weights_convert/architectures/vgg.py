"""VGG-16 and VGG-19, convolutional part (Simonyan & Zisserman 2014, arXiv:1409.1556).

Taps are the names of the authors' Caffe models: `convB_I` (before the ReLU), `reluB_I`
(after it) and `poolB`, for block B and convolution I in it.

One deviation: the 2x2 pooling drops an odd last row or column, as all but Caffe do;
--pooling=max_ceil is Caffe's.
"""

from collections.abc import Sequence

from weights_convert.architectures.table import (
    CAFFE,
    TORCHVISION,
    Architecture,
    Convolution,
    Layer,
    Pooling,
    Relu,
)


def vgg_layers(convolutions: Sequence[Convolution]) -> tuple[Layer, ...]:
    """A ReLU after each of these, named `convB_I`, and pooling after each block."""
    layers: list[Layer] = []
    blocks = [layer.name.removeprefix("conv").split("_")[0] for layer in convolutions]
    for layer, block, following in zip(
        convolutions, blocks, [*blocks[1:], ""], strict=True
    ):
        layers += [layer, Relu(f"relu{layer.name.removeprefix('conv')}")]
        if following != block:
            layers.append(Pooling(f"pool{block}"))
    return tuple(layers)


def _convolutions(depths: tuple[int, ...]) -> tuple[Convolution, ...]:
    """The 3x3 convolutions for the number of them in each of the five blocks."""
    widths = (64, 128, 256, 512, 512)
    layers = []
    inputs = 3
    for block, (depth, outputs) in enumerate(zip(depths, widths, strict=True), 1):
        for index in range(1, depth + 1):
            layers.append(Convolution(f"conv{block}_{index}", inputs, outputs))
            inputs = outputs
    return tuple(layers)


# Configurations D and E of table 1.
_VGG16 = vgg_layers(_convolutions((2, 2, 3, 3, 3)))
_VGG19 = vgg_layers(_convolutions((2, 2, 4, 4, 4)))

TABLES = (
    Architecture("vgg19", "vgg", CAFFE, _VGG19),
    Architecture("vgg16", "vgg", CAFFE, _VGG16),
    Architecture("vgg19-torchvision", "vgg", TORCHVISION, _VGG19),
    Architecture("vgg16-torchvision", "vgg", TORCHVISION, _VGG16),
    # The mean activation of each filter is 1 (Gatys et al. 2016, section 2).
    Architecture("vgg19-normalized", "vgg", CAFFE, _VGG19),
    Architecture("vgg16-normalized", "vgg", CAFFE, _VGG16),
)
