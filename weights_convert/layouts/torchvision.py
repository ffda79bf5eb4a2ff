"""torchvision's names, in `.pth` and in safetensors."""

from collections.abc import Mapping

import numpy as np

from weights_convert.architectures import Architecture, Convolution
from weights_convert.errors import WeightsError
from weights_convert.layouts.layout import OIHW, Keys, Layout

_EPSILON = 1e-3  # of GoogLeNet's batch norms: torchvision/models/googlenet.py


def _features(architecture: Architecture) -> Keys:
    """`features.N`: the layers counted, with all of a fire module's as one.

    `N` alone in a file of `model.features`.
    """
    keys: Keys = {}
    numbers: dict[str, int] = {}
    for layer in architecture.layers:
        module, _, part = layer.name.partition("/")
        path = f"features.{numbers.setdefault(module, len(numbers))}"
        if part:
            path += f".{'squeeze' if part == 'squeeze1x1' else part}"
        if isinstance(layer, Convolution):
            for ours, theirs in (("kernel", "weight"), ("bias", "bias")):
                key = f"{path}.{theirs}"
                keys[f"{layer.name}/{ours}"] = (key, key.removeprefix("features."))
    return keys


def _normalized(architecture: Architecture) -> Keys:
    """`conv1.conv.weight`, and the bias of its batch norm, as `_fold` leaves them."""
    keys: Keys = {}
    for layer in architecture.convolutions:
        kernel, bias = _parts(layer)[:2]
        keys[f"{layer.name}/kernel"] = (kernel,)
        keys[f"{layer.name}/bias"] = (bias,)
    return keys


def _parts(layer: Convolution) -> tuple[str, ...]:
    """Keys of a kernel, and of its batch norm's bias, weight, mean and variance."""
    module = layer.name.removesuffix(".bn")
    parts = ("bias", "weight", "running_mean", "running_var")
    return (f"{module}.conv.weight", *(f"{module}.bn.{part}" for part in parts))


def _fold(
    arrays: Mapping[str, np.ndarray], architecture: Architecture
) -> Mapping[str, np.ndarray]:
    """Convolutions that do their batch norms' work (Ioffe & Szegedy 2015, algorithm 2).

    In float64, and rounded once, by whoever stores them.
    """
    folded = {
        key: value
        for key, value in arrays.items()
        if not key.endswith(".num_batches_tracked")
    }
    faults = []
    for layer in architecture.convolutions:
        keys = _parts(layer)
        if not any(key in folded for key in keys):
            continue  # Said by whoever looks for the kernel.
        missing = [key for key in keys if key not in folded]
        found = [folded[key] for key in keys if key in folded]
        if missing:
            faults.append(f"{', '.join(missing)} missing")
        elif {array.dtype.kind for array in found} != {"f"}:
            faults.append(f"{keys[1]} or what goes with it isn't floating point")
        elif {array.shape for array in found[1:]} != {found[0].shape[:1]}:
            faults.append(f"{keys[1]} and what goes with it differ in length")
        else:
            kernel, bias, weight, mean, variance = (
                np.asarray(folded.pop(key), np.float64) for key in keys
            )
            with np.errstate(all="ignore"):  # What isn't finite is found and named.
                scale = weight / np.sqrt(variance + _EPSILON)
                folded[keys[0]] = (kernel.T * scale).T
                folded[keys[1]] = bias - mean * scale
    if faults:
        raise WeightsError(
            f"does not fit network {architecture.name!r}: {'; '.join(faults)}"
        )
    return folded


VGG, ALEXNET, SQUEEZENET = (
    Layout(
        "torchvision",
        family,
        ("pytorch", "safetensors"),
        _features,
        OIHW,
        "rgb",
        claims=("features.", *"0123456789"),
        normalized=None,  # our own exports
    )
    for family in ("vgg", "alexnet", "squeezenet")
)
GOOGLENET = Layout(
    "torchvision",
    "googlenet-bn",
    ("pytorch", "safetensors"),
    _normalized,
    OIHW,
    "rgb",
    claims=("conv", "inception"),
    prepare=_fold,
)
