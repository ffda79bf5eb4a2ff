"""Local response normalisation (Krizhevsky et al. 2012, section 3.3)."""

import jax
import jax.numpy as jnp


def local_response_norm(
    images: jax.Array, *, size: int, alpha: float, beta: float, k: float
) -> jax.Array:
    """Each value over `(k + alpha / size * sum of squares)^beta`, `[b, h, w, c]`.

    The sum is over `size` channels around the value's own, those beyond the first and
    last being zero. Caffe's form: the paper doesn't divide alpha by the size.
    """
    values = images.astype(jnp.float32)
    channels, before = images.shape[-1], (size - 1) // 2
    around = ((0, 0), (0, 0), (0, 0), (before, size - 1 - before))
    squares = jnp.pad(jnp.square(values), around)
    total = sum(
        (squares[..., start : start + channels] for start in range(1, size)),
        start=squares[..., :channels],
    )
    return (values * (k + alpha / size * total) ** -beta).astype(images.dtype)
