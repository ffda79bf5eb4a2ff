"""The preconditioner of L-BFGS: large shapes first.

A loss of network activations sees a picture's coarse structure through few pixels of
gradient, as it sees its grain; per pixel, coarse structure is thus moved too little.
Optimising wavelet or Fourier coefficients of decaying scale instead of pixels mends
that (Olah et al. 2017, "Feature Visualization", distill.pub, on preconditioning). The
same is had without a change of coordinates by starting the inverse Hessian from an
operator that passes coarse structure on stronger: this one.
"""

import jax
import jax.numpy as jnp
from jax import lax

_LEVELS = 6


def multiscale(image: jax.Array) -> jax.Array:
    """Adds to an image its smoothed versions, the coarser the stronger.

    `sum over k of 2^k U^k D^k image`, where D halves the size with the binomial filter
    (1, 3, 3, 1) / 8 each way and U is its transpose, scaled to keep constants: linear,
    symmetric and positive definite. Around the image are zeros, and none of its parts
    gets lost in them, so that padding it with zeros changes nothing within.

    Args:
      image: `[h, w, c]`.

    Returns:
      `[h, w, c]`; a constant comes out 2^7 - 1 times as large, away from the edges.
    """
    return _from_level(image, _LEVELS)


def _from_level(image: jax.Array, levels: int) -> jax.Array:
    if not levels:
        return image
    half, enlarge = _halved(image), jax.linear_transpose(_halved, image)
    (coarser,) = enlarge(_from_level(half, levels - 1))
    return image + 2 * 4 * coarser


def _halved(image: jax.Array) -> jax.Array:
    """Both sides n become n // 2 + 1: every pixel that an image pixel takes part in."""
    for axis in (0, 1):
        count = image.shape[axis] // 2 + 1
        margins = [(0, 0, 0)] * 3
        margins[axis] = (1, 2 * count + 1 - image.shape[axis], 0)
        padded = lax.pad(image, jnp.zeros((), image.dtype), margins)
        parts = [
            lax.slice_in_dim(padded, i, i + 2 * count - 1, 2, axis) for i in range(4)
        ]
        image = (parts[0] + 3 * parts[1] + 3 * parts[2] + parts[3]) / 8
    return image
