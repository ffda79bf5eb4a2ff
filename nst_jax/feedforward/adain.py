"""Style transfer by the mean and deviation of features: AdaIN, as Flax modules."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from nst_jax.feedforward import layers
from nst_jax.feedforward.transformer import Statistics
from nst_jax.networks.pooling import Windows, max_pool
from weights_convert.architectures.adain import AdaIN, Layer

_WINDOWS = Windows(ceil=True)


def deviations(images: jax.Array, epsilon: float) -> tuple[jax.Array, jax.Array]:
    """Mean and deviation of each channel, `[b, c]` float32, as pytorch-AdaIN has them.

    The variance is the unbiased one, and `epsilon` is added to it.

    Args:
      images: `[b, h, w, c]`.
      epsilon: above 0.
    """
    mean, variance = unbiased(images)
    return mean, jnp.sqrt(variance + epsilon)


def unbiased(images: jax.Array) -> Statistics:
    """Mean and unbiased variance of each channel, `[b, c]` float32.

    Args:
      images: `[b, h, w, c]`.
    """
    mean, variance = layers.moments(images)
    count = images.shape[1] * images.shape[2]
    return mean, variance * (count / max(count - 1, 1))


def adapted(
    images: jax.Array,
    statistics: Statistics,
    mean: jax.Array,
    deviation: jax.Array,
    epsilon: float,
    strength: Any = 1.0,
) -> jax.Array:
    """Features that have a style's mean and deviation (equation 8), or a part of them.

    Args:
      images: `[b, h, w, c]`.
      statistics: their own mean and variance, `[b, c]`.
      mean: the style's, `[b, c]`.
      deviation: likewise.
      epsilon: added to the variance.
      strength: 1 for all of the style, 0 for none (equation 14).
    """
    found = layers.normalize(images, statistics, deviation, mean, epsilon)
    return images + jnp.asarray(strength, images.dtype) * (found - images)


class AdaINEncoder(nnx.Module):
    """What tells a painting's style: mean and deviation of its relu4_1.

    Attributes:
      architecture: what it is.
      weights: its arrays, by the keys of `architecture.shapes`.
    """

    def __init__(
        self, architecture: AdaIN, arrays: Mapping[str, Any], *, dtype: Any = None
    ):
        """Takes arrays by the keys of `architecture.shapes`; `dtype` of features."""
        self.architecture = architecture
        self.weights = _parameters(architecture.encoder, arrays, dtype)

    def features(self, images: jax.Array) -> jax.Array:
        """`[b, h, w, 3]`, sRGB in [0, 1] -> relu4_1, an eighth of the size."""
        values = images
        for layer in self.architecture.encoder:
            if layer.pool:
                values = max_pool(values, _WINDOWS)
            values = _apply(self.weights, layer, values)
        return values

    def __call__(self, paintings: jax.Array) -> jax.Array:
        """The style's vector: `[b, h, w, 3]`, sRGB in [0, 1] -> `[b, styles]`."""
        found = deviations(self.features(paintings), self.architecture.epsilon)
        return jnp.concatenate(found, axis=-1)


class AdaINNetwork(nnx.Module):
    """One pass from a photo to one in the style of any painting.

    Attributes:
      architecture: what it is.
      encoder: of photos and paintings.
      weights: the decoder's arrays, by the keys of `architecture.shapes`.
    """

    def __init__(
        self,
        architecture: AdaIN,
        arrays: Mapping[str, Any],
        *,
        dtype: Any = jnp.float32,
    ):
        """Takes arrays by the keys of `architecture.shapes`; `dtype` of features."""
        self.architecture = architecture
        self.encoder = AdaINEncoder(architecture, arrays, dtype=dtype)
        self.weights = _parameters(architecture.decoder, arrays, dtype)

    def __call__(
        self,
        images: jax.Array,
        style: jax.Array,
        *,
        statistics: Callable[[str, Statistics], Statistics] | None = None,
        strength: Any = 1.0,
    ) -> jax.Array:
        """Painted pictures of the size of the photos.

        Args:
          images: `[b, h, w, 3]`, sRGB in [0, 1], 16 pixels a side or more.
          style: `[b, styles]`, what the encoder gives of a painting; weighted sums of
            several, of weights that sum to 1, are blends (equation 15).
          statistics: what "adain" is normalised with, in place of its own mean and
            variance.
          strength: of the style in the features, from 0 to 1.

        Returns:
          `[b, h, w, 3]` float32, sRGB in [0, 1].
        """
        values = self.encoder.features(images)
        found = unbiased(values)
        used = statistics("adain", found) if statistics else found
        mean, deviation = jnp.split(style.astype(jnp.float32), 2, axis=-1)
        epsilon = self.architecture.epsilon
        values = adapted(values, used, mean, deviation, epsilon, strength)
        for layer in self.architecture.decoder:
            values = _apply(self.weights, layer, values)
        # Sizes were rounded up in pooling.
        height, width = images.shape[1:3]
        return jnp.clip(values[:, :height, :width].astype(jnp.float32), 0, 1)


def _parameters(
    table: tuple[Layer, ...], arrays: Mapping[str, Any], dtype: Any
) -> nnx.Dict:
    return nnx.Dict(
        {
            f"{layer.name}/{part}": nnx.Param(
                jnp.asarray(
                    arrays[f"{layer.name}/{part}"], dtype if part == "kernel" else None
                )
            )
            for layer in table
            for part in ("kernel", "bias")
        }
    )


def _apply(weights: nnx.Dict, layer: Layer, values: jax.Array) -> jax.Array:
    kernel = weights[f"{layer.name}/kernel"][...]
    values = values.astype(kernel.dtype)
    convolve = layers.convolve_enlarged if layer.upsample else layers.convolve
    values = convolve(values, kernel)
    values = values + weights[f"{layer.name}/bias"][...].astype(values.dtype)
    return jax.nn.relu(values) if layer.relu else values


def build(
    architecture: AdaIN, arrays: Mapping[str, Any], dtype: Any
) -> tuple[AdaINNetwork, AdaINEncoder]:
    """The network, and what of it tells styles."""
    network = AdaINNetwork(architecture, arrays, dtype=dtype)
    return network, network.encoder
