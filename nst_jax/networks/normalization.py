"""Local response normalisation (Krizhevsky et al. 2012, section 3.3)."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
from jax import lax


def local_response_norm(
    images: jax.Array, *, size: int, alpha: float, beta: float, k: float
) -> jax.Array:
    """Each value over `(k + alpha / size * sum of squares)^beta`, `[b, h, w, c]`.

    The sum is over `size` channels around the value's own, those beyond the first and
    last being zero. Caffe's form: the paper doesn't divide alpha by the size. The
    gradient is written out; derived by JAX it takes 50 times as long in a loop on a
    CPU.
    """
    how = _Norm(size, alpha / size, beta, k)
    return _normalize(images.astype(jnp.float32), how).astype(images.dtype)


@dataclasses.dataclass(frozen=True)
class _Norm:
    size: int
    alpha: float  # of one square
    beta: float
    k: float


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def _normalize(images: jax.Array, how: _Norm) -> jax.Array:
    return images * _power(_scale(images, how), how.beta)


def _normalize_forward(
    images: jax.Array, how: _Norm
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    scale = _scale(images, how)
    return images * _power(scale, how.beta), (images, scale)


def _normalize_backward(
    how: _Norm, residuals: tuple[jax.Array, jax.Array], cotangent: jax.Array
) -> tuple[jax.Array]:
    images, scale = residuals
    power = _power(scale, how.beta)
    # A value counts in the scales of the channels around it, seen from their side.
    through = _sum_around(cotangent * images * power / scale, how.size, mirrored=True)
    return (cotangent * power - 2 * how.alpha * how.beta * images * through,)


_normalize.defvjp(_normalize_forward, _normalize_backward)


def _scale(images: jax.Array, how: _Norm) -> jax.Array:
    return how.k + how.alpha * _sum_around(jnp.square(images), how.size)


def _power(scale: jax.Array, beta: float) -> jax.Array:
    """`scale^-beta`; by roots, which are fast, for the networks' 3/4."""
    if beta == 0.75:
        root = lax.rsqrt(scale)
        return root * jnp.sqrt(root)
    return scale**-beta


def _sum_around(values: jax.Array, size: int, *, mirrored: bool = False) -> jax.Array:
    """Sums over `size` channels; of an even number one more lies after the middle."""
    channels = values.shape[-1]
    before = size // 2 if mirrored else (size - 1) // 2
    around = ((0, 0), (0, 0), (0, 0), (before, size - 1 - before))
    padded = jnp.pad(values, around)
    return sum(
        (padded[..., start : start + channels] for start in range(1, size)),
        start=padded[..., :channels],
    )
