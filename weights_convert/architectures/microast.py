"""MicroAST as values (Wang et al. 2023, arXiv:2211.15313).

Two encoders of one plan, of the photo and of the painting; a modulator that makes
weights and biases for the decoder's residual blocks of what the second sees; and the
decoder. Each is some pointwise and grouped convolutions.
"""

import dataclasses
import functools
from collections.abc import Mapping
from typing import ClassVar

from weights_convert.architectures import reach
from weights_convert.errors import WeightsError

_MOST = 1024

SIGNALS = (
    *("mean1", "deviation1", "mean2", "deviation2"),
    *("weight1", "bias1", "weight2", "bias2"),
)
"""What a style's vector holds, in this order, a number of each for every channel."""


@dataclasses.dataclass(frozen=True)
class Layer:
    """A convolution with a bias, padded by reflection.

    Attributes:
      name: under which its arrays are stored, after its part's name.
      inputs: channels.
      outputs: channels.
      size: of the kernel.
      stride: down and across.
      groups: of channels that see only each other.
      upsample: whether height and width are doubled before it, bilinearly.
      relu: whether nothing below zero leaves it.
      place: 1 or 2 of the two of a residual block; 0 of others.
    """

    name: str
    inputs: int
    outputs: int
    size: int = 3
    stride: int = 1
    groups: int = 1
    upsample: bool = False
    relu: bool = True
    place: int = 0


@dataclasses.dataclass(frozen=True)
class MicroAST:
    """A network of any style: RGB in [0, 1] in and out.

    Attributes:
      width: channels of the first convolution; the next have twice and four times so
        many.
      epsilon: added to variances.
    """

    takes: ClassVar[str] = "vector"
    blends: ClassVar[bool] = True
    multiple: ClassVar[int] = 4
    size: ClassVar[int | None] = None

    width: int = 16
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        """Raises `WeightsError` for values that are none of a network's."""
        good = isinstance(self.width, int) and 0 < self.width <= _MOST
        if not good or not 0 < self.epsilon < 1:
            raise WeightsError(f"no MicroAST has the values {self}")

    @property
    def styles(self) -> int:
        """Numbers of a style's vector: see `SIGNALS`."""
        return len(SIGNALS) * 4 * self.width

    @functools.cached_property
    def encoder(self) -> tuple[Layer, ...]:
        """Of the photo and of the painting: two levels, each ends a residual block."""
        one, two, four = (n * self.width for n in (1, 2, 4))
        return (
            Layer("first", 3, one, 9),
            Layer("down1", one, two, stride=2, groups=one),
            Layer("mix1", two, two, 1),
            Layer("down2", two, four, stride=2, groups=two),
            Layer("mix2", four, four, 1),
            *_residual(1, four),
            *_residual(2, four),
        )

    @functools.cached_property
    def modulator(self) -> tuple[Layer, ...]:
        """Its convolutions; of each the mean over all pixels is taken."""
        four = 4 * self.width
        return tuple(
            Layer(f"{signal}{level}", four, four, groups=four, relu=False)
            for level in (1, 2)
            for signal in ("weight", "bias")
        )

    @functools.cached_property
    def decoder(self) -> tuple[Layer, ...]:
        """Two modulated residual blocks, then back to the picture."""
        one, two, four = (n * self.width for n in (1, 2, 4))
        return (
            *_residual(1, four),
            *_residual(2, four),
            Layer("up1", four, two, groups=two, upsample=True),
            Layer("mix1", two, two, 1),
            Layer("up2", two, one, groups=one, upsample=True),
            Layer("mix2", one, one, 1),
            Layer("last", one, 3, 9, relu=False),
        )

    @property
    def parts(self) -> Mapping[str, tuple[Layer, ...]]:
        """The layers of each part, by its name."""
        return {
            "content": self.encoder,
            "style": self.encoder,
            "modulator": self.modulator,
            "decoder": self.decoder,
        }

    @functools.cached_property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Every stored key with its shape; kernels are `[h, w, inputs/groups, out]`."""
        shapes: dict[str, tuple[int, ...]] = {}
        for part, layers in self.parts.items():
            for layer in layers:
                name, seen = f"{part}/{layer.name}", layer.inputs // layer.groups
                kernel = (layer.size, layer.size, seen, layer.outputs)
                shapes |= {f"{name}/kernel": kernel, f"{name}/bias": (layer.outputs,)}
        return shapes

    @functools.cached_property
    def reach(self) -> int:
        """Pixels around one that its result depends on, but for the statistics."""
        steps: list[reach.Step] = []
        for layer in (*self.encoder, *self.decoder):
            steps += [reach.bilinear] * layer.upsample
            steps.append(reach.convolution(layer.size, layer.stride))
        return reach.reach(steps, self.multiple)


def _residual(number: int, channels: int) -> tuple[Layer, Layer]:
    return (
        Layer(f"residual{number}_1", channels, channels, place=1),
        Layer(f"residual{number}_2", channels, channels, relu=False, place=2),
    )
