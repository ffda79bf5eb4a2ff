"""One-dimensional optimal transport: weighted values in order."""

import jax
import jax.numpy as jnp
import numpy as np


def quantiles(values: jax.Array, weight: jax.Array, levels: int) -> jax.Array:
    """Means of the values between one quantile and the next.

    `levels * integral of F^-1 from k / levels to (k + 1) / levels`, of the quantile
    function F^-1 that steps from value to value: every value has its part, and
    differences of two sets' give their transport (Villani 2003, theorem 2.18), exactly
    where a level never lies within a step.

    Args:
      values: `[..., n]`, in any order.
      weight: `[..., n]` or of a shape that becomes that; 0 or more. If all are 0, so
        are the quantiles.
      levels: how many.

    Returns:
      `[..., levels]`, rising.
    """
    order = jnp.argsort(jax.lax.stop_gradient(values), axis=-1)
    weight = jnp.broadcast_to(weight, values.shape).astype(values.dtype)
    total = jnp.sum(weight, axis=-1, keepdims=True)
    weight = weight / jnp.where(total > 0, total, 1)
    values, weight = (jnp.take_along_axis(x, order, -1) for x in (values, weight))
    edges = jnp.asarray(np.arange(levels + 1) / levels, values.dtype)

    def of_one(values: jax.Array, weight: jax.Array) -> jax.Array:
        until, area = (
            jnp.concatenate([jnp.zeros_like(x[:1]), jnp.cumsum(x)])
            for x in (weight, weight * values)
        )
        return levels * jnp.diff(jnp.interp(edges, until, area))

    flat = (x.reshape(-1, x.shape[-1]) for x in (values, weight))
    return jax.vmap(of_one)(*flat).reshape(*values.shape[:-1], levels)
