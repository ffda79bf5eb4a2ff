"""The ReLU of frozen networks, whose gradient looks at what it gave."""

import jax
import jax.numpy as jnp
from jax import lax

from nst_jax.devices import suited


@jax.custom_vjp
def relu(values: jax.Array) -> jax.Array:
    """What is above 0, else 0, of any shape.

    The backward pass knows by the result where the values were above 0, so that these
    needn't be kept: on GPUs cuDNN then computes convolution, bias and ReLU as one. On
    CPUs the result is computed once, where XLA would compute it anew for each that
    reads it, and keep the values for that.
    """
    above = jnp.maximum(values, 0)
    return lax.optimization_barrier(above) if suited.barriers() else above


@jax.custom_vjp
def unseen_relu(values: jax.Array) -> jax.Array:
    """`relu` of a layer at which nobody looks but the next one.

    On CPUs a byte is kept of each value for the way back, where the result takes four.
    """
    return relu(values)


def _forward(values: jax.Array) -> tuple[jax.Array, jax.Array]:
    above = relu(values)
    return above, above


def _backward(above: jax.Array, cotangent: jax.Array) -> tuple[jax.Array]:
    # Of `above > 0` XLA makes `values > 0`, and keeps the values.
    return (jnp.where(above != 0, cotangent, 0),)


relu.defvjp(_forward, _backward)


def _unseen_forward(values: jax.Array) -> tuple[jax.Array, jax.Array]:
    above = relu(values)
    if not suited.barriers():
        return above, above
    return above, lax.optimization_barrier(above > 0)


unseen_relu.defvjp(_unseen_forward, _backward)
