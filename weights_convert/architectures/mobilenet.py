"""MobileNet-v2 as a predictor of styles (Sandler et al. 2018, arXiv:1801.04381).

Magenta's network of any style (Ghiasi et al. 2017) asks it for the numbers that stand
for a painting. Batch norms are folded into the convolutions.
"""

import dataclasses
import functools
from collections.abc import Mapping

from weights_convert.errors import WeightsError

# Factor of the expansion, channels, how many, stride of the first: table 2.
_BLOCKS = (
    *((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2)),
    *((6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)),
)
_STEM, _HEAD = 32, 1280
_MOST = 4096  # Pixels and numbers, at most: a file may claim anything.


@dataclasses.dataclass(frozen=True)
class Layer:
    """One convolution, zero padded as TensorFlow's SAME, with a bias.

    Attributes:
      name: under which its arrays are stored.
      inputs: channels.
      outputs: channels.
      size: of the kernel.
      stride: down and across.
      depthwise: whether each channel sees itself only; the kernel is `[k, k, 1, c]`.
      relu6: whether its output is confined to [0, 6].
      enters: whether its input is what the block's end adds.
      adds: whether the block's input is added to its output.
    """

    name: str
    inputs: int
    outputs: int
    size: int = 1
    stride: int = 1
    depthwise: bool = False
    relu6: bool = True
    enters: bool = False
    adds: bool = False


@dataclasses.dataclass(frozen=True)
class Predictor:
    """From a painting of `size` x `size` pixels, in [0, 1], to `outputs` numbers."""

    size: int = 256
    outputs: int = 100

    def __post_init__(self) -> None:
        """Raises `WeightsError` for values that are none of a network's."""
        for value in (self.size, self.outputs):
            if not isinstance(value, int) or not 0 < value <= _MOST:
                raise WeightsError(f"no predictor of styles has the values {self}")

    @functools.cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The convolutions; the last one sees the mean over all pixels."""
        layers = [Layer("stem", 3, _STEM, 3, 2)]
        inputs, number = _STEM, 0
        for factor, outputs, count, first in _BLOCKS:
            for place in range(count):
                stride, wide = first if place == 0 else 1, factor * inputs
                name = f"block{number}"
                if factor > 1:
                    layers.append(Layer(f"{name}/expand", inputs, wide, enters=True))
                layers += [
                    Layer(
                        f"{name}/depthwise",
                        wide,
                        wide,
                        3,
                        stride,
                        depthwise=True,
                        enters=factor == 1,
                    ),
                    Layer(
                        f"{name}/project",
                        wide,
                        outputs,
                        relu6=False,
                        adds=stride == 1 and inputs == outputs,
                    ),
                ]
                inputs, number = outputs, number + 1
        return (
            *layers,
            Layer("head", inputs, _HEAD),
            Layer("style", _HEAD, self.outputs, relu6=False),
        )

    @functools.cached_property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Every stored key with its shape; kernels are `[height, width, in, out]`."""
        shapes: dict[str, tuple[int, ...]] = {}
        for layer in self.layers:
            inputs = 1 if layer.depthwise else layer.inputs
            shapes[f"{layer.name}/kernel"] = (
                *(layer.size, layer.size),
                *(inputs, layer.outputs),
            )
            shapes[f"{layer.name}/bias"] = (layer.outputs,)
        return shapes
