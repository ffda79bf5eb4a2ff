"""CaffeNet and GoogLeNet in PyTorch, written from Caffe's prototxt files.

models/bvlc_reference_caffenet/deploy.prototxt and models/bvlc_googlenet/deploy.prototxt
of Caffe. Nothing of `nst_jax` is used here. In-place ReLUs give two taps: the
convolution's name is before, the ReLU's after.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from support.references import oihw, tensor

# Output channels of an inception's layers.
INCEPTIONS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


class CaffeNetwork:
    """Runs a network layer by layer and keeps what each gives."""

    def __init__(
        self,
        weights: Mapping[str, np.ndarray],
        pooling: str,
        dtype: torch.dtype,
        sides: Mapping[str, Tensor] = MappingProxyType({}),
    ):
        """Weights by `<layer>/kernel` (HWIO, taking RGB) and `<layer>/bias`.

        `sides` are activations, such as another program's, by ReLU, whose signs decide
        on which side of the kink this one stands, instead of its own.
        """
        self._weights, self._pooling, self._dtype = weights, pooling, dtype
        self._sides = sides
        self.found: dict[str, Tensor] = {}

    def convolve(self, name: str, relu: str, x: Tensor, **how: int) -> Tensor:
        """A convolution and its ReLU, which must have as many outputs as `outputs`."""
        kernel = oihw(self._weights[f"{name}/kernel"]).to(self._dtype)
        bias = tensor(self._weights[f"{name}/bias"]).to(self._dtype)
        assert len(kernel) == how.pop("outputs")
        if x.shape[1] == 3:
            kernel = kernel.flip(1)  # Caffe's colours are BGR.
        x = self.found[name] = F.conv2d(x, kernel, bias, **how)
        self.found[relu] = x * (self._sides.get(relu, x) > 0)
        return self.found[relu]

    def pool(self, name: str, x: Tensor, stride: int = 2, padding: int = 0) -> Tensor:
        """3x3 in Caffe's ceil mode."""
        pool = {"max": F.max_pool2d, "avg": F.avg_pool2d}[self._pooling]
        self.found[name] = pool(x, 3, stride, padding, ceil_mode=True)
        return self.found[name]

    def normalize(self, name: str, x: Tensor) -> Tensor:
        """LRN over 5 channels."""
        self.found[name] = F.local_response_norm(x, 5, alpha=1e-4, beta=0.75, k=1.0)
        return self.found[name]


def bgr(image: Tensor, means: tuple[float, float, float]) -> Tensor:
    """`[h, w, 3]` RGB in [0, 1] -> `[1, 3, h, w]` BGR in 0..255 less B, G, R means."""
    mean = torch.tensor(means, dtype=image.dtype)
    return (image.flip(-1) * 255 - mean).permute(2, 0, 1)[None]


def caffenet(net: CaffeNetwork, image: Tensor) -> dict[str, Tensor]:
    """Every tap of CaffeNet; colours less the mean of ilsvrc_2012_mean.npy."""
    x = bgr(image, (104.00698793, 116.66876762, 122.67891434))
    x = net.convolve("conv1", "relu1", x, outputs=96, stride=4)
    x = net.normalize("norm1", net.pool("pool1", x))
    x = net.convolve("conv2", "relu2", x, outputs=256, padding=2, groups=2)
    x = net.normalize("norm2", net.pool("pool2", x))
    x = net.convolve("conv3", "relu3", x, outputs=384, padding=1)
    x = net.convolve("conv4", "relu4", x, outputs=384, padding=1, groups=2)
    x = net.convolve("conv5", "relu5", x, outputs=256, padding=1, groups=2)
    net.pool("pool5", x)
    return net.found


def googlenet(net: CaffeNetwork, image: Tensor) -> dict[str, Tensor]:
    """Every tap of GoogLeNet; colours less the mean_value of train_val.prototxt."""
    x = bgr(image, (104, 117, 123))
    x = net.convolve(
        "conv1/7x7_s2", "conv1/relu_7x7", x, outputs=64, stride=2, padding=3
    )
    x = net.normalize("pool1/norm1", net.pool("pool1/3x3_s2", x))
    x = net.convolve("conv2/3x3_reduce", "conv2/relu_3x3_reduce", x, outputs=64)
    x = net.convolve("conv2/3x3", "conv2/relu_3x3", x, outputs=192, padding=1)
    x = net.pool("pool2/3x3_s2", net.normalize("conv2/norm2", x))
    for block, widths in INCEPTIONS.items():
        x = inception(net, f"inception_{block}", x, widths)
        if block in ("3b", "4e"):
            x = net.pool(f"pool{int(block[0])}/3x3_s2", x)
    return net.found


def inception(
    net: CaffeNetwork, name: str, x: Tensor, widths: tuple[int, ...]
) -> Tensor:
    """Four branches side by side."""

    def convolve(part: str, x: Tensor, outputs: int, padding: int = 0) -> Tensor:
        return net.convolve(
            f"{name}/{part}",
            f"{name}/relu_{part}",
            x,
            outputs=outputs,
            padding=padding,
        )

    one = convolve("1x1", x, widths[0])
    three = convolve("3x3", convolve("3x3_reduce", x, widths[1]), widths[2], 1)
    five = convolve("5x5", convolve("5x5_reduce", x, widths[3]), widths[4], 2)
    pooled = net.pool(f"{name}/pool", x, stride=1, padding=1)
    projection = convolve("pool_proj", pooled, widths[5])
    net.found[f"{name}/output"] = torch.cat([one, three, five, projection], 1)
    return net.found[f"{name}/output"]


NETWORKS = {"caffenet": caffenet, "googlenet": googlenet}
