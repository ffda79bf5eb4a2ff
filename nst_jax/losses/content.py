"""The content loss: mean squared difference of activations."""

import jax
import jax.numpy as jnp


def content_loss(features: jax.Array, target: jax.Array) -> jax.Array:
    """Mean squared difference of two activations, a float32 scalar.

    Gatys et al. 2016 ("Image Style Transfer Using Convolutional Neural Networks",
    eq. 1) write half the sum; the mean, which all known systems but the Caffe ones
    use, keeps one weight meaningful at every size.

    Args:
      features: `[h, w, c]`, any float dtype.
      target: `[h, w, c]`.
    """
    wide = jnp.promote_types(features.dtype, jnp.float32)
    difference = features.astype(wide) - target.astype(wide)
    return jnp.mean(jnp.square(difference))
