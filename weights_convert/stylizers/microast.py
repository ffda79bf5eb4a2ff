"""MicroAST's four files (EndyWon/MicroAST): two encoders, a modulator, a decoder.

The encoders have the same names and shapes, so that their files alone don't say which
of them sees the photo; the files' names do: `content_encoder...`, `style_encoder...`.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from weights_convert.architectures.microast import MicroAST
from weights_convert.errors import WeightsError
from weights_convert.stylizers.stylizer import Arrays, Stylizer

DESCRIPTION = "MicroAST (its four .pth.tar together)"

_ENCODER = {
    **{"first": "enc1.0", "down1": "enc1.2", "mix1": "enc1.4", "down2": "enc1.6"},
    **{"mix2": "enc1.8", "residual1_1": "enc1.10.conv1"},
    **{"residual1_2": "enc1.10.conv2"},
    **{"residual2_1": "enc2.0.conv1", "residual2_2": "enc2.0.conv2"},
}
_NAMES = {
    "content": _ENCODER,
    "style": _ENCODER,
    "modulator": {
        f"{signal}{level}": f"{signal}{level}.0"
        for level in (1, 2)
        for signal in ("weight", "bias")
    },
    "decoder": {
        **{f"residual{n}_{m}": f"dec{n}.conv{m}" for n in (1, 2) for m in (1, 2)},
        **{"up1": "dec3.1", "mix1": "dec3.3", "up2": "dec3.6", "mix2": "dec3.8"},
        "last": "dec3.10",
    },
}
_OWN = {
    "encoder": "enc1.0.conv_layer.weight",
    "modulator": "weight1.0.conv_layer.weight",
    "decoder": "dec3.10.conv_layer.weight",
}


def matches(files: Mapping[str, Arrays]) -> bool:
    """Whether all files are of this network."""
    return all(map(_part, files.values()))


def convert(files: Mapping[str, Arrays]) -> Stylizer:
    """The network of its four files.

    Args:
      files: the arrays of each, by the file's path.

    Raises:
      WeightsError: one of them is missing, or parts of one; or the encoders can't be
        told apart.
    """
    parts: dict[str, Arrays] = {}
    for name, arrays in files.items():
        part = _part(arrays)
        if part == "encoder":
            told = [one for one in ("content", "style") if one in Path(name).name]
            part = told[0] if told else ""
        if part in parts or not part:
            raise WeightsError(
                "which file is which can't be told: name MicroAST's as they are"
                " published, content_encoder..., style_encoder..."
            )
        parts[part] = arrays
    if missing := [part for part in _NAMES if part not in parts]:
        raise WeightsError(
            f"MicroAST is four files, content_encoder, style_encoder, modulator and"
            f" decoder; missing: {', '.join(missing)}"
        )
    found: dict[str, np.ndarray] = {}
    for part, arrays in parts.items():
        found |= _named(part, arrays)
    width = len(parts["content"][_OWN["encoder"]])
    return Stylizer(MicroAST(width), found, "MicroAST")


def _part(arrays: Arrays) -> str:
    return next((part for part, key in _OWN.items() if key in arrays), "")


def _named(part: str, arrays: Arrays) -> dict[str, np.ndarray]:
    """A file's arrays by our keys; a key that isn't known keeps its name."""
    keys = {
        f"{theirs}.conv_layer.{kind}": f"{part}/{ours}/{own}"
        for ours, theirs in _NAMES[part].items()
        for kind, own in (("weight", "kernel"), ("bias", "bias"))
    }
    return {
        keys.get(key, f"{part}/{key}"): array.transpose(2, 3, 1, 0)
        if array.ndim == 4
        else array
        for key, array in arrays.items()
    }
