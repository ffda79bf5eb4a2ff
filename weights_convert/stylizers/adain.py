"""AdaIN as naoto0804/pytorch-AdaIN keeps it: `decoder.pth` and `vgg_normalised.pth`.

Both count the modules of an `nn.Sequential`. The encoder's first, 1x1, only brings R,
G, B to what the VGG saw; it is folded into the next, which padding by reflection
allows.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from weights_convert.architectures.adain import AdaIN, Layer
from weights_convert.errors import WeightsError
from weights_convert.stylizers.stylizer import Arrays, Stylizer

DESCRIPTION = "AdaIN (decoder.pth and vgg_normalised.pth together)"


def matches(files: Mapping[str, Arrays]) -> bool:
    """Whether files are of this network: both, or one of the two."""
    return all(_encodes(arrays) or _decodes(arrays) for arrays in files.values())


def convert(files: Mapping[str, Arrays]) -> Stylizer:
    """The network of both files, in any order.

    Raises:
      WeightsError: one of them is missing, or parts of one.
    """
    encoders, decoders = (
        [arrays for arrays in files.values() if kind(arrays)]
        for kind in (_encodes, _decodes)
    )
    if (len(encoders), len(decoders)) != (1, 1):
        raise WeightsError(
            "AdaIN is two files: give vgg_normalised.pth and decoder.pth"
        )
    encoder, decoder = encoders[0], decoders[0]
    keys = [f"{number}.weight" for number in (2, 9, 16, 29)]
    if missing := [key for key in keys if key not in encoder]:
        raise WeightsError(f"{missing[0]!r} is missing in vgg_normalised.pth")
    one, two, three, four = (len(encoder[key]) for key in keys)
    made = AdaIN((one, two, three, four))
    found = _counted(encoder, made.encoder, 2) | _counted(decoder, made.decoder, 1)
    if unknown := [key for key in decoder if key not in _names(made.decoder, 1)]:
        raise WeightsError(f"decoder.pth has {unknown[0]!r:.60}, which AdaIN's has not")
    return Stylizer(made, _with_first(found, encoder), "pytorch-AdaIN")


def _encodes(arrays: Arrays) -> bool:
    return _shape(arrays, "0.weight") == (3, 3, 1, 1) and "29.weight" in arrays


def _decodes(arrays: Arrays) -> bool:
    last = _shape(arrays, "28.weight")
    return last[:1] == (3,) and "0.weight" not in arrays and "1.weight" in arrays


def _shape(arrays: Arrays, key: str) -> tuple[int, ...]:
    return arrays[key].shape if key in arrays else ()


def _names(layers: Sequence[Layer], first: int) -> dict[str, str]:
    """Keys of the file -> our own.

    Padding, convolution and ReLU are three modules a layer; pooling, or enlarging,
    stands between a ReLU and the padding of the next.
    """
    names, place = {}, first
    for layer in layers:
        place += layer.pool or layer.upsample
        names[f"{place}.weight"] = f"{layer.name}/kernel"
        names[f"{place}.bias"] = f"{layer.name}/bias"
        place += 3
    return names


def _counted(
    arrays: Arrays, layers: Sequence[Layer], first: int
) -> dict[str, np.ndarray]:
    found = {}
    for key, name in _names(layers, first).items():
        if key not in arrays:
            raise WeightsError(f"{key!r} is missing: {name}")
        array = arrays[key]
        found[name] = array.transpose(2, 3, 1, 0) if array.ndim == 4 else array
    return found


def _with_first(found: Mapping[str, np.ndarray], encoder: Arrays) -> Arrays:
    """Folds the 1x1 convolution into the first kernel and its bias."""
    name = "encoder/conv1_1"
    kernel, bias = found[f"{name}/kernel"], found[f"{name}/bias"]
    ahead, shift = encoder["0.weight"], encoder.get("0.bias")
    fits = kernel.ndim == 4 and kernel.shape[2] == 3 and kernel.shape[3:] == bias.shape
    if shift is None or shift.shape != (3,) or not fits:
        raise WeightsError("the first two layers of vgg_normalised.pth don't fit")
    exact = kernel.astype(np.float64)
    added = np.einsum("hwio,i->o", exact, shift.astype(np.float64))
    mixed = np.einsum("hwmo,mi->hwio", exact, ahead[..., 0, 0].astype(np.float64))
    return {
        **found,
        f"{name}/kernel": mixed.astype(np.float32),
        f"{name}/bias": (bias + added).astype(np.float32),
    }
