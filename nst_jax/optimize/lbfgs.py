"""L-BFGS with fixed steps, as an optax transformation."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax

from nst_jax.optimize.compact import Factor
from nst_jax.optimize.hosted import OnHost

# Full float32: TF32 and bfloat16 products break the curvature.
_EXACT = lax.Precision.HIGHEST

# With a preconditioner: the root mean square of the first step, one level of a picture
# in [0, 1], and how many times its scale is that of the newest pair.
_FIRST = 1 / 255
_OVER_RELAXATION = 2.0


Rows = jax.Array | OnHost
"""`[m, n]`, of a history."""


class LBFGSState(NamedTuple):
    """State of `scale_by_lbfgs`; n is the number of parameters, m the history.

    Attributes:
      params: `[n]`, where the last gradient was taken.
      gradient: `[n]`, the last gradient.
      preconditioned: `[n]`, the preconditioner times it.
      direction: `[n]`, the last result, along which the next step is expected.
      updates: made so far.
      pairs: curvature pairs stored so far; pair k lies in row k % m.
      steps: `[m, n]`, differences of successive parameters (s).
      changes: `[m, n]`, differences of successive gradients (y).
      steps_changes: `[m, m]`, products s_i . y_j, for j no older than i.
      changes_changes: `[m, m]`, products y_i . P y_j of the preconditioner P.
      scale: of the preconditioner, from which the inverse Hessian is built.
    """

    params: jax.Array
    gradient: jax.Array
    preconditioned: jax.Array
    direction: jax.Array
    updates: jax.Array
    pairs: jax.Array
    steps: Rows
    changes: Rows
    steps_changes: jax.Array
    changes_changes: jax.Array
    scale: jax.Array


Box = tuple[float, float]
"""Bounds of every parameter."""


def scale_by_lbfgs(
    history: int = 20,
    precondition: Callable[[jax.Array], jax.Array] | None = None,
    box: Box | None = None,
    *,
    hosted: bool = False,
) -> optax.GradientTransformation:
    """Multiplies gradients by the L-BFGS approximation of the inverse Hessian.

    Follows `torch.optim.LBFGS` without line search, step for step: the first update is
    the gradient divided by its absolute sum, a pair that doesn't curve upwards is
    skipped, the identity is scaled by s . y / y . y of the newest pair. Deviations:
    losses of any scale are alike, where PyTorch never enlarges the first gradient and
    skips at s . y <= 1e-10, here at that share of their lengths; and where the very
    first pairs are skipped, because the objective curves downwards as it often does at
    a photo, PyTorch steps along the bare gradient and the loss explodes; here the first
    step grows by 4 until a pair is found.

    Where PyTorch (and Nocedal & Wright 2006, algorithm 7.4) makes 4 m passes one after
    the other, this takes the compact form (Byrd, Nocedal & Schnabel 1994, eq. 3.1;
    Nocedal & Wright, eq. 7.24): two matrix products with the history and two m x m
    triangular solves, the same direction in a few large operations.

    Another deviation is optional: `precondition`, an operator P, takes the place of
    the identity, scaled by 2 s . y / y . P y, and the root mean square of the first
    step is 1/255, a level of a picture. From a photo and by Gatys's loss that spares 4
    to 7 of the first 26 to 28 iterations; of what is painted already, a larger step
    would throw much away (bench/results/cpu_begin.json). It costs one application a
    step, to two arrays at once, to three with a `box`. Parameters without a
    gradient stay where they are.

    One more is too: `box` makes it a projected method (Bertsekas 1982, "Projected
    Newton methods for optimization problems with simple constraints", eq. 32-35).
    Parameters at a bound whose gradient points outwards are held: they have no part in
    the result, nor in the pair of the step in which they were.

    Parameters are one array of any shape (a picture), not a tree of arrays. What
    follows in a chain may only scale the result, by one number a step; with a `box` it
    has to keep the parameters within.

    Args:
      history: m, the curvature pairs kept, two arrays of the parameters' size each.
      precondition: linear, symmetric and positive definite, `[..., c] -> [..., c]` for
        parameters of shape `[..., c]` with any number of channels c.
      box: bounds of the parameters; None for none.
      hosted: whether the history is kept in the host's memory, from which it comes a
        row at a time, four times a step.

    Raises:
      ValueError: history below 1.
    """
    if history < 1:
        raise ValueError(f"history={history}: L-BFGS keeps at least one pair")

    def init(params: jax.Array) -> LBFGSState:
        flat = jnp.zeros_like(params).reshape(-1)
        none = jnp.zeros((history, flat.size), flat.dtype)
        rows: Rows = OnHost.of(none) if hosted else none
        products = jnp.zeros((history, history), flat.dtype)
        zero = jnp.zeros((), jnp.int32)
        one = jnp.ones((), flat.dtype)
        return LBFGSState(
            *(flat, flat, flat, flat, zero, zero), rows, rows, products, products, one
        )

    def update(
        gradient: jax.Array, state: LBFGSState, params: jax.Array | None = None
    ) -> tuple[jax.Array, LBFGSState]:
        if params is None:
            raise ValueError("scale_by_lbfgs.update needs params")
        params, flat = params.reshape(-1), gradient.reshape(-1)
        pair = _Pair.newest(state, params, flat, box)
        state, along_steps = _remember(state, pair, params, flat)
        factor = Factor.of(state.pairs, state.steps_changes)
        first = factor.solve(along_steps)
        behind = _mixed(first, state.changes)
        vectors = [pair.gradient, behind] + ([pair.change] if box else [])
        applied, behind, *last = _apply(precondition, gradient.shape, vectors)
        # The change of the whole gradient needs no application: P is linear.
        change = last[0] if box else applied - state.preconditioned
        state, along_changes = _rescale(
            state, pair, applied, change, preconditioned=precondition is not None
        )
        inner = jnp.matmul(state.changes_changes, first, precision=_EXACT)
        inner = factor.curvatures() * first + state.scale * (inner - along_changes)
        second = factor.solve(inner, transposed=True)
        direction = state.scale * (state.preconditioned - behind)
        direction += _mixed(second, state.steps)
        if precondition is not None or box:
            # P reaches beyond them, into the padding of a picture.
            direction = jnp.where(pair.gradient == 0, 0, direction)
        state = state._replace(direction=direction)
        return direction.reshape(gradient.shape), state

    return optax.GradientTransformation(init, update)


class _Pair(NamedTuple):
    """The newest curvature pair, the row that it takes if it is kept, and the gradient.

    Attributes:
      keep: whether it is.
      row: its place in the history.
      step: `[n]`, s.
      change: `[n]`, y, 0 for parameters that were held.
      curvature: s . y.
      gradient: `[n]`, the newest, 0 for parameters that are held.
    """

    keep: jax.Array
    row: jax.Array
    step: jax.Array
    change: jax.Array
    curvature: jax.Array
    gradient: jax.Array

    @classmethod
    def newest(
        cls, state: LBFGSState, params: jax.Array, gradient: jax.Array, box: Box | None
    ) -> "_Pair":
        """The pair of the step to `params`, where this is the gradient."""
        change = gradient - state.gradient
        if box:
            step = params - state.params
            change = jnp.where(_held(state.params, state.gradient, box), 0, change)
            gradient = jnp.where(_held(params, gradient, box), 0, gradient)
        else:
            step = _step(state, params)
        curvature = jnp.vdot(step, change, precision=_EXACT)
        lengths = jnp.linalg.norm(step) * jnp.linalg.norm(change)
        keep = (state.updates > 0) & (curvature > 1e-10 * lengths)
        row = state.pairs % state.steps.shape[0]
        return cls(keep, row, step, change, curvature, gradient)


def _held(params: jax.Array, gradient: jax.Array, box: Box) -> jax.Array:
    """Which parameters are at a bound, and would go beyond."""
    low, high = box
    return ((params <= low) & (gradient > 0)) | ((params >= high) & (gradient < 0))


def _step(state: LBFGSState, params: jax.Array) -> jax.Array:
    """The step made since the last update, `[n]`, without the rounding of `params`.

    What comes after `scale_by_lbfgs` scales its result by one number; that number is
    found from the parameters. Their difference itself is wrong by up to an ulp of the
    parameters, percents of a first step, and losses leave PyTorch's.
    """
    squared = jnp.vdot(state.direction, state.direction, precision=_EXACT)
    along = jnp.vdot(params - state.params, state.direction, precision=_EXACT)
    return jnp.where(squared > 0, along / squared, 0) * state.direction


def _put_row(rows: Rows, pair: _Pair, value: jax.Array) -> Rows:
    if not isinstance(rows, OnHost):
        return _put(rows, pair, value)
    kept = jnp.where(pair.keep, value, rows.row(pair.row))
    return rows.with_row(pair.row, kept)


def _put(rows: jax.Array, pair: _Pair, value: jax.Array) -> jax.Array:
    old = rows[pair.row]
    return rows.at[pair.row].set(jnp.where(pair.keep, value, old))


def _once(values: Any) -> Any:
    """Values that a CPU's program computes once.

    XLA would fuse the newest row into all that reads the history, and copy the whole of
    it for each, at every step: 960 bytes a pixel for 20 pairs.
    """
    return lax.platform_dependent(
        values, cpu=lax.optimization_barrier, default=lambda same: same
    )


def _times(rows: Rows, *vectors: jax.Array) -> list[jax.Array]:
    """`rows`, `[m, n]`, times each vector, in one pass over them."""
    if isinstance(rows, OnHost):
        return list(rows.times(jnp.stack(vectors)))
    return list(jnp.matmul(jnp.stack(vectors), rows.T, precision=_EXACT))


def _mixed(weights: jax.Array, rows: Rows) -> jax.Array:
    """`weights`, `[m]`, times `rows`: `[n]`."""
    if isinstance(rows, OnHost):
        return rows.mixed(weights)
    return jnp.matmul(weights, rows, precision=_EXACT)


def _remember(
    state: LBFGSState, pair: _Pair, params: jax.Array, gradient: jax.Array
) -> tuple[LBFGSState, jax.Array]:
    """Stores the newest pair, unless it is skipped.

    Returns the state and `steps` times the pair's gradient, `[m]`.
    """
    steps = _put_row(state.steps, pair, pair.step)
    changes = _put_row(state.changes, pair, pair.change)
    if not isinstance(steps, OnHost):
        steps, changes = _once((steps, changes))
    with_change, with_gradient = _times(steps, pair.change, pair.gradient)
    state = state._replace(
        params=params,
        gradient=gradient,
        updates=optax.safe_increment(state.updates),
        pairs=state.pairs + pair.keep,
        steps=steps,
        changes=changes,
        # s_i . y_new is a new column.
        steps_changes=_put(state.steps_changes.T, pair, with_change).T,
    )
    return state, with_gradient


def _rescale(
    state: LBFGSState,
    pair: _Pair,
    applied: jax.Array,
    change: jax.Array,
    *,
    preconditioned: bool,
) -> tuple[LBFGSState, jax.Array]:
    """Stores what the newest pair means to P.

    Args:
      state: with the pair.
      pair: the newest.
      applied: `[n]`, P times its gradient.
      change: `[n]`, P times its change.
      preconditioned: whether P is an operator of its own, not the identity.

    Returns:
      The state, and `changes` times `applied`, `[m]`.
    """
    with_change, with_applied = _times(state.changes, change, applied)
    # y_i . P y_new is a new row and a new column.
    changes_changes = _put(state.changes_changes, pair, with_change)
    changes_changes = _put(changes_changes.T, pair, with_change).T
    squared = jnp.vdot(pair.change, change, precision=_EXACT)
    newest = (_OVER_RELAXATION if preconditioned else 1) * pair.curvature / squared
    first = (
        _first_preconditioned(pair.gradient, applied)
        if preconditioned
        else _first(pair.gradient)
    )
    grown = jnp.where(state.updates == 1, first, 4 * state.scale)
    unscaled = jnp.where(state.pairs == 0, grown, state.scale)
    state = state._replace(
        preconditioned=applied,
        changes_changes=changes_changes,
        scale=jnp.where(pair.keep, newest, unscaled),
    )
    return state, with_applied


def _apply(
    precondition: Callable[[jax.Array], jax.Array] | None,
    shape: tuple[int, ...],
    vectors: list[jax.Array],
) -> list[jax.Array]:
    """P times each vector, `[n]`, in one application to arrays of `shape`."""
    if precondition is None:
        return vectors
    joined = jnp.concatenate([each.reshape(shape) for each in vectors], axis=-1)
    split = jnp.split(precondition(joined), len(vectors), axis=-1)
    return [each.reshape(-1) for each in split]


def _first(gradient: jax.Array) -> jax.Array:
    """The scale of the first step by PyTorch: its absolute sum is 1."""
    total = jnp.sum(jnp.abs(gradient))
    return 1 / jnp.where(total > 0, total, 1)


def _first_preconditioned(gradient: jax.Array, applied: jax.Array) -> jax.Array:
    """The scale of a first step whose root mean square is `_FIRST`.

    The mean is over the numbers that change: padding doesn't count.
    """
    moves = gradient != 0
    applied = jnp.where(moves, applied, 0)
    largest = jnp.max(jnp.abs(applied))
    largest = jnp.where(largest > 0, largest, 1)  # Squares stay within the numbers.
    squared = jnp.sum(jnp.square(applied / largest))
    rms = largest * jnp.sqrt(squared / jnp.maximum(jnp.count_nonzero(moves), 1))
    return _FIRST / jnp.where(rms > 0, rms, 1)
