"""The nearest of many features by the angle between them, whatever their number."""

from typing import Any

import jax
import jax.numpy as jnp

from nst_jax.losses.cosine import unit

_ROWS, _COLUMNS = 2**11, 2**13
"""Products that are held at once: 64 MB of float32."""


def centred(features: jax.Array, mean: jax.Array) -> jax.Array:
    """Features `[..., c]` less a mean `[c]`, of length 1."""
    return unit(features - mean)


def mean_of(features: jax.Array, weight: jax.Array) -> jax.Array:
    """The mean `[c]` of features `[n, c]` that count `[n]`; 0 of none."""
    total = jnp.sum(weight)
    return summed(features, weight) / jnp.where(total > 0, total, 1)


def summed(features: jax.Array, weight: jax.Array) -> jax.Array:
    """The sum `[c]` of features `[n, c]` that count `[n]`, in full float32."""
    return jnp.matmul(weight, features, precision="highest")


def nearest(
    units: jax.Array, others: jax.Array, weight: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Of each vector the other one at the least angle; without a gradient.

    In blocks, so that memory doesn't grow with the number of pairs. Products are of
    bfloat16 numbers on accelerators, which are summed in float32, of float32 on CPUs.

    Args:
      units: `[n, c]` of length 1.
      others: `[m, c]` of length 1.
      weight: `[m]`, 0 of those that can't be chosen.

    Returns:
      Places `[n]` int32 among the others, of equal ones the first; the cosines `[n]`,
      minus infinity where none can be chosen.
    """
    units, others, weight = map(jax.lax.stop_gradient, (units, others, weight))
    count = len(units)
    rows, columns = min(_ROWS, count), min(_COLUMNS, len(others))
    queries = _blocks(units, rows)
    blocks = _blocks(others, columns), _blocks(weight, columns)

    def of_rows(query: jax.Array) -> tuple[jax.Array, jax.Array]:
        def step(best: Any, block: Any) -> tuple[Any, None]:
            place, cosine, first = best
            found, there = _most(_cosines(query, block[0]), block[1])
            better = there > cosine
            place = jnp.where(better, found + first, place)
            return (place, jnp.maximum(there, cosine), first + columns), None

        none = jnp.zeros(rows, jnp.int32), jnp.full(rows, -jnp.inf, query.dtype)
        (place, cosine, _), _ = jax.lax.scan(step, (*none, jnp.int32(0)), blocks)
        return place, cosine

    place, cosine = jax.lax.map(of_rows, queries)
    return place.reshape(-1)[:count], cosine.reshape(-1)[:count]


def _blocks(values: jax.Array, size: int) -> jax.Array:
    """`[n, ...]` -> `[blocks, size, ...]`, zeros at the end."""
    lacking = -len(values) % size
    padded = jnp.pad(values, [(0, lacking), *[(0, 0)] * (values.ndim - 1)])
    return padded.reshape(-1, size, *values.shape[1:])


def _cosines(units: jax.Array, others: jax.Array) -> jax.Array:
    """`[n, c]` and `[m, c]` -> `[n, m]`."""

    def exact(a: jax.Array, b: jax.Array) -> jax.Array:
        return jnp.matmul(a, b.T, precision="highest")

    def quick(a: jax.Array, b: jax.Array) -> jax.Array:
        small = a.astype(jnp.bfloat16), b.T.astype(jnp.bfloat16)
        return jnp.matmul(*small, preferred_element_type=jnp.float32).astype(a.dtype)

    found: jax.Array = jax.lax.platform_dependent(
        units, others, cpu=exact, default=quick
    )
    return found


def _most(cosines: jax.Array, weight: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Of each row the first place of the largest that counts, and that.

    As `jnp.argmax`, whose loop isn't vectorised on CPUs.
    """
    cosines = jnp.where(weight > 0, cosines, -jnp.inf)
    most = jnp.max(cosines, axis=1)
    places = jax.lax.broadcasted_iota(jnp.int32, cosines.shape, 1)
    last = cosines.shape[1] - 1
    at = jnp.min(jnp.where(cosines == most[:, None], places, last), axis=1)
    return at, most
