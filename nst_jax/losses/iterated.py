"""The style loss of optimal transport as Crowson computes it, by twelve iterations."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp

from nst_jax.losses.roots import coupled_roots, product
from nst_jax.losses.terms import Sums
from nst_jax.losses.view import View
from nst_jax.losses.wasserstein import blended, gaussian, moments

_ITERATIONS = 12
_ADDED = 1e-4


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Gaussian:
    """What a painting asks for.

    Attributes:
      mean: `[c]`.
      covariance: `[c, c]`, with what is added to it.
      root: its square root.
    """

    mean: jax.Array
    covariance: jax.Array
    root: jax.Array


@dataclasses.dataclass(frozen=True)
class IteratedW2:
    """Squared 2-Wasserstein distance of Gaussians by channel, its root iterated.

    K. Crowson's `style-transfer-pytorch`: the mean of the squared differences of means,
    and of the diagonal of `S + S_s - 2 (S_s^1/2 S S_s^1/2)^1/2`, covariances raised by
    1e-4; roots by 12 coupled Newton-Schulz iterations (Higham 2008, eq. 6.35), their
    gradient by 12 of a Lyapunov equation's (Lin and Maji 2017, "Improved Bilinear
    Pooling with CNNs"). As 12 don't resolve the weak directions, the distance of a
    painting from itself isn't 0, and its gradient asks for less variance: `W2` is
    exact, and the loss to prefer; this one is for that system's pictures.

    The statistic is the sums and products of channels over positions.
    """

    additive: ClassVar[bool] = True

    def statistic(self, view: View) -> Sums:
        """`[h, w, c]` -> sums `[c]` and products `[c, c]`, in float32 at least."""
        return moments(view)

    def distance(self, statistic: Sums, target: Gaussian) -> jax.Array:
        """Of a statistic from a blend; a little other than 0 at the target."""
        mean, covariance = _raised(*gaussian(statistic))
        between = product(product(target.root, covariance), target.root)
        shapes = target.covariance + covariance - 2 * iterated_root(between)
        apart = jnp.mean(jnp.square(mean - target.mean))
        return apart + jnp.mean(jnp.diagonal(shapes))

    def blend(self, targets: Sequence[Sums], shares: Sequence[float]) -> Gaussian:
        """Means of the moments about 0."""
        mean, covariance = _raised(*blended(targets, shares))
        return Gaussian(mean, covariance, iterated_root(covariance))


def _raised(mean: jax.Array, covariance: jax.Array) -> tuple[jax.Array, jax.Array]:
    return mean, covariance + _ADDED * jnp.eye(len(mean), dtype=mean.dtype)


@jax.custom_vjp
def iterated_root(matrix: jax.Array) -> jax.Array:
    """The square root of a symmetric matrix `[c, c]`, above 0, by 12 iterations.

    Of eigenvalues below 6e-5 of the matrix's norm it is too small.
    """
    root, _ = coupled_roots(matrix, jnp.linalg.norm(matrix), _ITERATIONS)
    return root


def _forward(matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
    root = iterated_root(matrix)
    return root, root


def _backward(root: jax.Array, cotangent: jax.Array) -> tuple[jax.Array]:
    norm, eye = jnp.linalg.norm(root), jnp.eye(len(root), dtype=root.dtype)

    def step(_: int, both: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        a, q = both
        rest = 3 * eye - product(a, a)
        turned = product(a.T, product(a.T, q) - product(q, a))
        return product(a, rest) / 2, (product(q, rest) - turned) / 2

    _, q = jax.lax.fori_loop(0, _ITERATIONS, step, (root / norm, cotangent / norm))
    return (q / 2,)


iterated_root.defvjp(_forward, _backward)
