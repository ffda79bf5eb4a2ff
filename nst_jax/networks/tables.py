"""The pretrained networks as plain data: layers, shapes, input preprocessing.

No JAX here: `weights_convert` reads these tables to name and check what it converts,
`networks.registry` reads them to build the Flax modules.
"""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType


@dataclasses.dataclass(frozen=True)
class Convolution:
    """One convolution: its stored name and the shape of its kernel.

    Stored under `<name>/kernel` (`[height, width, inputs, outputs]`, "HWIO") and
    `<name>/bias` (`[outputs]`).
    """

    name: str
    inputs: int
    outputs: int
    height: int = 3
    width: int = 3

    @property
    def kernel_shape(self) -> tuple[int, int, int, int]:
        """`(height, width, inputs, outputs)`."""
        return (self.height, self.width, self.inputs, self.outputs)


@dataclasses.dataclass(frozen=True)
class Preprocessing:
    """What a network expects of an sRGB image in [0, 1]: `(image - mean) / std`.

    Three numbers each, in RGB order: stored kernels always take RGB, whatever the
    order of the file they came from.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


# Caffe's: 0..255 minus the mean of ImageNet's training images (Simonyan & Zisserman's
# published 103.939, 116.779, 123.68 for B, G, R).
CAFFE = Preprocessing(
    mean=(123.68 / 255, 116.779 / 255, 103.939 / 255),
    std=(1 / 255, 1 / 255, 1 / 255),
)

# torchvision's: mean and standard deviation of ImageNet in [0, 1].
TORCHVISION = Preprocessing(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


@dataclasses.dataclass(frozen=True)
class NetworkTable:
    """A pretrained network: `name` is what users type, `family` picks the module."""

    name: str
    family: str
    preprocessing: Preprocessing
    convolutions: tuple[Convolution, ...]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Every stored key with its shape: `{"conv1_1/kernel": (3, 3, 3, 64), ...}`."""
        shapes: dict[str, tuple[int, ...]] = {}
        for layer in self.convolutions:
            shapes[f"{layer.name}/kernel"] = layer.kernel_shape
            shapes[f"{layer.name}/bias"] = (layer.outputs,)
        return shapes


def vgg_convolutions(depths: tuple[int, ...]) -> tuple[Convolution, ...]:
    """VGG's 3x3 convolutions for the number of them in each of the five blocks.

    Simonyan & Zisserman 2014 (arXiv:1409.1556), table 1.
    """
    widths = (64, 128, 256, 512, 512)
    layers = []
    inputs = 3
    for block, (depth, outputs) in enumerate(zip(depths, widths, strict=True), 1):
        for index in range(1, depth + 1):
            layers.append(Convolution(f"conv{block}_{index}", inputs, outputs))
            inputs = outputs
    return tuple(layers)


_VGG16 = vgg_convolutions((2, 2, 3, 3, 3))
_VGG19 = vgg_convolutions((2, 2, 4, 4, 4))

NETWORKS: Mapping[str, NetworkTable] = MappingProxyType(
    {
        table.name: table
        for table in (
            NetworkTable("vgg19", "vgg", CAFFE, _VGG19),
            NetworkTable("vgg16", "vgg", CAFFE, _VGG16),
            NetworkTable("vgg19-torchvision", "vgg", TORCHVISION, _VGG19),
            NetworkTable("vgg16-torchvision", "vgg", TORCHVISION, _VGG16),
            # The mean activation of each filter is 1 (Gatys et al. 2016, section 2).
            NetworkTable("vgg19-normalized", "vgg", CAFFE, _VGG19),
            NetworkTable("vgg16-normalized", "vgg", CAFFE, _VGG16),
        )
    }
)
