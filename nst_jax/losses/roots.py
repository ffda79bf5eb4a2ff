"""Square roots of symmetric matrices, in forms that can be differentiated."""

import jax
import jax.numpy as jnp

_ITERATIONS = 30


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
    """The same by 30 coupled Newton-Schulz iterations (Higham 2008, eq. 6.35).

    They find the inverse root beside the root, and diverge where rounding makes an
    eigenvalue negative: all are raised by what float32 can't tell from 0 in products.
    """
    tiny = jnp.finfo(matrix.dtype).tiny
    norm = jnp.maximum(jnp.linalg.norm(matrix), tiny**0.5)
    eye = jnp.eye(len(matrix), dtype=matrix.dtype)
    raised = matrix + 2 * precision(matrix) * norm * eye
    root, inverse = coupled_roots(raised, norm, _ITERATIONS)
    return jnp.trace(root), inverse


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
    """The same by 30 Newton-Schulz iterations (Higham 2008, eq. 8.20).

    A value of `1.5 ** -30` of the norm takes all of them; less than that stays less.
    """
    tiny = jnp.finfo(matrix.dtype).tiny
    norm = jnp.maximum(jnp.linalg.norm(matrix), tiny**0.5)
    eye = jnp.eye(len(matrix), dtype=matrix.dtype)

    def step(_: int, turn: jax.Array) -> jax.Array:
        return product(3 * eye - product(turn, turn.T), turn) / 2

    turn = jax.lax.fori_loop(0, _ITERATIONS, step, matrix / norm)
    return jnp.sum(turn * matrix), turn


def _nuclear_norm_backward(turn: jax.Array, cotangent: jax.Array) -> tuple[jax.Array]:
    return (cotangent * turn,)


nuclear_norm.defvjp(_polar, _nuclear_norm_backward)


def _root_trace_forward(matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
    return _roots(matrix)


def _root_trace_backward(inverse: jax.Array, cotangent: jax.Array) -> tuple[jax.Array]:
    return (cotangent * (inverse + inverse.T) / 4,)


root_trace.defvjp(_root_trace_forward, _root_trace_backward)
