"""Networks by XLA's own layers, whose gradients JAX derives: slow, and not ours."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from support.layer_references import window_count
from weights_convert.architectures import (
    Concatenation,
    Convolution,
    LocalResponseNorm,
    Pooling,
    Relu,
)


def activations(architecture, pooling, weights, images, taps):
    """`{tap: [b, h', w', c]}` of images `[b, h, w, 3]` in [0, 1]."""
    colors = architecture.preprocessing
    found = {"": (images - np.float32(colors.mean)) / np.float32(colors.std)}
    for layer in architecture.leading_to(taps):
        seen = [found[bottom] for bottom in architecture.bottoms[layer.name]]
        found[layer.name] = _layer(layer, pooling, weights, *seen)
    return {tap: found[tap] for tap in taps}


def _layer(layer, pooling, weights, images, *more):
    match layer:
        case Convolution():
            around = ((layer.padding, layer.padding),) * 2
            convolved = lax.conv_general_dilated(
                images,
                weights[f"{layer.name}/kernel"],
                (layer.stride, layer.stride),
                around,
                dimension_numbers=("NHWC", "HWIO", "NHWC"),
                feature_group_count=layer.groups,
            )
            return convolved + weights[f"{layer.name}/bias"]
        case Relu():
            return jax.nn.relu(images)
        case Pooling():
            return _pool(layer, pooling, images)
        case LocalResponseNorm():
            before = (layer.size - 1) // 2
            around = ((0, 0),) * 3 + ((before, layer.size - 1 - before),)
            window = (1, 1, 1, layer.size)
            squares = lax.reduce_window(
                images**2, 0.0, lax.add, window, (1, 1, 1, 1), around
            )
            return images / (layer.k + layer.alpha / layer.size * squares) ** layer.beta
        case Concatenation():
            return jnp.concatenate([images, *more], axis=-1)


def _pool(layer, pooling, images):
    ceil = layer.ceil or pooling.endswith("_ceil")
    around = [(0, 0)]
    for length in images.shape[1:3]:
        count = window_count(length, layer.size, layer.stride, layer.padding, ceil)
        reach = (count - 1) * layer.stride + layer.size - layer.padding - length
        around.append((layer.padding, max(reach, 0)))
    around.append((0, 0))
    window = (1, layer.size, layer.size, 1)
    how = (window, (1, layer.stride, layer.stride, 1), around)
    if pooling.startswith("max"):
        return lax.reduce_window(images, -jnp.inf, lax.max, *how)
    # Caffe's: over the image and its padding, not over what windows reach beyond.
    inside = np.pad(
        np.ones((1, *images.shape[1:3], 1), np.float32),
        ((0, 0), *[(layer.padding,) * 2] * 2, (0, 0)),
        constant_values=1,
    )
    beyond = [(0, max(end - layer.padding, 0)) for _, end in around]
    covered = lax.reduce_window(inside, 0.0, lax.add, *how[:2], beyond)
    return lax.reduce_window(images, 0.0, lax.add, *how) / covered
