"""The style loss of optimal transport between Gaussians of features."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp

from nst_jax.losses import terms
from nst_jax.losses.products import products, sums
from nst_jax.losses.terms import Sums
from nst_jax.losses.view import View

_SMALL = 1e-6  # Of the mean variance: what is added to each.
_ITERATIONS = 30  # 12, as others make, leave a tenth of the distance at the optimum.
_LOST = 1e-7  # Of the largest eigenvalue: what float32 can't tell from 0.


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Moments:
    """A painting's features as a Gaussian.

    Attributes:
      mean: `[c]`.
      root: `[c, c]`, the square root of the covariance and of what is added to it.
      variance: the trace of these.
      added: to each variance.
      second: the second moment, which distances are divided by.
    """

    mean: jax.Array
    root: jax.Array
    variance: jax.Array
    added: jax.Array
    second: jax.Array


@dataclasses.dataclass(frozen=True)
class W2:
    """Squared 2-Wasserstein distance of Gaussians, as a share of the painting's energy.

    `|m - m_s|^2 + tr(S + S_s - 2 (S_s^1/2 S S_s^1/2)^1/2)` (Dowson & Landau 1982) of
    means and covariances over positions, divided by `|m_s|^2 + tr S_s`: so that one set
    of weights suits all networks, taps and paintings. As a style loss: V. Marron 2017
    ("Style transfer as optimal transport") and K. Crowson's `style-transfer-pytorch`,
    which isn't divided.

    The statistic is the sums and products of channels over positions, and their count.
    """

    additive: ClassVar[bool] = True

    def statistic(self, view: View) -> Sums:
        """`[h, w, c]` -> sums `[c]` and products `[c, c]`, in float32 at least."""
        with jax.default_matmul_precision("highest"):
            return Sums({"one": sums(view), "two": products(view)}, view.count)

    def distance(self, statistic: Sums, target: Moments) -> jax.Array:
        """Of a statistic from a blend."""
        mean, covariance = _gaussian(statistic)
        covariance = _raised(covariance, target.added)
        apart = jnp.sum(jnp.square(mean - target.mean))
        between = _product(_product(target.root, covariance), target.root)
        shapes = jnp.trace(covariance) + target.variance
        shapes -= 2 * root_trace((between + between.T) / 2)
        energy = jnp.maximum(target.second, jnp.finfo(jnp.float32).tiny)
        return (apart + jnp.maximum(shapes, 0)) / energy

    def blend(self, targets: Sequence[Sums], shares: Sequence[float]) -> Moments:
        """Means of the moments about 0: those of a picture with a part like each."""
        means = [jax.tree.map(lambda v, n=t.count: v / n, t.values) for t in targets]
        moments = terms.mean(means, shares)
        mean, covariance = _gaussian(Sums(moments, jnp.ones_like(targets[0].count)))
        added = _SMALL * jnp.trace(covariance) / len(mean)
        raised = _raised(covariance, added)
        second = jnp.sum(jnp.square(mean)) + jnp.trace(raised)
        values, vectors = jnp.linalg.eigh(raised)
        root = _product(vectors * jnp.sqrt(jnp.maximum(values, 0)), vectors.T)
        return Moments(mean, root, jnp.trace(raised), added, second)


def _gaussian(statistic: Sums) -> tuple[jax.Array, jax.Array]:
    """Mean `[c]` and covariance `[c, c]`."""
    mean = statistic.values["one"] / statistic.count
    second = statistic.values["two"] / statistic.count
    return mean, second - mean[:, None] * mean


def _raised(covariance: jax.Array, added: jax.Array) -> jax.Array:
    return covariance + added * jnp.eye(len(covariance), dtype=covariance.dtype)


def _product(a: jax.Array, b: jax.Array) -> jax.Array:
    return jnp.matmul(a, b, precision="highest")


@jax.custom_vjp
def root_trace(matrix: jax.Array) -> jax.Array:
    """The trace of the square root of a symmetric matrix `[c, c]`, positive or 0.

    Its gradient is half the inverse root, so that no equation has to be solved: both
    come of the eigenvalues on CPUs, and of one coupled iteration elsewhere (Higham
    2008, "Functions of Matrices", 6.35), which is products alone.
    """
    return _roots(matrix)[0]


def _roots(matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The trace of the root, and the inverse root, 0 where the matrix is."""
    found: tuple[jax.Array, jax.Array] = jax.lax.platform_dependent(
        matrix, cpu=_by_eigenvalues, default=_by_iteration
    )
    return found


def _by_eigenvalues(matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
    values, vectors = jnp.linalg.eigh(matrix)
    seen = values > _LOST * jnp.max(values)
    roots = jnp.sqrt(jnp.where(seen, values, 1))
    inverse = jnp.where(seen, 1 / roots, 0)
    trace = jnp.sum(jnp.sqrt(jnp.maximum(values, 0)))
    return trace, _product(vectors * inverse, vectors.T)


def _by_iteration(matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
    size = jnp.maximum(jnp.linalg.norm(matrix), jnp.finfo(matrix.dtype).tiny)
    one = jnp.eye(len(matrix), dtype=matrix.dtype)

    def step(_: int, both: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        root, inverse = both
        factor = (3 * one - _product(inverse, root)) / 2
        return _product(root, factor), _product(factor, inverse)

    root, inverse = jax.lax.fori_loop(0, _ITERATIONS, step, (matrix / size, one))
    scale = jnp.sqrt(size)
    return scale * jnp.trace(root), inverse / scale


def _root_trace_forward(matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
    return _roots(matrix)


def _root_trace_backward(inverse: jax.Array, cotangent: jax.Array) -> tuple[jax.Array]:
    return (cotangent * (inverse + inverse.T) / 4,)


root_trace.defvjp(_root_trace_forward, _root_trace_backward)
