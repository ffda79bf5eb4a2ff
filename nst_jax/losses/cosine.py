"""The cosine distance of features, 1 less the cosine of the angle between two."""

import jax
import jax.numpy as jnp


def unit(features: jax.Array) -> jax.Array:
    """Features `[..., c]` of length 1; those that are 0 stay so, without a gradient."""
    square = jnp.sum(jnp.square(features), axis=-1, keepdims=True)
    some = square > 0
    return jnp.where(some, features * jax.lax.rsqrt(jnp.where(some, square, 1)), 0)


def between(units: jax.Array, others: jax.Array) -> jax.Array:
    """Of every two: `[..., n, c]` and `[..., m, c]` -> `[..., n, m]`, in [0, 2].

    Half the square of the difference, which is 1 less the cosine of units, 0 of two
    that are 0, and a half where one is.
    """
    lengths, of_others = (jnp.sum(jnp.square(x), axis=-1) / 2 for x in (units, others))
    cosines = jnp.einsum("...nc,...mc->...nm", units, others, precision="highest")
    apart = lengths[..., :, None] + of_others[..., None, :] - cosines
    return jnp.maximum(apart, 0)


def pairwise(units: jax.Array, others: jax.Array) -> jax.Array:
    """Of each with its own other: `[..., c]` twice -> `[...]`, in [0, 2]."""
    return jnp.sum(jnp.square(units - others), axis=-1) / 2
