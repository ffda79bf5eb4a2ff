"""Style transfer of any painting by small networks: MicroAST, as Flax modules."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from nst_jax.feedforward import layers
from nst_jax.feedforward.adain import adapted, deviations, unbiased
from nst_jax.feedforward.transformer import Statistics
from weights_convert.architectures.microast import SIGNALS, Layer, MicroAST


class _Part(nnx.Module):
    """Some layers of the network; arrays by the layers' names."""

    def __init__(self, part: str, table: tuple[Layer, ...], arrays: Any, dtype: Any):
        self.table = table
        self.weights = nnx.Dict(
            {
                f"{layer.name}/{kind}": nnx.Param(
                    jnp.asarray(
                        arrays[f"{part}/{layer.name}/{kind}"],
                        dtype if kind == "kernel" else None,
                    )
                )
                for layer in table
                for kind in ("kernel", "bias")
            }
        )

    def apply(self, layer: Layer, values: jax.Array) -> jax.Array:
        """A convolution and its bias, without what follows."""
        kernel = self.weights[f"{layer.name}/kernel"][...]
        values = values.astype(kernel.dtype)
        if layer.upsample:
            batch, height, width, channels = values.shape
            twice = (batch, 2 * height, 2 * width, channels)
            values = jax.image.resize(values, twice, "linear")
        values = layers.convolve(values, kernel, stride=layer.stride)
        if layer.place:  # What residual blocks add up stays exact.
            values = values.astype(jnp.float32)
        return values + self.weights[f"{layer.name}/bias"][...].astype(values.dtype)


class MicroASTPredictor(nnx.Module):
    """What tells a painting's style: the style encoder and the modulator.

    Attributes:
      architecture: what it is.
      encoder: the layers that look at a painting.
      modulator: the layers that make weights and biases of what it sees.
    """

    def __init__(self, architecture: MicroAST, arrays: Mapping[str, Any]):
        """Takes arrays by the keys of `architecture.shapes`."""
        self.architecture = architecture
        self.encoder = _Part("style", architecture.encoder, arrays, None)
        self.modulator = _Part("modulator", architecture.modulator, arrays, None)

    def __call__(self, paintings: jax.Array) -> jax.Array:
        """The style's vector: `[b, h, w, 3]`, sRGB in [0, 1] -> `[b, styles]`."""
        levels = dict(enumerate(_levels(self.encoder, paintings), 1))
        told: dict[str, jax.Array] = {}
        for level, values in levels.items():
            told[f"mean{level}"], told[f"deviation{level}"] = deviations(
                values, self.architecture.epsilon
            )
        for layer in self.architecture.modulator:
            values = self.modulator.apply(layer, levels[int(layer.name[-1])])
            told[layer.name] = layers.moments(values)[0]
        return jnp.concatenate([told[name] for name in SIGNALS], axis=-1)


class MicroASTNetwork(nnx.Module):
    """One pass from a photo to one in the style of any painting.

    Attributes:
      architecture: what it is.
      encoder: the layers that look at a photo.
      decoder: the layers that paint.
    """

    def __init__(
        self,
        architecture: MicroAST,
        arrays: Mapping[str, Any],
        *,
        dtype: Any = jnp.float32,
    ):
        """Takes arrays by the keys of `architecture.shapes`; `dtype` of features."""
        self.architecture = architecture
        self.encoder = _Part("content", architecture.encoder, arrays, dtype)
        self.decoder = _Part("decoder", architecture.decoder, arrays, dtype)

    def __call__(
        self,
        images: jax.Array,
        style: jax.Array,
        *,
        statistics: Callable[[str, Statistics], Statistics] | None = None,
        strength: Any = 1.0,
    ) -> jax.Array:
        """Painted pictures of the size of the photos.

        Sizes that aren't multiples of 4 are reflected up to one, and cropped after.

        Args:
          images: `[b, h, w, 3]`, sRGB in [0, 1], 16 pixels a side or more.
          style: `[b, styles]`, what the predictor gives of a painting; weighted sums
            of several are blends.
          statistics: what "adain1" and "adain2" are normalised with, in place of their
            own mean and variance.
          strength: of the style in the features, from 0 to 1; what the modulator makes
            of the painting stays, as the authors have it.

        Returns:
          `[b, h, w, 3]` float32, sRGB in [0, 1].
        """
        height, width = images.shape[1:3]
        multiple = self.architecture.multiple
        below, right = -height % multiple, -width % multiple
        whole = jnp.pad(images, ((0, 0), (0, below), (0, right), (0, 0)), "reflect")
        parts = jnp.split(style.astype(jnp.float32), len(SIGNALS), axis=-1)
        told = dict(zip(SIGNALS, parts, strict=True))
        values = entering = _levels(self.encoder, whole)[-1]
        for layer in self.architecture.decoder:
            # The first residual block has the deeper level's style.
            level = 2 if layer.name.startswith("residual1") else 1
            if layer.place == 1:
                found = unbiased(values)
                used = statistics(f"adain{level}", found) if statistics else found
                mean, deviation = told[f"mean{level}"], told[f"deviation{level}"]
                epsilon = self.architecture.epsilon
                values = adapted(values, used, mean, deviation, epsilon, strength)
                entering = values
            if layer.place:
                weight, bias = told[f"weight{level}"], told[f"bias{level}"]
                values = self._modulated(layer, values, weight, bias)
            else:
                values = self.decoder.apply(layer, values)
            values = jax.nn.relu(values) if layer.relu else values
            if layer.place == 2:
                values = values + entering
        painted = values[:, :height, :width].astype(jnp.float32)
        return jnp.clip(painted, 0, 1)

    def _modulated(
        self, layer: Layer, values: jax.Array, weight: jax.Array, bias: jax.Array
    ) -> jax.Array:
        """A layer's output and its input, weighted by channel."""
        convolved = self.decoder.apply(layer, values)
        factor, share = (
            signal[:, None, None].astype(convolved.dtype) for signal in (weight, bias)
        )
        return factor * convolved + share * values


def _levels(encoder: _Part, images: jax.Array) -> list[jax.Array]:
    """What an encoder sees at the end of each of its two residual blocks."""
    values = entering = images
    found = []
    for layer in encoder.table:
        if layer.place == 1:
            entering = values
        values = encoder.apply(layer, values)
        values = jax.nn.relu(values) if layer.relu else values
        if layer.place == 2:
            values = values + entering
            found.append(values)
    return found


def build(
    architecture: MicroAST, arrays: Mapping[str, Any], dtype: Any
) -> tuple[MicroASTNetwork, MicroASTPredictor]:
    """The network, and what tells styles."""
    return (
        MicroASTNetwork(architecture, arrays, dtype=dtype),
        MicroASTPredictor(architecture, arrays),
    )
