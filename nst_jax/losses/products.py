"""Features, and products of them, summed over positions."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from nst_jax.losses.view import View

# On CPUs: numbers of a band of pixels, and how many bands it takes to go by them.
_BAND = 2**18
_BANDS = 16


def products(view: View) -> jax.Array:
    """`F^T diag(w) F`, `[h, w, c]` -> `[c, c]`, summed in float32 at least.

    Gatys et al. 2017, "Controlling Perceptual Factors in Neural Style Transfer", eq. 6,
    with w = T^2.
    """
    # Read here: the backward pass is traced outside of the caller's context.
    precision = jax.config.jax_default_matmul_precision  # type: ignore[attr-defined]
    pixels = view.features.reshape(-1, view.features.shape[-1])
    weight = None if view.weight is None or view.clean else view.weight.reshape(-1, 1)
    return _products(pixels, weight, precision)


def sums(view: View) -> jax.Array:
    """`F^T w`, `[h, w, c]` -> `[c]`, summed in float32 at least.

    Its gradient doesn't fade where the features are 0, so that clean views are weighted
    too.
    """
    wide = jnp.promote_types(view.features.dtype, jnp.float32)
    features = view.features.astype(wide)
    if view.weight is not None:
        features = features * view.weight[..., None].astype(wide)
    return jnp.sum(features, axis=(0, 1))


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _products(pixels: jax.Array, weight: jax.Array | None, precision: Any) -> jax.Array:
    """`[n, c]` and `[n, 1]` -> `[c, c]`, summed in float32 at least."""
    wide = jnp.promote_types(pixels.dtype, jnp.float32)

    def product(pixels: jax.Array, weight: jax.Array | None) -> jax.Array:
        return jnp.matmul(
            _weighted(pixels, weight).T,
            pixels,
            precision=precision,
            preferred_element_type=wide,
        )

    band = max(1, _BAND // max(1, pixels.shape[1]))
    # Rows of a picture that lie on several devices would be gathered by a loop.
    if len(pixels) < _BANDS * band or jax.device_count() > 1:
        return product(pixels, weight)
    return jax.lax.platform_dependent(
        (pixels, weight),
        cpu=lambda both: _in_bands(product, band, *both),
        default=lambda both: product(*both),
    )


def _in_bands(
    product: Callable[[jax.Array, jax.Array | None], jax.Array],
    band: int,
    pixels: jax.Array,
    weight: jax.Array | None,
) -> jax.Array:
    """A product as the sum of those of so many pixels each.

    XLA's products on CPUs take factors that lie by rows: the first one is transposed,
    which takes as long again where it outgrows the caches.
    """
    count = len(pixels) // band

    def added(index: jax.Array, total: jax.Array) -> jax.Array:
        part = jax.tree.map(
            lambda rows: jax.lax.dynamic_slice_in_dim(rows, index * band, band),
            (pixels, weight),
        )
        return total + product(*part)

    last = jax.tree.map(lambda rows: rows[count * band :], (pixels, weight))
    return jax.lax.fori_loop(0, count, added, product(*last))


def _products_forward(
    pixels: jax.Array, weight: jax.Array | None, precision: Any
) -> tuple[jax.Array, tuple[jax.Array, jax.Array | None]]:
    return _products(pixels, weight, precision), (pixels, weight)


def _products_backward(
    precision: Any,
    residuals: tuple[jax.Array, jax.Array | None],
    cotangent: jax.Array,
) -> tuple[jax.Array, jax.Array | None]:
    # Both factors are the same array: one product with the symmetric part, where
    # automatic differentiation makes one for each.
    pixels, weight = residuals
    symmetric = (cotangent + cotangent.T).astype(pixels.dtype)
    gradient = jnp.matmul(pixels, symmetric, precision=precision)
    return _weighted(gradient, weight), jax.tree.map(jnp.zeros_like, weight)


def _weighted(pixels: jax.Array, weight: jax.Array | None) -> jax.Array:
    return pixels if weight is None else pixels * weight.astype(pixels.dtype)


_products.defvjp(_products_forward, _products_backward)
