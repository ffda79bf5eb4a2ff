"""Image transformation networks as values (Johnson et al. 2016, arXiv:1603.08155).

One table for all that share the plan of Johnson's: three convolutions that contract, of
which two halve the size, residual blocks, two that double it again, and a last one.
What the known systems do differently is a value of `Transformer`.
"""

import dataclasses
import functools
from collections.abc import Mapping
from typing import ClassVar

from weights_convert.architectures import reach
from weights_convert.errors import WeightsError

_MOST = 4096  # Channels, blocks and styles, at most: a file may claim anything.


@dataclasses.dataclass(frozen=True)
class Block:
    """One convolution and what follows it.

    Attributes:
      name: under which its arrays are stored.
      inputs: channels.
      outputs: channels.
      size: of the kernel, height and width.
      stride: 2 halves height and width.
      upsample: whether height and width are doubled before it.
      norm: "", "instance", "conditional" or "adaptive".
      relu: whether nothing below zero leaves it.
      place: 1 or 2 of the two of a residual block, whose input is added to its output;
        0 of others.
    """

    name: str
    inputs: int
    outputs: int
    size: int = 3
    stride: int = 1
    upsample: bool = False
    norm: str = ""
    relu: bool = True
    place: int = 0


@dataclasses.dataclass(frozen=True)
class Transformer:
    """A network of one or more styles; the defaults are pytorch/examples'.

    Attributes:
      contract: channels of the three contracting convolutions.
      blocks: residual ones, of two convolutions each.
      expand: channels of the two expanding convolutions.
      norm: "instance", with a scale and an offset a channel (Ulyanov et al. 2016);
        "conditional", with those of each style (Dumoulin et al. 2017); "adaptive", with
        those that a linear map makes of a style's vector (Ghiasi et al. 2017).
      contract_norm: whether the contracting convolutions are followed by it.
      last_norm: whether the last one is.
      styles: of "conditional"; numbers of the vector of "adaptive".
      epsilon: added to the variance.
      padding: "reflect", or "zero", which at stride 2 pads as TensorFlow's SAME does,
        more below and right.
      upsampling: "nearest" and a convolution, or "transposed" convolution.
      bias: whether convolutions have one.
      output: "linear", on the scale of the input; "tanh", 150 tanh + 127.5 of 255; or
        "sigmoid".
      white: of the input.
      channels: order of the input's and output's, "rgb" or "bgr".
    """

    blends: ClassVar[bool] = False
    multiple: ClassVar[int] = 4

    contract: tuple[int, int, int] = (32, 64, 128)
    blocks: int = 5
    expand: tuple[int, int] = (64, 32)
    norm: str = "instance"
    contract_norm: bool = True
    last_norm: bool = False
    styles: int = 1
    epsilon: float = 1e-5
    padding: str = "reflect"
    upsampling: str = "nearest"
    bias: bool = True
    output: str = "linear"
    white: float = 255.0
    channels: str = "rgb"

    def __post_init__(self) -> None:
        """Raises `WeightsError` for values that are none of a network's."""
        words = {
            "norm": ("instance", "conditional", "adaptive"),
            "padding": ("reflect", "zero"),
            "upsampling": ("nearest", "transposed"),
            "output": ("linear", "tanh", "sigmoid"),
            "channels": ("rgb", "bgr"),
        }
        counts = (*self.contract, *self.expand, self.blocks, self.styles)
        good = len(self.contract) == 3 and len(self.expand) == 2
        good &= all(isinstance(n, int) and 0 < n <= _MOST for n in counts)
        good &= all(getattr(self, name) in allowed for name, allowed in words.items())
        good &= 0 < self.epsilon < 1 and 0 < self.white < 1e6
        if not good:
            raise WeightsError(f"no image transformation network has the values {self}")

    @functools.cached_property
    def layers(self) -> tuple[Block, ...]:
        """The convolutions, from the picture to the picture."""
        first, second, third = self.contract
        wide, narrow = self.expand
        before = self.norm if self.contract_norm else ""
        residual = [
            Block(
                f"residual{number}_{place}",
                third,
                third,
                norm=self.norm,
                relu=place == 1,
                place=place,
            )
            for number in range(1, self.blocks + 1)
            for place in (1, 2)
        ]
        return (
            Block("contract1", 3, first, 9, norm=before),
            Block("contract2", first, second, stride=2, norm=before),
            Block("contract3", second, third, stride=2, norm=before),
            *residual,
            Block("expand1", third, wide, upsample=True, norm=self.norm),
            Block("expand2", wide, narrow, upsample=True, norm=self.norm),
            Block(
                "last",
                narrow,
                3,
                9,
                norm=self.norm if self.last_norm else "",
                relu=False,
            ),
        )

    @functools.cached_property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Every stored key with its shape, kernels `[height, width, inputs, outputs]`.

        `scale` and `offset` are `[c]`, of "conditional" `[styles, c]`; of "adaptive"
        there are `scale/kernel` and `offset/kernel` `[styles, c]` and a `/bias` each.
        """
        shapes: dict[str, tuple[int, ...]] = {}
        for layer in self.layers:
            kernel = (layer.size, layer.size, layer.inputs, layer.outputs)
            shapes[f"{layer.name}/kernel"] = kernel
            if self.bias:
                shapes[f"{layer.name}/bias"] = (layer.outputs,)
            for part in ("scale", "offset") if layer.norm else ():
                name, one = f"{layer.name}/{part}", (layer.outputs,)
                if layer.norm == "instance":
                    shapes[name] = one
                elif layer.norm == "conditional":
                    shapes[name] = (self.styles, *one)
                else:
                    shapes[f"{name}/kernel"] = (self.styles, *one)
                    shapes[f"{name}/bias"] = one
        return shapes

    @property
    def takes(self) -> str:
        """What says the style: "", "shares" of its styles, or a style's "vector"."""
        return {"conditional": "shares", "adaptive": "vector"}.get(self.norm, "")

    @functools.cached_property
    def reach(self) -> int:
        """Pixels around one that its result depends on, but for the statistics of
        normalisation, which are of the whole picture."""
        steps: list[reach.Step] = []
        for layer in self.layers:
            if layer.upsample and self.upsampling == "transposed":
                steps.append(reach.transposed)
                continue
            steps += [reach.nearest] * layer.upsample
            zero = self.padding == "zero" and layer.stride == 2
            before = 0 if zero else layer.size // 2
            steps.append(reach.convolution(layer.size, layer.stride, before=before))
        return reach.reach(steps, self.multiple)


PYTORCH_EXAMPLES = Transformer()
"""pytorch/examples, fast_neural_style: 0..255 in and out, no tanh."""

LENGSTROM = Transformer(
    epsilon=1e-3,
    padding="zero",
    upsampling="transposed",
    bias=False,
    last_norm=True,
    output="tanh",
)
"""lengstrom/fast-style-transfer, and ml5's files of it."""

MULTISTYLE = Transformer(
    contract=(32, 32, 32),
    blocks=6,
    expand=(8, 4),
    norm="conditional",
    last_norm=True,
    styles=26,
    bias=False,
    output="sigmoid",
    white=1.0,
)
"""Dumoulin et al. 2017 as TensorFlow's Android demo has it, 26 styles in one."""

MAGENTA_SMALL = Transformer(
    contract=(8, 16, 32),
    expand=(16, 8),
    norm="adaptive",
    contract_norm=False,
    last_norm=True,
    styles=100,
    output="sigmoid",
    white=1.0,
)
"""Magenta's small network of any style (Ghiasi et al. 2017), batch norms folded."""
