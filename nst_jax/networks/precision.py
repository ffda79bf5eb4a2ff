"""The arithmetic of networks: what they are stored and multiplied in."""

import dataclasses
from typing import Any

import jax.numpy as jnp

from nst_jax.devices import suited


@dataclasses.dataclass(frozen=True)
class Precision:
    """What a value of `Options.precision` stands for.

    Attributes:
      dtype: of weights and activations.
      products: of float32 arrays, as `jax.default_matmul_precision` takes it. float32
        has to be asked for: JAX's default is TF32 on GPUs, bfloat16 on TPUs. A bfloat16
        network keeps full products for its float32 statistics.
      gradient_dtype: of the products of Winograd's method on the way back, whose sums
        stay float32; None: as the network. Where nothing is gained by it, all is
        float32.
      on_cpu: what it is on CPUs; None: the same.
    """

    dtype: Any
    products: str = "float32"
    gradient_dtype: Any = None
    on_cpu: "Precision | None" = None

    def here(self) -> "Precision":
        """What it is on the device that programs are made for."""
        if self.gradient_dtype is not None:
            return self if suited.rounded_gradients() else FLOAT32
        if self.on_cpu is None or suited.rounded_products():
            return self
        return self.on_cpu.here()


FLOAT32 = Precision(jnp.float32)
TF32 = Precision(jnp.float32, "tensorfloat32", on_cpu=FLOAT32)
BFLOAT16 = Precision(jnp.bfloat16)
BFLOAT16_GRADIENTS = Precision(jnp.float32, gradient_dtype=jnp.bfloat16)
AUTO = Precision(jnp.bfloat16, on_cpu=BFLOAT16_GRADIENTS)
