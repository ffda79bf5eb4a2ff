"""MobileNet-v2 that tells the style of a painting in numbers, as a Flax module."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax

from weights_convert.architectures.mobilenet import Layer, Predictor


class PredictorNetwork(nnx.Module):
    """The style vector of paintings (Ghiasi et al. 2017, section 3.2).

    Attributes:
      architecture: what it is.
      weights: its arrays, by the keys of `architecture.shapes`.
    """

    def __init__(self, architecture: Predictor, arrays: Mapping[str, Any]):
        """Takes arrays by the keys of `architecture.shapes`."""
        self.architecture = architecture
        self.weights = nnx.Dict(
            {key: nnx.Param(jnp.asarray(array)) for key, array in arrays.items()}
        )

    def __call__(self, paintings: jax.Array) -> jax.Array:
        """`[b, size, size, 3]`, sRGB in [0, 1] -> `[b, outputs]`."""
        values = entering = paintings
        *convolutional, last = self.architecture.layers
        for layer in convolutional:
            if layer.enters:
                entering = values
            values = self._apply(layer, values)
            if layer.adds:
                values = values + entering
        return self._apply(last, jnp.mean(values, (1, 2), keepdims=True))[:, 0, 0]

    def _apply(self, layer: Layer, values: jax.Array) -> jax.Array:
        values = lax.conv_general_dilated(
            values,
            self.weights[f"{layer.name}/kernel"][...],
            (layer.stride, layer.stride),
            "SAME",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=layer.inputs if layer.depthwise else 1,
        )
        values = values + self.weights[f"{layer.name}/bias"][...]
        return jnp.clip(values, 0, 6) if layer.relu6 else values
