"""Style networks in PyTorch, as their papers and repositories describe them.

Restated: pytorch/examples' TransformerNet, lengstrom's network as TensorFlow computes
it, AdaIN (naoto0804/pytorch-AdaIN) and MicroAST (EndyWon/MicroAST). Pictures are NCHW
tensors in [0, 1]; arrays are by the names that the systems' own files have.
"""

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from support.style_networks import DECODER, ENCODER

Arrays = Mapping[str, np.ndarray]


def _given(arrays: Arrays, module: str) -> tuple[Tensor, Tensor]:
    weight, bias = arrays[f"{module}.weight"], arrays[f"{module}.bias"]
    return torch.tensor(np.ascontiguousarray(weight)), torch.tensor(bias)


def _convolved(
    arrays: Arrays, module: str, x: Tensor, *, stride: int = 1, groups: int = 1
) -> Tensor:
    weight, bias = _given(arrays, module)
    pad = weight.shape[-1] // 2
    x = F.pad(x, (pad,) * 4, "reflect")
    return F.conv2d(x, weight, bias, stride, groups=groups)


class TransformerNet:
    """pytorch/examples: values from 0 to 255 in and out."""

    def __init__(self, state: Arrays, blocks: int):
        self.state, self.blocks = state, blocks

    def _layer(self, number: str, norm: str, x: Tensor, stride: int = 1) -> Tensor:
        x = _convolved(self.state, f"{number}.conv2d", x, stride=stride)
        scale, shift = _given(self.state, norm)
        return F.instance_norm(x, weight=scale, bias=shift, eps=1e-5)

    def __call__(self, images: Tensor) -> Tensor:
        x = images * 255
        for number, stride in ((1, 1), (2, 2), (3, 2)):
            x = F.relu(self._layer(f"conv{number}", f"in{number}", x, stride))
        for number in range(1, self.blocks + 1):
            block = f"res{number}"
            inner = F.relu(self._layer(f"{block}.conv1", f"{block}.in1", x))
            x = x + self._layer(f"{block}.conv2", f"{block}.in2", inner)
        for number in (1, 2):
            x = F.interpolate(x, scale_factor=2, mode="nearest")
            x = F.relu(self._layer(f"deconv{number}", f"in{number + 3}", x))
        return (_convolved(self.state, "deconv3.conv2d", x) / 255).clamp(0, 1)


def lengstrom(variables: Arrays, images: Tensor, blocks: int = 5) -> Tensor:
    """TensorFlow's SAME padding; transposed kernels are [h, w, out, in]."""
    given = [
        torch.tensor(variables[f"Variable_{n}" if n else "Variable"])
        for n in range(len(variables))
    ]
    place = 0

    def layer(x: Tensor, stride: int = 1, *, transposed: bool = False) -> Tensor:
        nonlocal place
        kernel, shift, scale = given[place : place + 3]
        place += 3
        height, width = x.shape[2:]
        if transposed:
            x = F.conv_transpose2d(x, kernel.permute(3, 2, 0, 1), stride=2)
            x = x[:, :, : 2 * height, : 2 * width]
        else:
            around = []
            for side in (width, height):
                more = max((-(-side // stride) - 1) * stride + len(kernel) - side, 0)
                around += [more // 2, more - more // 2]
            x = F.conv2d(F.pad(x, around), kernel.permute(3, 2, 0, 1), stride=stride)
        return F.instance_norm(x, weight=scale, bias=shift, eps=1e-3)

    x = images * 255
    for stride in (1, 2, 2):
        x = F.relu(layer(x, stride))
    for _ in range(blocks):
        inner = F.relu(layer(x))
        x = x + layer(inner)
    for _ in range(2):
        x = F.relu(layer(x, transposed=True))
    return ((150 * torch.tanh(layer(x)) + 127.5) / 255).clamp(0, 1)


def mean_and_deviation(x: Tensor) -> tuple[Tensor, Tensor]:
    """With the unbiased variance, as `Tensor.var` has it."""
    flat = x.flatten(2)
    deviation = (flat.var(2) + 1e-5).sqrt()
    return flat.mean(2)[..., None, None], deviation[..., None, None]


def adapted(x: Tensor, style: Tensor, alpha: float) -> Tensor:
    mean, deviation = mean_and_deviation(x)
    new_mean, new_deviation = mean_and_deviation(style)
    found = (x - mean) / deviation * new_deviation + new_mean
    return alpha * found + (1 - alpha) * x


class AdaIN:
    """The two files of pytorch-AdaIN."""

    def __init__(self, encoder: Arrays, decoder: Arrays):
        self.encoder, self.decoder = encoder, decoder

    def features(self, images: Tensor) -> Tensor:
        x = _convolved(self.encoder, "0", images)
        for before, module in zip((0, *ENCODER), ENCODER, strict=False):
            if module - before == 4:  # A pooling more than padding and ReLU.
                x = F.max_pool2d(x, 2, 2, ceil_mode=True)
            x = F.relu(_convolved(self.encoder, str(module), x))
        return x

    def __call__(
        self,
        content: Tensor,
        styles: list[Tensor],
        shares: list[float],
        alpha: float = 1.0,
    ) -> Tensor:
        seen = self.features(content)
        x = sum(
            share * adapted(seen, self.features(style), alpha)
            for style, share in zip(styles, shares, strict=True)
        )
        for before, module in zip((1, *DECODER), DECODER, strict=False):
            if module - before == 4:
                x = F.interpolate(x, scale_factor=2, mode="nearest")
            x = _convolved(self.decoder, str(module), x)
            x = x if module == DECODER[-1] else F.relu(x)
        return x.clamp(0, 1)


class MicroAST:
    """The four files of MicroAST."""

    def __init__(self, files: Mapping[str, Arrays]):
        self.files = files

    def _run(self, file: str, module: str, x: Tensor, stride: int = 1) -> Tensor:
        arrays, name = self.files[file], f"{module}.conv_layer"
        groups = x.shape[1] // arrays[f"{name}.weight"].shape[1]
        return _convolved(arrays, name, x, stride=stride, groups=groups)

    def levels(self, file: str, images: Tensor) -> list[Tensor]:
        x = images
        strides = {0: 1, 2: 2, 4: 1, 6: 2, 8: 1}
        for module, stride in strides.items():
            x = F.relu(self._run(file, f"enc1.{module}", x, stride))
        found = []
        for block in ("enc1.10", "enc2.0"):
            inner = F.relu(self._run(file, f"{block}.conv1", x))
            x = x + self._run(file, f"{block}.conv2", inner)
            found.append(x)
        return found

    def __call__(self, content: Tensor, style: Tensor, alpha: float = 1.0) -> Tensor:
        styles = self.levels("style_encoder", style)
        x = self.levels("content_encoder", content)[1]
        for block, level in (("dec1", 2), ("dec2", 1)):
            seen = styles[level - 1]
            weight, bias = (
                self._run("modulator", f"{signal}{level}.0", seen).mean(
                    (2, 3), keepdim=True
                )
                for signal in ("weight", "bias")
            )
            x = first = adapted(x, seen, alpha)
            x = F.relu(weight * self._run("decoder", f"{block}.conv1", x) + bias * x)
            x = weight * self._run("decoder", f"{block}.conv2", x) + bias * x
            x = x + first
        for spread, mix in ((1, 3), (6, 8)):
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = F.relu(self._run("decoder", f"dec3.{spread}", x))
            x = F.relu(self._run("decoder", f"dec3.{mix}", x))
        return self._run("decoder", "dec3.10", x).clamp(0, 1)
