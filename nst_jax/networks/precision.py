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
      on_cpu: what it is on CPUs; None: the same.
    """

    dtype: Any
    products: str = "float32"
    on_cpu: "Precision | None" = None

    def here(self) -> "Precision":
        """What it is on the device that programs are made for."""
        return self if suited.rounded_products() else self.on_cpu or self


FLOAT32 = Precision(jnp.float32)
TF32 = Precision(jnp.float32, "tensorfloat32", on_cpu=FLOAT32)
BFLOAT16 = Precision(jnp.bfloat16)
AUTO = Precision(jnp.bfloat16, on_cpu=FLOAT32)
