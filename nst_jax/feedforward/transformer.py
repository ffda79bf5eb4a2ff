"""The image transformation network that a table describes, as a Flax module."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from nst_jax.feedforward import layers
from weights_convert.architectures.transformer import Block, Transformer

_MULTIPLE = 4  # Pixels that the smallest features stand for.

Statistics = tuple[jax.Array, jax.Array]
"""Mean and variance of each channel, `[b, c]`."""


class TransformerNetwork(nnx.Module):
    """One pass from a photo to a painted one (Johnson et al. 2016).

    An instance is a pytree of its weights, which can be trained.

    Attributes:
      architecture: what it is.
      blocks: the arrays of each layer, by its name.
    """

    def __init__(
        self,
        architecture: Transformer,
        arrays: Mapping[str, Any],
        *,
        dtype: Any = jnp.float32,
    ):
        """Takes arrays by the keys of `architecture.shapes`.

        Args:
          architecture: what it is.
          arrays: as there.
          dtype: of kernels and features; scales, offsets and statistics are float32.
        """
        self.architecture = architecture
        self.blocks = nnx.Dict(
            {
                layer.name: nnx.Dict(
                    {
                        key.removeprefix(f"{layer.name}/").replace("/", "_"): nnx.Param(
                            jnp.asarray(
                                array, dtype if key.endswith("/kernel") else None
                            )
                        )
                        for key, array in arrays.items()
                        if key.startswith(f"{layer.name}/")
                    }
                )
                for layer in architecture.layers
            }
        )

    def __call__(
        self,
        images: jax.Array,
        style: jax.Array | None = None,
        *,
        statistics: Callable[[str, Statistics], Statistics] | None = None,
        confined: bool = True,
    ) -> jax.Array:
        """Painted pictures of the size of the photos.

        Sizes that aren't multiples of 4 are reflected up to one, and cropped after.

        Args:
          images: `[b, h, w, 3]`, sRGB in [0, 1], 16 pixels a side or more.
          style: `[b, styles]` float32: shares of a conditional network's styles, which
            sum to 1; the style's vector of an adaptive one; None of others.
          statistics: what each layer, by name, is normalised with, in place of its own.
          confined: to [0, 1]. Training isn't: what lies beyond has no gradient there.

        Returns:
          `[b, h, w, 3]` float32, sRGB in [0, 1], or around it.
        """
        height, width = images.shape[1:3]
        below, right = -height % _MULTIPLE, -width % _MULTIPLE
        whole = jnp.pad(images, ((0, 0), (0, below), (0, right), (0, 0)), "reflect")
        values = entering = self.entered(whole)
        for layer in self.architecture.layers:
            if layer.place == 1:
                entering = values
            block = self.blocks[layer.name]
            values = convolved(self.architecture, layer, block, values)
            used = layers.moments(values) if layer.norm else None
            if used is not None and statistics:
                used = statistics(layer.name, used)
            values = normalized(self.architecture, layer, block, values, used, style)
            if layer.place == 2:
                values = values + entering
        whole = self.shown(values)[:, :height, :width]
        return jnp.clip(whole, 0, 1) if confined else whole

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays, by the keys of `architecture.shapes`, float32."""
        names = {key: key.split("/", 1) for key in self.architecture.shapes}
        return {
            key: np.asarray(self.blocks[layer][part.replace("/", "_")][...], np.float32)
            for key, (layer, part) in names.items()
        }

    def entered(self, images: jax.Array) -> jax.Array:
        """Pictures `[b, h, w, 3]` in [0, 1] as the first layer takes them."""
        ordered = images if self.architecture.channels == "rgb" else images[..., ::-1]
        return ordered * self.architecture.white

    def shown(self, values: jax.Array) -> jax.Array:
        """What the last layer gives as pictures, float32 in [0, 1], or around it."""
        values = values.astype(jnp.float32)
        match self.architecture.output:
            case "tanh":
                painted = (150 * jnp.tanh(values) + 127.5) / 255
            case "sigmoid":
                painted = jax.nn.sigmoid(values)
            case _:
                painted = values / self.architecture.white
        if self.architecture.channels == "bgr":
            painted = painted[..., ::-1]
        return painted


def convolved(
    how: Transformer,
    layer: Block,
    block: Mapping[str, Any],
    values: jax.Array,
    extents: jax.Array | None = None,
) -> jax.Array:
    """What a layer makes of its input, `[b, h', w', c]`, before normalisation.

    Args:
      how: the network's architecture.
      layer: one of it.
      block: its arrays, of `TransformerNetwork.blocks`.
      values: `[b, h, w, c]`.
      extents: `[b, 2]`, heights and widths, where padding is to be of what is within
        these; not by zeros.
    """
    kernel = block["kernel"][...]
    values = values.astype(kernel.dtype)
    padded: Any = {"padding": how.padding, "extents": extents}
    if not layer.upsample:
        values = layers.convolve(values, kernel, stride=layer.stride, **padded)
    elif how.upsampling == "nearest":
        values = layers.convolve_enlarged(values, kernel, **padded)
    else:
        values = layers.convolve_transposed(values, kernel)
    if "bias" in block:
        values = values + block["bias"][...].astype(values.dtype)
    return values


def normalized(
    how: Transformer,
    layer: Block,
    block: Mapping[str, Any],
    values: jax.Array,
    used: Statistics | None,
    style: jax.Array | None,
) -> jax.Array:
    """What `convolved` gave, normalised by `used`, and without what the ReLU takes."""
    if layer.norm:
        assert used is not None
        scale, offset = (_part(layer, block, p, style) for p in ("scale", "offset"))
        values = layers.normalize(values, used, scale, offset, how.epsilon)
    return jax.nn.relu(values) if layer.relu else values


def _part(
    layer: Block, block: Mapping[str, Any], part: str, style: jax.Array | None
) -> jax.Array:
    """A layer's scale or offset, `[c]`, or `[b, c]` for the pictures' styles."""
    if layer.norm == "instance":
        return block[part][...]
    assert style is not None, "the network needs a style"
    if layer.norm == "conditional":
        return style @ block[part][...]
    return style @ block[f"{part}_kernel"][...] + block[f"{part}_bias"][...]
