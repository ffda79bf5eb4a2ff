"""VGG-16 and VGG-19 (Simonyan & Zisserman 2014, arXiv:1409.1556), convolutions only."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from nst_jax.networks import layers
from nst_jax.networks.tables import NetworkTable


class VGG(nnx.Module):
    """A frozen VGG: 3x3 convolutions with ReLU in five blocks, 2x2 pooling after each.

    Taps are `convB_I` (before the ReLU), `reluB_I` (after it) and `poolB`, for block B
    and convolution I in it. An instance is a pytree of its weights: pass it to jitted
    functions as an argument.

    Attributes:
      table: names and shapes of the layers, and the preprocessing.
      pooling: "max" or "avg".
      convolutions: the layers by name.
    """

    def __init__(
        self,
        table: NetworkTable,
        weights: Mapping[str, Any],
        *,
        pooling: str = "max",
        dtype: Any = jnp.float32,
    ):
        """Builds the network around `weights`, which must have `table.shapes`.

        Args:
          table: the network to build.
          weights: arrays by key, `{"conv1_1/kernel": [3, 3, 3, 64], ...}`.
          pooling: "max" or "avg".
          dtype: of weights and activations.
        """
        self.table = table
        self.pooling = pooling
        self.convolutions = nnx.Dict(
            {
                layer.name: layers.FrozenConvolution(
                    weights[f"{layer.name}/kernel"],
                    weights[f"{layer.name}/bias"],
                    dtype=dtype,
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
        """Activations by name up to the deepest of `taps`, more than those asked for.

        Args:
          inputs: preprocessed images, `[b, h, w, 3]`.
          taps: names of `tap_names(table)`.
          extents: `[b, 2]` int32, see `registry.extract`.

        Returns:
          `{tap: [b, h', w', c]}`.
        """
        wanted = set(taps)
        found: dict[str, jax.Array] = {}
        x = inputs
        for name in tap_names(self.table):
            if wanted <= found.keys():
                break
            x = self._layer(name)(x)
            if extents is not None:
                extents = extents // 2 if name.startswith("pool") else extents
                x = layers.confine(x, extents)
            found[name] = x
        return found

    def prepare(self, taps: Collection[str]) -> None:
        """Makes ready on a CPU what computes `taps` faster; see `registry.prepare`."""
        names = tap_names(self.table)
        depth = max((names.index(tap) + 1 for tap in taps), default=0)
        for name in names[:depth]:
            if name in self.convolutions:
                self.convolutions[name].prepare()

    def _layer(self, name: str) -> Callable[[jax.Array], jax.Array]:
        if name in self.convolutions:
            return self.convolutions[name]
        if name.startswith("relu"):
            return nnx.relu
        return layers.POOLINGS[self.pooling]


def tap_names(table: NetworkTable) -> tuple[str, ...]:
    """Every tap of a VGG from the image up: `("conv1_1", "relu1_1", ..., "pool5")`."""
    names: list[str] = []
    for layer in table.convolutions:
        index = layer.name.removeprefix("conv")
        if names and names[-1][4] != index[0]:
            names.append(f"pool{names[-1][4]}")
        names += [layer.name, f"relu{index}"]
    return (*names, "pool5")
