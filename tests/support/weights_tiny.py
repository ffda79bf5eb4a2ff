"""A network of two convolutions, small enough to write down, and its values."""

import numpy as np

from weights_convert.architectures import (
    CAFFE,
    TORCHVISION,
    Architecture,
    Convolution,
    vgg_layers,
)

_LAYERS = vgg_layers([Convolution("conv1_1", 3, 4), Convolution("conv2_1", 4, 5)])
TINY = Architecture("tiny", "vgg", CAFFE, _LAYERS)
TINY_TORCHVISION = Architecture("tiny-torchvision", "vgg", TORCHVISION, _LAYERS)


def ramp(shape: tuple[int, ...]) -> np.ndarray:
    """-1, -0.875, -0.75, ...: exact in every floating-point type up to 100 values."""
    size = int(np.prod(shape))
    return (np.arange(size) / 8 - 1).reshape(shape)


def stored_arrays() -> dict[str, np.ndarray]:
    """Ramps under the store's keys and shapes."""
    return {key: ramp(shape).astype(np.float32) for key, shape in TINY.shapes.items()}
