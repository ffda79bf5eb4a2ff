"""The workload's loss in PyTorch, as its users write it and as fast as it gets.

With what makes every variant fast and costs nothing: frozen weights, no work for their
gradients, targets computed once.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from bench.workload import (
    CONTENT_TAP,
    CONTENT_WEIGHT,
    NETWORK,
    STYLE_TAPS,
    STYLE_WEIGHT,
    Workload,
)

DTYPES = {
    "float32": torch.float32,
    "tf32": torch.float32,
    "bfloat16": torch.bfloat16,
}


class StyleLoss:
    """Content and style losses of several pictures of one photo.

    Attributes:
      content: `[1, c, h', w']`, the photo's activations.
      style: `{tap: [lanes, c, c]}`, float32.
    """

    def __init__(
        self,
        workload: Workload,
        *,
        device: str = "cpu",
        precision: str = "float32",
        channels_last: bool = False,
        pixel_range: float = 1.0,
        wide_products: bool = False,
    ):
        """Loads the weights and computes the targets.

        Args:
          workload: taken from here are weights and pictures.
          device: "cpu" or "cuda".
          precision: "float32", "tf32" or "bfloat16", of the network.
          channels_last: the memory format of activations and kernels.
          pixel_range: the optimised pixels lie between 0 and this.
          wide_products: bfloat16 Gram matrices straight into float32; CUDA only.
        """
        self.dtype = DTYPES[precision]
        self.device, self.pixel_range = device, pixel_range
        self.layout = torch.channels_last if channels_last else torch.contiguous_format
        self.products = _WideProducts.apply if wide_products else _products
        std = np.array(NETWORK.preprocessing.std)
        mean = np.array(NETWORK.preprocessing.mean)
        self.factor = self._constant(1 / (std * pixel_range))
        self.shift = self._constant(-mean / std)
        weights = workload.network_weights()
        self.layers = []
        for layer in NETWORK.convolutions:
            kernel = torch.from_numpy(weights[f"{layer.name}/kernel"])
            kernel = kernel.permute(3, 2, 0, 1).to(device, self.dtype)
            bias = torch.from_numpy(weights[f"{layer.name}/bias"])
            self.layers.append(
                (
                    layer.name.removeprefix("conv"),
                    kernel.contiguous(memory_format=self.layout),
                    bias.to(device, self.dtype),
                )
            )
            if layer.name == STYLE_TAPS[-1].replace("relu", "conv"):
                break
        self.start = self.tensor([workload.content()])
        with torch.no_grad():
            self.content = self.features(self.start)[CONTENT_TAP].float()
        self.style = self._style_targets(workload.styles())

    def _constant(self, values: np.ndarray) -> torch.Tensor:
        found = torch.tensor(values, dtype=torch.float32, device=self.device)
        return found.view(1, 3, 1, 1)

    def tensor(self, pictures: Sequence[np.ndarray] | np.ndarray) -> torch.Tensor:
        """`n` pictures `[h, w, 3]` in [0, 1] as the optimised `[n, 3, h, w]`."""
        found = torch.from_numpy(np.stack(list(pictures))).permute(0, 3, 1, 2)
        return (found * self.pixel_range).contiguous().to(self.device)

    def pictures(self, images: torch.Tensor) -> np.ndarray:
        """`[n, 3, h, w]` as pictures `[n, h, w, 3]` in [0, 1], clipped."""
        found = images.detach() / self.pixel_range
        return found.clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy()

    def _style_targets(self, styles: np.ndarray) -> dict[str, torch.Tensor]:
        grams: dict[str, list[torch.Tensor]] = {tap: [] for tap in STYLE_TAPS}
        with torch.no_grad():
            for style in styles:
                found = self.features(self.tensor([style]))
                for tap in STYLE_TAPS:
                    grams[tap].append(self.gram(found[tap]))
        return {tap: torch.cat(grams[tap]) for tap in STYLE_TAPS}

    def retarget(self, styles: np.ndarray) -> None:
        """Asks for other paintings, as many as before, in the same memory."""
        for tap, target in self._style_targets(styles).items():
            self.style[tap].copy_(target)

    def features(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """The taps of the loss, `{tap: [n, c, h', w']}`."""
        x = images * self.factor + self.shift
        x = x.to(self.dtype).contiguous(memory_format=self.layout)
        found, block = {}, "1"
        for index, kernel, bias in self.layers:
            if index[0] != block:
                x, block = F.max_pool2d(x, 2), index[0]
            x = F.relu(F.conv2d(x, kernel, bias, padding=1))
            if f"relu{index}" in (CONTENT_TAP, *STYLE_TAPS):
                found[f"relu{index}"] = x
        return found

    def gram(self, feature: torch.Tensor) -> torch.Tensor:
        """`[n, c, h, w]` -> `[n, c, c]` float32."""
        n, c, h, w = feature.shape
        if self.layout is torch.channels_last:
            columns = feature.permute(0, 2, 3, 1).reshape(n, h * w, c)
        else:
            columns = feature.reshape(n, c, h * w).mT
        return self.products(columns) / (c * h * w)

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """The loss of each picture: `[n, 3, h, w]` -> `[n]` float32."""
        found = self.features(images)
        content = (found[CONTENT_TAP].float() - self.content).square()
        total = CONTENT_WEIGHT * content.mean((1, 2, 3))
        for tap in STYLE_TAPS:
            difference = self.gram(found[tap]) - self.style[tap]
            total = total + STYLE_WEIGHT * difference.square().mean((1, 2))
        return total


def _multiply(a: torch.Tensor, b: torch.Tensor, **keywords: Any) -> torch.Tensor:
    """`[n, i, j] x [n, j, k]`; a single product is faster as one."""
    if a.shape[0] == 1:
        return torch.mm(a[0], b[0], **keywords)[None]
    return torch.bmm(a, b, **keywords)


def _products(columns: torch.Tensor) -> torch.Tensor:
    """`[n, pixels, c]` -> `[n, c, c]` float32."""
    columns = columns.float()
    return _multiply(columns.mT, columns)


class _WideProducts(torch.autograd.Function):
    """`_products` of bfloat16 without a float32 copy, one product backwards."""

    @staticmethod
    def forward(ctx: Any, columns: torch.Tensor) -> torch.Tensor:
        """`[n, pixels, c]` -> `[n, c, c]` float32."""
        ctx.save_for_backward(columns)
        return _multiply(columns.mT, columns, out_dtype=torch.float32)

    @staticmethod
    def backward(ctx: Any, cotangent: torch.Tensor) -> torch.Tensor:
        """`[n, c, c]` -> `[n, pixels, c]`."""
        (columns,) = ctx.saved_tensors
        symmetric = (cotangent + cotangent.mT).to(columns.dtype)
        return _multiply(columns, symmetric)
