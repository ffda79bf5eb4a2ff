"""Absolute values, without the kink at 0."""

import jax
import jax.numpy as jnp


def rounded_off(values: jax.Array, least: jax.Array) -> jax.Array:
    """`|values|` whose slope falls to 0 where they are less than `least`.

    The differences of two pictures that are alike are rounding: their signs would be a
    gradient of noise. It is Huber's loss (1964) divided by `least`: above it `|values|
    - least / 2`, below it `values^2 / (2 least)`.

    Args:
      values: any shape.
      least: 0 or more, of a shape that can be broadcast to theirs.
    """
    some = jnp.where(least > 0, least, 1)
    far = values * jnp.sign(values) - least / 2
    return jnp.where(jnp.abs(values) < least, jnp.square(values) / (2 * some), far)
