"""AdaIN as values (Huang and Belongie 2017, arXiv:1703.06868).

The encoder is VGG-19 to relu4_1, padded by reflection, sizes rounded up in pooling; the
decoder mirrors it, with enlargement to the nearest pixel in the place of pooling.
"""

import dataclasses
import functools
from collections.abc import Mapping
from typing import ClassVar

from weights_convert.architectures import reach
from weights_convert.errors import WeightsError

_COUNTS = (2, 2, 4, 1)  # Convolutions of each block to relu4_1.
_MOST = 4096


@dataclasses.dataclass(frozen=True)
class Layer:
    """A 3x3 convolution with a bias.

    Attributes:
      name: under which its arrays are stored.
      inputs: channels.
      outputs: channels.
      pool: whether the picture is halved before it.
      upsample: whether it is doubled before it.
      relu: whether nothing below zero leaves it.
    """

    name: str
    inputs: int
    outputs: int
    pool: bool = False
    upsample: bool = False
    relu: bool = True


@dataclasses.dataclass(frozen=True)
class AdaIN:
    """A network of any style: RGB in [0, 1] in and out.

    Attributes:
      widths: channels of the four blocks.
      epsilon: added to variances.
    """

    takes: ClassVar[str] = "vector"
    blends: ClassVar[bool] = True
    multiple: ClassVar[int] = 8
    size: ClassVar[int | None] = None

    widths: tuple[int, int, int, int] = (64, 128, 256, 512)
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        """Raises `WeightsError` for values that are none of a network's."""
        good = len(self.widths) == 4 and 0 < self.epsilon < 1
        if not good or not all(
            isinstance(width, int) and 0 < width <= _MOST for width in self.widths
        ):
            raise WeightsError(f"no AdaIN has the values {self}")

    @property
    def styles(self) -> int:
        """Numbers of a style's vector: a mean and a deviation for each channel."""
        return 2 * self.widths[-1]

    @functools.cached_property
    def encoder(self) -> tuple[Layer, ...]:
        """Its convolutions, named as the VGG's."""
        layers, inputs = [], 3
        blocks = zip(self.widths, _COUNTS, strict=True)
        for block, (width, count) in enumerate(blocks, 1):
            for place in range(1, count + 1):
                name, pool = f"encoder/conv{block}_{place}", block > 1 and place == 1
                layers.append(Layer(name, inputs, width, pool=pool))
                inputs = width
        return tuple(layers)

    @functools.cached_property
    def decoder(self) -> tuple[Layer, ...]:
        """Its convolutions, named after those of the encoder that they undo."""
        return tuple(
            Layer(
                layer.name.replace("encoder", "decoder"),
                layer.outputs,
                layer.inputs,
                upsample=number > 0 and mirrored[number - 1].pool,
                relu=number < len(mirrored) - 1,
            )
            for mirrored in [self.encoder[::-1]]
            for number, layer in enumerate(mirrored)
        )

    @functools.cached_property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Every stored key with its shape; kernels are `[3, 3, inputs, outputs]`."""
        shapes: dict[str, tuple[int, ...]] = {}
        for layer in (*self.encoder, *self.decoder):
            shapes[f"{layer.name}/kernel"] = (3, 3, layer.inputs, layer.outputs)
            shapes[f"{layer.name}/bias"] = (layer.outputs,)
        return shapes

    @functools.cached_property
    def reach(self) -> int:
        """Pixels around one that its result depends on, but for the statistics."""
        steps: list[reach.Step] = []
        for layer in (*self.encoder, *self.decoder):
            steps += [reach.pooling(2)] * layer.pool + [reach.nearest] * layer.upsample
            steps.append(reach.convolution(3))
        return reach.reach(steps, self.multiple)
