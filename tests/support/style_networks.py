"""Style networks of a few channels, and their arrays as other systems name them."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from weights_convert.architectures.adain import AdaIN
from weights_convert.architectures.microast import MicroAST
from weights_convert.architectures.transformer import (
    LENGSTROM,
    MAGENTA_SMALL,
    MULTISTYLE,
    Transformer,
)

_FEW: dict[str, Any] = {"contract": (2, 3, 4), "blocks": 1, "expand": (3, 2)}

EXAMPLES = Transformer(**_FEW)
NETWORKS: Mapping[str, Any] = {
    "pytorch/examples": EXAMPLES,
    "lengstrom": dataclasses.replace(LENGSTROM, **_FEW),
    "conditional": dataclasses.replace(MULTISTYLE, **_FEW, styles=3),
    "adaptive": dataclasses.replace(MAGENTA_SMALL, **_FEW, styles=5),
    "bgr": dataclasses.replace(EXAMPLES, channels="bgr", contract_norm=False),
    "adain": AdaIN((2, 3, 4, 5)),
    "microast": MicroAST(2),
}
"""Every way in which a style network may differ, by what it stands for."""


_LAST = ("last/bias", "decoder/last/bias", "decoder/conv1_1/bias")


def arrays_of(architecture: Any, seed: int = 0) -> dict[str, np.ndarray]:
    """Seeded arrays by the keys of an architecture.

    What enters a layer keeps its variance; what leaves the last is grey, about.
    """
    rng = np.random.default_rng(seed)
    found = {}
    for key, shape in architecture.shapes.items():
        if key.endswith("kernel"):
            array = rng.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape)
        else:
            array = rng.normal("scale" in key, 0.2, shape)
        if key in _LAST:
            array = array + 0.5 * getattr(architecture, "white", 1)
        found[key] = array.astype(np.float32)
    return found


def vector_of(architecture: Any, seed: int = 1) -> np.ndarray | None:
    """What says the style, `[n]`: shares of its own ones, or a vector; or None."""
    rng = np.random.default_rng(seed)
    drawn = rng.uniform(0.2, 1, architecture.styles).astype(np.float32)
    known = {"": None, "shares": drawn / drawn.sum(), "vector": drawn}
    return known[architecture.takes]


def oihw(array: np.ndarray) -> np.ndarray:
    return array.transpose(3, 2, 0, 1) if array.ndim == 4 else array


def transformer_net(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """pytorch/examples' state dict of arrays by our keys."""
    parts = {"kernel": "weight", "bias": "bias", "scale": "weight", "offset": "bias"}
    state = {}
    for key, array in arrays.items():
        layer, part = key.split("/")
        convolution = part in ("kernel", "bias")
        if layer.startswith("residual"):
            block, place = layer.removeprefix("residual").split("_")
            module = f"conv{place}.conv2d" if convolution else f"in{place}"
            module = f"res{block}.{module}"
        elif layer.startswith("contract"):
            module = f"conv{layer[-1]}.conv2d" if convolution else f"in{layer[-1]}"
        else:
            number = 3 if layer == "last" else int(layer[-1])
            module = f"deconv{number}.conv2d" if convolution else f"in{number + 3}"
        state[f"{module}.{parts[part]}"] = oihw(array)
    return state


def variables(
    architecture: Transformer, arrays: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """lengstrom's variables of arrays by our keys."""
    found = []
    for layer in architecture.layers:
        kernel = arrays[f"{layer.name}/kernel"]
        found.append(kernel.transpose(0, 1, 3, 2) if layer.upsample else kernel)
        found += [arrays[f"{layer.name}/offset"], arrays[f"{layer.name}/scale"]]
    return {f"Variable_{n}" if n else "Variable": one for n, one in enumerate(found)}


# Modules of the `nn.Sequential`s of pytorch-AdaIN that are convolutions.
ENCODER = (2, 5, 9, 12, 16, 19, 22, 25, 29)
DECODER = (1, 5, 8, 11, 14, 18, 21, 25, 28)
MEAN = np.array([103.939, 116.779, 123.68], np.float32)


def adain_files(
    architecture: AdaIN, arrays: Mapping[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """`vgg_normalised.pth`, before whose layers R, G, B become what the VGG saw, and
    `decoder.pth`."""
    encoder = {
        "0.weight": np.eye(3, dtype=np.float32)[::-1].reshape(3, 3, 1, 1) * 255,
        "0.bias": -MEAN,
    }
    files = encoder, {}
    tables = (architecture.encoder, ENCODER), (architecture.decoder, DECODER)
    for state, (table, modules) in zip(files, tables, strict=True):
        for layer, module in zip(table, modules, strict=True):
            state[f"{module}.weight"] = oihw(arrays[f"{layer.name}/kernel"])
            state[f"{module}.bias"] = arrays[f"{layer.name}/bias"]
    return files


_MICROAST = {
    **{"first": "enc1.0", "down1": "enc1.2", "mix1": "enc1.4", "down2": "enc1.6"},
    **{"mix2": "enc1.8", "residual1_": "enc1.10.conv", "residual2_": "enc2.0.conv"},
}
_MICROAST_DECODER = {
    **{"residual1_": "dec1.conv", "residual2_": "dec2.conv", "up1": "dec3.1"},
    **{"mix1": "dec3.3", "up2": "dec3.6", "mix2": "dec3.8", "last": "dec3.10"},
}


def microast_files(
    arrays: Mapping[str, np.ndarray],
) -> dict[str, dict[str, np.ndarray]]:
    """MicroAST's four files by their published names."""
    files: dict[str, dict[str, np.ndarray]] = {}
    for key, array in arrays.items():
        part, layer, kind = key.split("/")
        file = f"{part}_encoder" if part in ("content", "style") else part
        names = _MICROAST_DECODER if part == "decoder" else _MICROAST
        module = f"{layer}.0"
        if part != "modulator":
            (start,) = (one for one in names if layer.startswith(one))
            module = names[start] + layer.removeprefix(start)
        ending = "weight" if kind == "kernel" else "bias"
        state = files.setdefault(file, {})
        state[f"{module}.conv_layer.{ending}"] = oihw(array)
    return files
