"""The content loss: squared difference of activations."""

import jax
import jax.numpy as jnp

CONTENT_SCALES = ("mean", "half_sum")
"""How a system scales the content loss."""


def content_loss(
    features: jax.Array, target: jax.Array, *, scale: str = "mean"
) -> jax.Array:
    """Squared difference of two activations, a float32 scalar.

    Gatys et al. 2016 ("Image Style Transfer Using Convolutional Neural Networks",
    eq. 1) write half the sum; the mean, which all known systems but the Caffe ones
    use, keeps one weight meaningful at every size.

    Args:
      features: `[h, w, c]`, any float dtype.
      target: `[h, w, c]`.
      scale: "mean" or "half_sum".
    """
    wide = jnp.promote_types(features.dtype, jnp.float32)
    squared = jnp.square(features.astype(wide) - target.astype(wide))
    return jnp.mean(squared) if scale == "mean" else jnp.sum(squared) / 2
