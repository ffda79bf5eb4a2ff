"""VGG-19 as style-transfer repositories share it, in PyTorch files.

- `vgg_conv.pth` of leongatys/PytorchNeuralStyleTransfer: modules named `conv1_1`; the
  original weights, B, G, R in 0..255 less the mean.
- `vgg_normalised.pth` of naoto0804/pytorch-AdaIN, `vgg_normalised_conv4_1.pth` and the
  like: modules counted through an `nn.Sequential` of padding, convolution and ReLU.
  The filters are rescaled (Gatys et al. 2016, section 2). The first, 1x1, only brings
  R, G, B in 0..1 to B, G, R in 0..255 less the mean, as our preprocessing does; it is
  checked and left out. Those networks pad by reflection and round sizes up in pooling;
  ours pads by zeros and rounds down, so that near the border the two differ.
"""

from collections.abc import Mapping

import numpy as np

from weights_convert.architectures import Architecture
from weights_convert.errors import WeightsError
from weights_convert.layouts.layout import OIHW, Keys, Layout


def _gatys(architecture: Architecture) -> Keys:
    keys: Keys = {}
    for layer in architecture.convolutions:
        keys[f"{layer.name}/kernel"] = (f"{layer.name}.weight",)
        keys[f"{layer.name}/bias"] = (f"{layer.name}.bias",)
    return keys


def _counted(architecture: Architecture) -> Keys:
    """Module 0, then three a convolution (padding before, ReLU behind), one a pooling.

    For VGG-19: 2, 5, 9, 12, 16, 19, 22, 25, 29, ..., 51.
    """
    keys: Keys = {}
    position, previous = 2, ""
    for layer in architecture.convolutions:
        block = layer.name.split("_")[0]
        position += previous not in ("", block)
        keys[f"{layer.name}/kernel"] = (f"{position}.weight",)
        keys[f"{layer.name}/bias"] = (f"{position}.bias",)
        position, previous = position + 3, block
    return keys


def _drop_preprocessing(
    arrays: Mapping[str, np.ndarray], architecture: Architecture
) -> Mapping[str, np.ndarray]:
    """Leaves out the first convolution, where it is our preprocessing in B, G, R."""
    rest = dict(arrays)
    kernel, bias = rest.pop("0.weight", None), rest.pop("0.bias", None)
    if not architecture.name.endswith("-normalized"):
        return rest  # refused for its rescaled filters
    mean = np.array(architecture.preprocessing.mean[::-1])
    std = np.array(architecture.preprocessing.std[::-1])
    expected = np.diag(1 / std)[:, ::-1], -mean / std
    if kernel is None or bias is None:
        raise WeightsError(
            "its modules are counted as in vgg_normalised.pth, and the first, which"
            " brings R, G, B to B, G, R less the mean, is missing"
        )
    for name, found, wanted in (
        ("0.weight", kernel, expected[0]),
        ("0.bias", bias, expected[1]),
    ):
        fits = found.dtype.kind == "f" and found.size == wanted.size
        if not fits or not np.allclose(found.reshape(wanted.shape), wanted, atol=0.01):
            shown = np.round(np.ravel(found)[:9].astype(float), 2).tolist()
            raise WeightsError(
                f"{name!r} is {shown}, expected {np.round(wanted, 2).ravel().tolist()}:"
                " R, G, B in 0..1 to B, G, R in 0..255 less the mean"
            )
    return rest


GATYS = Layout(
    "vgg_conv", "vgg", ("pytorch", "safetensors"), _gatys, OIHW, "bgr", claims=("conv",)
)
NORMALIZED = Layout(
    "vgg_normalised",
    "vgg",
    ("pytorch", "safetensors"),
    _counted,
    OIHW,
    "bgr",
    claims=tuple("123456789"),
    prepare=_drop_preprocessing,
    normalized=True,
)
