"""Caffe's names: a layer's own, as in the networks' published prototxt files.

VGG's gists (ksimonyan/211839e770f7b538e2d8 and 3785162f95cd2d5fee77) call the layers
`conv1_1`, bvlc_reference_caffenet `conv1`, bvlc_googlenet `inception_3a/1x1`. Blob 0 is
the kernel, blob 1 the bias. Caffe reads images by OpenCV, so they take B, G, R. Gatys's
`vgg_normalised.caffemodel`, rescaled, has VGG's names too, and is told apart by size.
"""

from collections.abc import Mapping

import numpy as np

from weights_convert.architectures import Architecture
from weights_convert.errors import WeightsError
from weights_convert.layouts.layout import OIHW, Keys, Layout


def _blobs(architecture: Architecture) -> Keys:
    keys: Keys = {}
    for layer in architecture.convolutions:
        keys[f"{layer.name}/kernel"] = (f"{layer.name}.blobs.0",)
        keys[f"{layer.name}/bias"] = (f"{layer.name}.blobs.1",)
    return keys


# Median length of the first layer's filters: 0.85 of VGG-19, 0.06 once its mean
# activations, 8 to 73, are brought to 1. Halfway between, by ratio.
_SMALL_FILTERS = 0.23


def _check_scale(
    arrays: Mapping[str, np.ndarray], architecture: Architecture
) -> Mapping[str, np.ndarray]:
    """A VGG's filters must be rescaled just where the network's name says so."""
    kernel = arrays.get(f"{architecture.convolutions[0].name}.blobs.0")
    if architecture.family != "vgg" or kernel is None or kernel.ndim != 4:
        return arrays
    with np.errstate(all="ignore"):  # what isn't finite is named later
        lengths = np.sqrt((kernel.astype(np.float64) ** 2).sum((1, 2, 3)))
        length = float(np.median(lengths))
    rescaled = length < _SMALL_FILTERS
    if np.isfinite(length) and rescaled != architecture.name.endswith("-normalized"):
        plain = architecture.name.removesuffix("-normalized")
        fitting = plain + "-normalized" * rescaled
        raise WeightsError(
            f"its first filters have a median length of {length:.3g}: they are"
            f" {'' if rescaled else 'not '}rescaled to mean activations of 1; convert"
            f" it to {fitting!r}"
        )
    return arrays


CAFFE = Layout(
    "caffe",
    None,
    ("caffe",),
    _blobs,
    OIHW,
    "bgr",
    claims=("conv", "inception"),
    prepare=_check_scale,
    normalized=None,
)
