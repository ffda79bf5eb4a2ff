"""The style loss: squared difference of Gram matrices (Gatys et al. 2016, eq. 3-5)."""

import dataclasses
import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp


@dataclasses.dataclass(frozen=True)
class GramScale:
    """How a system scales Gram matrices and their squared difference.

    Attributes:
      per_channel: divide the Gram matrix by the channels too, not by the pixels only.
      loss_factor: times the mean squared difference.
      summed: times the sum of the squared differences instead.
      own_pixels: divide the painting's Gram matrix by its own pixels; otherwise by the
        picture's, however large the painting is.
    """

    per_channel: bool
    loss_factor: float
    summed: bool = False
    own_pixels: bool = True


GRAM_SCALES: Mapping[str, GramScale] = MappingProxyType(
    {
        # G/(C*H*W), mean squared difference: Johnson's neural-style, PyTorch tutorial.
        "chw": GramScale(per_channel=True, loss_factor=1.0),
        # G/(H*W), mean squared difference: Gatys's own notebooks, pastiche.
        "hw": GramScale(per_channel=False, loss_factor=1.0),
        # Sum of squares / (4 N^2 M^2), eq. 4. Each Gram matrix is divided by its own
        # pixel count M, so that a painting of another size than the photo's (which the
        # paper excludes) still asks for the same statistics.
        "paper": GramScale(per_channel=False, loss_factor=0.25),
        # The same by the picture's pixel count alone, as fzliu's style-transfer (Caffe)
        # has it: a larger painting asks for larger statistics.
        "caffe": GramScale(per_channel=False, loss_factor=0.25, own_pixels=False),
        # Sum of squares / (4 M^2): not divided by channels, a Keras exercise of 2019.
        "article": GramScale(per_channel=False, loss_factor=0.25, summed=True),
    }
)


def gram_matrix(features: jax.Array, *, scale: str = "chw") -> jax.Array:
    """Products of channels, averaged over pixels: `[h, w, c]` -> `[c, c]`, float32.

    Gatys et al. 2016, eq. 3, divided by h * w, and by c too where `scale` says so.

    Args:
      features: `[h, w, c]`; bfloat16 activations are summed in float32.
      scale: a name in `GRAM_SCALES`.
    """
    h, w, c = features.shape
    # Read here: the backward pass is traced outside of the caller's context.
    precision = jax.config.jax_default_matmul_precision  # type: ignore[attr-defined]
    products = _products(features.reshape(h * w, c), precision)
    return products / (h * w * (c if GRAM_SCALES[scale].per_channel else 1))


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def _products(pixels: jax.Array, precision: Any) -> jax.Array:
    """`[n, c]` -> `[c, c]`, summed in float32 at least."""
    wide = jnp.promote_types(pixels.dtype, jnp.float32)
    return jnp.matmul(
        pixels.T, pixels, precision=precision, preferred_element_type=wide
    )


def _products_forward(pixels: jax.Array, precision: Any) -> tuple[jax.Array, jax.Array]:
    return _products(pixels, precision), pixels


def _products_backward(
    precision: Any, pixels: jax.Array, cotangent: jax.Array
) -> tuple[jax.Array]:
    # Both factors are the same array: one product with the symmetric part, where
    # automatic differentiation makes one for each.
    symmetric = (cotangent + cotangent.T).astype(pixels.dtype)
    return (jnp.matmul(pixels, symmetric, precision=precision),)


_products.defvjp(_products_forward, _products_backward)


def style_loss(
    features: jax.Array, target: jax.Array, *, scale: str = "chw"
) -> jax.Array:
    """Squared difference between the Gram matrix of `features` and `target`, a scalar.

    Args:
      features: `[h, w, c]`.
      target: `[c, c]`, a `gram_matrix` of the same `scale`.
      scale: a name in `GRAM_SCALES`.
    """
    squared = jnp.square(gram_matrix(features, scale=scale) - target)
    reduce = jnp.sum if GRAM_SCALES[scale].summed else jnp.mean
    return GRAM_SCALES[scale].loss_factor * reduce(squared)
