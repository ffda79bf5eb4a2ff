"""MatConvNet's names of VGG's layers; the first filters take R, G, B."""

from collections.abc import Mapping

import numpy as np

from weights_convert.architectures import Architecture
from weights_convert.errors import WeightsError
from weights_convert.layouts.layout import HWIO, Keys, Layout


def _names(architecture: Architecture) -> Keys:
    keys: Keys = {}
    for layer in architecture.convolutions:
        keys[f"{layer.name}/kernel"] = (f"{layer.name}/filters",)
        keys[f"{layer.name}/bias"] = (f"{layer.name}/biases",)
    return keys


def _check_average_image(
    arrays: Mapping[str, np.ndarray], architecture: Architecture
) -> Mapping[str, np.ndarray]:
    """The input is 0..255 less `averageImage`: it must be the network's too."""
    rest = dict(arrays)
    found = rest.pop("averageImage", None)
    unit = [deviation * 255 for deviation in architecture.preprocessing.std]
    expected = [mean * 255 for mean in architecture.preprocessing.mean]
    if not np.allclose(unit, 1):
        raise WeightsError(
            f"a MatConvNet file takes 0..255 less a mean, network {architecture.name!r}"
            " takes something else; convert it to the network of the original weights"
        )
    if found is not None and not np.allclose(found, expected, atol=0.1):
        raise WeightsError(
            f"its averageImage is {np.round(found, 3).tolist()}, expected"
            f" {np.round(expected, 3).tolist()} for network {architecture.name!r}"
        )
    return rest


VGG = Layout(
    "matconvnet",
    "vgg",
    ("matconvnet",),
    _names,
    HWIO,
    None,
    claims=("conv",),
    prepare=_check_average_image,
)
