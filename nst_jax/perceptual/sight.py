"""How pictures are shown to a network."""

import dataclasses
from collections.abc import Collection
from typing import Any

import jax

from nst_jax.losses.view import View
from nst_jax.networks.borders import Border
from nst_jax.networks.network import Look, Network


@dataclasses.dataclass(frozen=True)
class Sight:
    """How pictures are shown to a network.

    Attributes:
      products: the arithmetic of float32 arrays, as `Precision` has it.
      gain: times the image, before the network's preprocessing.
      border: what the network's convolutions see beyond a picture.
    """

    products: Any
    gain: float
    border: Border

    def __call__(
        self,
        network: Network,
        images: jax.Array,
        extents: jax.Array | None,
        taps: Collection[str],
        look: Look | None = None,
    ) -> dict[str, View]:
        """The views of images `[n, h, w, 3]` at taps; see `Network`."""
        with self.arithmetic():
            seen = self.gain * images if self.gain != 1 else images
            return network(seen, taps, extents, self.border, look)

    def arithmetic(self) -> Any:
        """The context in which products of float32 arrays have this precision."""
        return jax.default_matmul_precision(self.products)
