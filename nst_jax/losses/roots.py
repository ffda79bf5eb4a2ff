"""Square roots of symmetric matrices, in forms that can be differentiated."""

from typing import Any

import jax
import jax.numpy as jnp

_FROM_ROUNDING = (
    (8.40934, -24.4582, 17.7942),
    (4.18021, -3.04379, 0.555426),
    (4.07324, -2.9713, 0.547448),
    (3.68979, -2.70673, 0.518309),
    (2.7835, -2.0416, 0.445968),
    (1.99273, -1.36155, 0.376436),
    (1.86638, -1.23201, 0.365643),
    (1.875, -1.25, 0.375),
)
"""Of `a x + b x^3 + c x^5`, one after the other: they take all from 4.78e-4, the root
of what float32 can't tell from 0, to 1 nearer and nearer to 1. Each is the nearest to
1, in the maximum, over where those before it lead to and 1 % beyond, as what lies there
is thrown far out (Amsel, Persson, Musco & Gower 2025, "The Polar Express",
arXiv:2505.16932; coefficients by our own linear program)."""

_FROM_A_100000TH = (
    (8.42957, -24.5365, 17.8553),
    (4.21426, -3.06677, 0.55796),
    (4.21193, -3.06521, 0.557792),
    (4.20205, -3.05853, 0.55705),
    (4.16117, -3.03093, 0.554015),
    (3.99917, -2.92071, 0.541855),
    (3.4649, -2.54777, 0.500869),
    (2.46806, -1.78832, 0.419165),
    (1.90817, -1.27565, 0.368729),
    (1.875, -1.25, 0.375),
)
"""The same from 1e-5 to 1."""


def precision(values: jax.Array) -> float:
    """What a dtype can tell from 1: `eps`."""
    return float(jnp.finfo(values.dtype).eps)


def product(a: jax.Array, b: jax.Array) -> jax.Array:
    """Of matrices, in full float32: coarser products spoil roots."""
    return jnp.matmul(a, b, precision="highest")


@jax.custom_vjp
def root_trace(matrix: jax.Array) -> jax.Array:
    """The trace of the square root of a symmetric matrix `[c, c]`, positive or 0.

    Its gradient is half the inverse root, so that no equation has to be solved. By
    eigenvalues on CPUs, by matrix products elsewhere, where those would take longest.
    """
    return _roots(matrix)[0]


def _roots(matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The trace of the root, and the inverse root, as the device computes them best."""
    found: tuple[jax.Array, jax.Array] = jax.lax.platform_dependent(
        matrix, cpu=roots_by_eigenvalues, default=roots_by_products
    )
    return found


def roots_by_eigenvalues(matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The trace of the root, and the inverse root `[c, c]`.

    Below what float32 can tell from 0 the root goes on straight, as its slope is there.
    """
    values, vectors = jnp.linalg.eigh(matrix)
    tiny = jnp.finfo(values.dtype).tiny
    least = jnp.maximum(precision(values) * values[-1], tiny)
    inverse = jax.lax.rsqrt(jnp.maximum(values, least))
    straight = (values + least) * jax.lax.rsqrt(least) / 2
    roots = jnp.where(values > least, jnp.sqrt(jnp.maximum(values, least)), straight)
    return jnp.sum(roots), product(vectors * inverse, vectors.T)


def roots_by_products(matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The same by 8 coupled iterations of quintic polynomials, 29 products.

    They find the inverse root beside the root (Higham 2008, eq. 6.35, whose polynomial
    is cubic and takes 30 iterations for as much), and diverge where rounding makes an
    eigenvalue negative: all are raised by what float32 can't tell from 0 in products.
    """
    tiny = jnp.finfo(matrix.dtype).tiny
    norm = jnp.maximum(jnp.linalg.norm(matrix), tiny**0.5)
    eye = jnp.eye(len(matrix), dtype=matrix.dtype)
    raised = matrix / norm + 2 * precision(matrix) * eye

    def factor(square: jax.Array, a: Any, b: Any, c: Any) -> jax.Array:
        return a * eye + b * square + c * product(square, square)

    def step(
        both: tuple[jax.Array, jax.Array], row: jax.Array
    ) -> tuple[tuple[jax.Array, jax.Array], None]:
        root, inverse = both
        by = factor(product(inverse, root), *row)
        return (product(root, by), product(by, inverse)), None

    rows = jnp.asarray(_FROM_ROUNDING, matrix.dtype)
    first = factor(raised, *rows[0])  # The inverse begins as the identity.
    (root, inverse), _ = jax.lax.scan(step, (product(raised, first), first), rows[1:-1])
    inverse = product(factor(product(inverse, root), *rows[-1]), inverse)
    return jnp.sum(raised * inverse) * norm**0.5, inverse / norm**0.5


def coupled_roots(
    matrix: jax.Array, norm: jax.Array, iterations: int
) -> tuple[jax.Array, jax.Array]:
    """The square root and its inverse by Newton-Schulz iterations.

    Args:
      matrix: `[c, c]`, symmetric, all eigenvalues above 0.
      norm: its Frobenius norm, or a little less.
      iterations: an eigenvalue of `2.25 ** -iterations` of the norm takes all of them.
    """
    eye = jnp.eye(len(matrix), dtype=matrix.dtype)

    def step(_: int, both: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        root, inverse = both
        toward = (3 * eye - product(inverse, root)) / 2
        return product(root, toward), product(toward, inverse)

    root, inverse = jax.lax.fori_loop(0, iterations, step, (matrix / norm, eye))
    return root * jnp.sqrt(norm), inverse / jnp.sqrt(norm)


@jax.custom_vjp
def nuclear_norm(matrix: jax.Array) -> jax.Array:
    """The sum of the singular values of a matrix `[n, c]`, with n of at most c.

    Its gradient is the matrix with all of them 1, `U V^T` of `U S V^T`. By singular
    values on CPUs, by matrix products elsewhere. Values of less than what the dtype
    tells from 0 of the largest have some other direction.
    """
    return _polar(matrix)[0]


def _polar(matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The sum of the singular values, and the matrix with all of them 1."""
    found: tuple[jax.Array, jax.Array] = jax.lax.platform_dependent(
        matrix, cpu=polar_by_values, default=polar_by_products
    )
    return found


def polar_by_values(matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The sum of the singular values, and `U V^T`, `[n, c]`."""
    left, values, right = jnp.linalg.svd(matrix, full_matrices=False)
    return jnp.sum(values), product(left, right)


def polar_by_products(matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The same by 10 iterations of quintic polynomials (Higham 2008, section 8.3).

    A value of a 100,000th of the norm takes all of them; less than that stays less.
    """
    tiny = jnp.finfo(matrix.dtype).tiny
    norm = jnp.maximum(jnp.linalg.norm(matrix), tiny**0.5)
    eye = jnp.eye(len(matrix), dtype=matrix.dtype)

    def step(turn: jax.Array, row: jax.Array) -> tuple[jax.Array, None]:
        a, b, c = row
        square = product(turn, turn.T)
        return product(a * eye + b * square + c * product(square, square), turn), None

    rows = jnp.asarray(_FROM_A_100000TH, matrix.dtype)
    turn, _ = jax.lax.scan(step, matrix / norm, rows)
    return jnp.sum(turn * matrix), turn


def _nuclear_norm_backward(turn: jax.Array, cotangent: jax.Array) -> tuple[jax.Array]:
    return (cotangent * turn,)


nuclear_norm.defvjp(_polar, _nuclear_norm_backward)


def _root_trace_forward(matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
    return _roots(matrix)


def _root_trace_backward(inverse: jax.Array, cotangent: jax.Array) -> tuple[jax.Array]:
    return (cotangent * (inverse + inverse.T) / 4,)


root_trace.defvjp(_root_trace_forward, _root_trace_backward)
