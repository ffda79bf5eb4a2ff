"""SqueezeNet 1.0 and 1.1 (Iandola et al. 2016, arXiv:1602.07360), convolutional part.

The weights are torchvision's.

Taps are the layer names of the authors' prototxt, as torchvision only counts modules:
`conv1` (before the ReLU), `relu_conv1` (after it), `pool1`, `fire2/squeeze1x1`,
`fire2/relu_squeeze1x1`, `fire2/relu_expand3x3`, `fire2/concat`.
"""

from weights_convert.architectures.table import (
    TORCHVISION,
    Architecture,
    Concatenation,
    Convolution,
    Layer,
    Pooling,
    Relu,
)

# Channels of the squeeze layers of the fire modules 2 to 9.
_SQUEEZES = (16, 16, 32, 32, 48, 48, 64, 64)


def _squeezenet(first: Convolution, pooled: tuple[int, ...]) -> tuple[Layer, ...]:
    """Eight fire modules, with pooling after those numbered `pooled`."""
    layers: list[Layer] = [
        first,
        Relu("relu_conv1"),
        Pooling("pool1", 3, 2, ceil=True),
    ]
    inputs = first.outputs
    for index, squeeze in enumerate(_SQUEEZES, 2):
        layers += _fire(f"fire{index}", inputs, squeeze)
        inputs = 8 * squeeze
        if index in pooled:
            layers.append(Pooling(f"pool{index}", 3, 2, ceil=True))
    return tuple(layers)


def _fire(name: str, inputs: int, squeeze: int) -> list[Layer]:
    """Both expansions have four times as many channels as the squeeze layer."""
    squeezed = f"{name}/relu_squeeze1x1"
    one, three = f"{name}/relu_expand1x1", f"{name}/relu_expand3x3"
    return [
        Convolution(f"{name}/squeeze1x1", inputs, squeeze, 1, 1, padding=0),
        Relu(squeezed),
        Convolution(f"{name}/expand1x1", squeeze, 4 * squeeze, 1, 1, padding=0),
        Relu(one),
        Convolution(f"{name}/expand3x3", squeeze, 4 * squeeze, bottom=squeezed),
        Relu(three),
        Concatenation(f"{name}/concat", (one, three)),
    ]


TABLES = (
    Architecture(
        "squeezenet1_0",
        "squeezenet",
        TORCHVISION,
        _squeezenet(Convolution("conv1", 3, 96, 7, 7, 2, 0), (4, 8)),
    ),
    Architecture(
        "squeezenet1_1",
        "squeezenet",
        TORCHVISION,
        _squeezenet(Convolution("conv1", 3, 64, 3, 3, 2, 0), (3, 5)),
    ),
)
