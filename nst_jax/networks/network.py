"""The frozen network that any table describes, as a Flax module."""

from collections.abc import Collection, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from nst_jax.networks import convolution, pooling
from nst_jax.networks.extents import confine, count_windows
from nst_jax.networks.normalization import local_response_norm
from weights_convert import architectures

POOLINGS = ("max", "avg", "max_ceil", "avg_ceil")


class Network(nnx.Module):
    """A frozen network: the layers of its table, one after the other.

    An instance is a pytree of its weights: pass it to jitted functions as an argument.

    Attributes:
      table: names, kinds and shapes of the layers, and the preprocessing.
      pooling: "max", "avg", "max_ceil" or "avg_ceil".
      convolutions: the layers that have weights, by name.
    """

    def __init__(
        self,
        table: architectures.Architecture,
        weights: Mapping[str, Any],
        *,
        pooling: str = "max",
        dtype: Any = jnp.float32,
    ):
        """Builds the network around `weights`, which must have `table.shapes`.

        Args:
          table: the network to build.
          weights: arrays by key, `{"conv1_1/kernel": [3, 3, 3, 64], ...}`.
          pooling: "max" or "avg" of the table's own windows, all of them, those inside
            of inception modules too (as in fzliu/style-transfer's Caffe models); with
            "_ceil" Caffe's rounding even where the table has none.
          dtype: of weights and activations.

        Raises:
          ValueError: an unknown pooling.
        """
        if pooling not in POOLINGS:
            raise ValueError(
                f"pooling={pooling!r} is not known; choose one of {', '.join(POOLINGS)}"
            )
        self.table = table
        self.pooling = pooling
        self.convolutions = nnx.Dict(
            {
                layer.name: convolution.FrozenConvolution(
                    weights[f"{layer.name}/kernel"],
                    weights[f"{layer.name}/bias"],
                    dtype=dtype,
                    stride=layer.stride,
                    padding=layer.padding,
                    groups=layer.groups,
                )
                for layer in table.convolutions
            }
        )

    def __call__(
        self,
        inputs: jax.Array,
        taps: Collection[str],
        extents: jax.Array | None = None,
    ) -> dict[str, jax.Array]:
        """Activations at `taps`; no layer is computed that doesn't lead to one.

        Args:
          inputs: preprocessed images, `[b, h, w, 3]`.
          taps: names of `table.taps`.
          extents: `[b, 2]` int32, see `registry.extract`.

        Returns:
          `{tap: [b, h', w', c]}`.
        """
        found = {"": (inputs, extents)}
        for layer in self.table.leading_to(taps):
            below = [found[name] for name in self.table.bottoms[layer.name]]
            if isinstance(layer, architectures.Concatenation):
                joined = jnp.concatenate([images for images, _ in below], axis=-1)
                found[layer.name] = joined, below[0][1]
            else:
                found[layer.name] = self._apply(layer, *below[0])
        return {tap: found[tap][0] for tap in taps}

    def prepare(self, taps: Collection[str]) -> None:
        """Makes ready on a CPU what computes `taps` faster; see `registry.prepare`."""
        for layer in self.table.leading_to(taps):
            if isinstance(layer, architectures.Convolution):
                self.convolutions[layer.name].prepare()

    def _apply(
        self, layer: architectures.Layer, images: jax.Array, extents: jax.Array | None
    ) -> tuple[jax.Array, jax.Array | None]:
        """A layer's activations, and the parts of them that belong to each image."""
        match layer:
            case architectures.Convolution():
                images = self.convolutions[layer.name](images)
                if extents is not None:
                    steps = (layer.stride, layer.padding)
                    rows = count_windows(extents[:, 0], layer.height, *steps)
                    columns = count_windows(extents[:, 1], layer.width, *steps)
                    extents = jnp.stack([rows, columns], axis=1)
                    images = confine(images, extents)
            case architectures.Pooling():
                kind, _, rounding = self.pooling.partition("_")
                ceil = layer.ceil or rounding == "ceil"
                windows = pooling.Windows(layer.size, layer.stride, layer.padding, ceil)
                pool = pooling.max_pool if kind == "max" else pooling.average_pool
                images = pool(images, windows, extents)
                if extents is not None:
                    extents = windows.count(extents)
                    images = confine(images, extents)
            # Zeros stay zeros in the others.
            case architectures.Relu():
                images = nnx.relu(images)
            case architectures.LocalResponseNorm():
                images = local_response_norm(
                    images,
                    size=layer.size,
                    alpha=layer.alpha,
                    beta=layer.beta,
                    k=layer.k,
                )
        return images, extents
