"""L-BFGS with fixed steps, as an optax transformation."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax


class LBFGSState(NamedTuple):
    """State of `scale_by_lbfgs`; n is the number of parameters, m the history.

    Attributes:
      params: `[n]`, where the last gradient was taken.
      gradient: `[n]`, the last gradient.
      direction: `[n]`, the last result, along which the next step is expected.
      updates: made so far.
      pairs: curvature pairs stored so far; pair k lies in row k % m.
      steps: `[m, n]`, differences of successive parameters (s).
      changes: `[m, n]`, differences of successive gradients (y).
      steps_changes: `[m, m]`, products s_i . y_j, for j no older than i.
      changes_changes: `[m, m]`, products y_i . y_j.
      scale: of the identity from which the inverse Hessian is built.
    """

    params: jax.Array
    gradient: jax.Array
    direction: jax.Array
    updates: jax.Array
    pairs: jax.Array
    steps: jax.Array
    changes: jax.Array
    steps_changes: jax.Array
    changes_changes: jax.Array
    scale: jax.Array


def scale_by_lbfgs(history: int = 20) -> optax.GradientTransformation:
    """Multiplies gradients by the L-BFGS approximation of the inverse Hessian.

    Follows `torch.optim.LBFGS` without line search, step for step: the first update is
    the gradient times min(1, 1 / its absolute sum), a pair with s . y <= 1e-10 is
    skipped, the identity is scaled by s . y / y . y of the newest pair. One deviation:
    where the very first pairs are skipped, because the objective curves downwards as it
    often does at a photo, PyTorch steps along the bare gradient and the loss explodes;
    here the first step grows by 4 until a pair is found.

    Where PyTorch (and Nocedal & Wright 2006, algorithm 7.4) makes 4 m passes one after
    the other, this takes the compact form (Byrd, Nocedal & Schnabel 1994, eq. 3.1;
    Nocedal & Wright, eq. 7.24): two matrix products with the history and two m x m
    triangular solves, the same direction in a few large operations.

    Parameters are one array of any shape (a picture), not a tree of arrays. What
    follows in a chain may only scale the result, by one number a step.

    Args:
      history: m, the curvature pairs kept, two arrays of the parameters' size each.

    Raises:
      ValueError: history below 1.
    """
    if history < 1:
        raise ValueError(f"history={history}: L-BFGS keeps at least one pair")

    def init(params: jax.Array) -> LBFGSState:
        flat = jnp.zeros_like(params).reshape(-1)
        rows = jnp.zeros((history, flat.size), flat.dtype)
        products = jnp.zeros((history, history), flat.dtype)
        zero = jnp.zeros((), jnp.int32)
        one = jnp.ones((), flat.dtype)
        return LBFGSState(
            flat, flat, flat, zero, zero, rows, rows, products, products, one
        )

    def update(
        gradient: jax.Array, state: LBFGSState, params: jax.Array | None = None
    ) -> tuple[jax.Array, LBFGSState]:
        if params is None:
            raise ValueError("scale_by_lbfgs.update needs params")
        state, along_steps, along_changes = _remember(
            state, params.reshape(-1), gradient.reshape(-1)
        )
        direction = _direction(state, along_steps, along_changes)
        state = state._replace(direction=direction)
        return direction.reshape(gradient.shape), state

    return optax.GradientTransformation(init, update)


def _products(rows: jax.Array, vectors: jax.Array) -> jax.Array:
    # Full float32: TF32 and bfloat16 products break the curvature.
    return jnp.einsum("mn,kn->mk", rows, vectors, precision=lax.Precision.HIGHEST)


def _step(state: LBFGSState, params: jax.Array) -> jax.Array:
    """The step made since the last update, `[n]`, without the rounding of `params`.

    What comes after `scale_by_lbfgs` scales its result by one number; that number is
    found from the parameters. Their difference itself is wrong by up to an ulp of the
    parameters, percents of a first step, and losses leave PyTorch's.
    """
    exact = lax.Precision.HIGHEST
    squared = jnp.vdot(state.direction, state.direction, precision=exact)
    along = jnp.vdot(params - state.params, state.direction, precision=exact)
    return jnp.where(squared > 0, along / squared, 0) * state.direction


def _remember(
    state: LBFGSState, params: jax.Array, gradient: jax.Array
) -> tuple[LBFGSState, jax.Array, jax.Array]:
    """Stores the new pair; also returns `S g` and `Y g`, each `[m]`."""
    history = state.steps.shape[0]
    step, change = _step(state, params), gradient - state.gradient
    curvature = jnp.vdot(step, change, precision=lax.Precision.HIGHEST)
    keep = (state.updates > 0) & (curvature > 1e-10)
    row = state.pairs % history

    def put(rows: jax.Array, value: jax.Array) -> jax.Array:
        return rows.at[row].set(jnp.where(keep, value, rows[row]))

    steps, changes = put(state.steps, step), put(state.changes, change)
    vectors = jnp.stack([change, gradient])
    with_steps, with_changes = _products(steps, vectors), _products(changes, vectors)
    # s_i . y_new is a new column; y_i . y_new a new row and column.
    steps_changes = put(state.steps_changes.T, with_steps[:, 0]).T
    changes_changes = put(state.changes_changes, with_changes[:, 0])
    changes_changes = put(changes_changes.T, with_changes[:, 0]).T
    return (
        LBFGSState(
            params=params,
            gradient=gradient,
            direction=state.direction,
            updates=optax.safe_increment(state.updates),
            pairs=state.pairs + keep,
            steps=steps,
            changes=changes,
            steps_changes=steps_changes,
            changes_changes=changes_changes,
            scale=_scale(state, keep, gradient, curvature, change),
        ),
        with_steps[:, 1],
        with_changes[:, 1],
    )


def _scale(
    state: LBFGSState,
    keep: jax.Array,
    gradient: jax.Array,
    curvature: jax.Array,
    change: jax.Array,
) -> jax.Array:
    """The scale of the identity after the pair of this step was kept or skipped."""
    first = jnp.minimum(1, 1 / jnp.sum(jnp.abs(gradient)))
    unscaled = jnp.where(state.updates == 0, first, 4 * state.scale)
    fallback = jnp.where(state.pairs == 0, unscaled, state.scale)
    squared = jnp.vdot(change, change, precision=lax.Precision.HIGHEST)
    return jnp.where(keep, curvature / squared, fallback)


def _direction(
    state: LBFGSState, along_steps: jax.Array, along_changes: jax.Array
) -> jax.Array:
    """The inverse Hessian times the newest gradient, `[n]`."""
    history = state.steps.shape[0]
    # The triangular factor wants pairs from the oldest to the newest.
    ages = (state.pairs + jnp.arange(history)) % history
    empty = jnp.diagonal(state.steps_changes)[ages] == 0
    ordered = jnp.ix_(ages, ages)
    upper = jnp.triu(state.steps_changes[ordered]) + jnp.diag(
        empty.astype(state.scale.dtype)
    )
    curvatures = jnp.where(empty, 0, jnp.diagonal(upper))
    inner = jnp.diag(curvatures) + state.scale * state.changes_changes[ordered]

    def solve(matrix: jax.Array, vector: jax.Array, *, lower: bool) -> jax.Array:
        return jax.scipy.linalg.solve_triangular(matrix, vector, lower=lower)

    exact = lax.Precision.HIGHEST
    first = solve(upper, along_steps[ages], lower=False)
    second = jnp.matmul(inner, first, precision=exact)
    second = second - state.scale * along_changes[ages]
    second = solve(upper.T, second, lower=True)
    of_steps = jnp.zeros_like(second).at[ages].set(second)
    of_changes = jnp.zeros_like(first).at[ages].set(-state.scale * first)
    return (
        state.scale * state.gradient
        + jnp.matmul(of_steps, state.steps, precision=exact)
        + jnp.matmul(of_changes, state.changes, precision=exact)
    )
