"""Networks with few channels and seeded weights: every layer, quickly computed."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from nst_jax.options import Options, chosen
from weights_convert import architectures
from weights_convert.architectures import Architecture, Convolution


def tiny_vgg() -> Architecture:
    """VGG-19 in full depth, so that every tap exists, a few channels wide."""
    widths = {"1": 4, "2": 5, "3": 6, "4": 7, "5": 8}
    layers, inputs = [], 3
    for layer in architectures.find("vgg19").convolutions:
        outputs = widths[layer.name.removeprefix("conv")[0]]
        layers.append(Convolution(layer.name, inputs, outputs))
        inputs = outputs
    return Architecture(
        "tiny", "vgg", architectures.CAFFE, architectures.vgg_layers(layers)
    )


def narrow(architecture: Architecture, least: int = 3) -> Architecture:
    """The same layers with a 24th of the channels, and the name "narrow".

    Args:
      architecture: any.
      least: channels of a group that each convolution has at least.
    """
    channels, layers = {"": 3}, []
    for layer in architecture.layers:
        seen = [channels[name] for name in architecture.bottoms[layer.name]]
        outputs = sum(seen)
        if isinstance(layer, Convolution):
            share = layer.outputs // layer.groups // 24
            outputs = layer.groups * max(share, least)
            (inputs,) = seen
            layer = dataclasses.replace(layer, inputs=inputs, outputs=outputs)
        channels[layer.name] = outputs
        layers.append(layer)
    return dataclasses.replace(architecture, name="narrow", layers=tuple(layers))


def random_weights(
    architecture: Architecture, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """He-normal kernels and small biases by stored key, float32."""
    weights = {}
    for key, shape in architecture.shapes.items():
        fan_in = np.prod(shape[:-1]) if key.endswith("kernel") else 10_000
        scale = np.sqrt(2 / fan_in)
        weights[key] = rng.normal(0, scale, shape).astype(np.float32)
    return weights


def built(architecture: Architecture, weights: Mapping[str, Any], **words: str) -> Any:
    """`extract.build` by the words that `Options` has for pooling and precision."""
    from nst_jax.networks import extract

    options = Options(**words)
    meant = {name: chosen(options, name) for name in words}
    return extract.build(architecture, weights, **meant)
