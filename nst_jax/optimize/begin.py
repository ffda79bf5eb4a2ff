"""The state that a run begins with, or begins again with after a divergence."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import optax

from nst_jax.optimize import hosted
from nst_jax.optimize.chunk import Average, State


def start(
    solver: optax.GradientTransformation,
    images: jax.Array,
    iteration: Any = 0,
    decay: Any = None,
) -> State:
    """The state before the first iteration.

    What of it is in the host's memory has to be all zeros in `begun`.

    Args: as of `begun`.
    """
    given = images, iteration, decay
    like = jax.eval_shape(functools.partial(begun, solver), *given)
    if not hosted.found(like):
        return begun(solver, *given)
    return hosted.zeros(_begun_here(solver, *given), like)


@functools.partial(jax.jit, static_argnums=0)
def begun(
    solver: optax.GradientTransformation,
    images: jax.Array,
    iteration: Any = 0,
    decay: Any = None,
) -> State:
    """`start` on the device, which may not have the memory; for the shapes.

    Args:
      solver: static.
      images: `[n, h, w, 3]`, copied.
      iteration: those that a run made before, with other images; schedules go on.
      decay: of a moving average of the iterates, in [0, 1), which is the result; None:
        the iterate of the lowest loss is.
    """
    lanes = images.shape[0]
    made = jnp.asarray(iteration, jnp.int32)

    def placed(state: Any) -> Any:
        if not _is_schedule(state):
            return state
        return state._replace(count=jnp.full_like(state.count, made))

    return State(
        image=jnp.copy(images),
        solver=jax.tree.map(placed, hosted.init(solver, images), is_leaf=_is_schedule),
        best_image=jnp.copy(images),
        best_loss=jnp.full(lanes, jnp.inf, jnp.float32),
        iteration=made,
        step_scale=jnp.ones(lanes, jnp.float32),
        average=None if decay is None else Average(jnp.float32(decay), jnp.float32(1)),
    )


@functools.partial(jax.jit, static_argnums=0)
def _begun_here(solver: optax.GradientTransformation, *given: Any) -> State:
    state: State = hosted.without(begun(solver, *given))
    return state


def restart(
    solver: optax.GradientTransformation, state: State, scale: jax.Array
) -> State:
    """Lanes whose `scale`, `[n]`, isn't 1 begin at their best image again.

    With a fresh solver, but for its schedule, and steps so many times as long. The
    state is consumed.
    """
    if not hosted.found(state):
        return _restarted(solver, state, scale)
    # One lane: it is the one that begins again.
    like, rest = hosted.shapes(state), hosted.without(state)
    hosted.delete(state)  # There is no room for another.
    return hosted.zeros(_restarted_here(solver, rest, scale), like)


def _again(
    solver: optax.GradientTransformation, state: State, scale: jax.Array
) -> State:
    fresh = hosted.init(solver, state.best_image)
    if hosted.found(state):
        fresh = hosted.without(fresh)

    def choose(new: jax.Array, old: jax.Array) -> jax.Array:
        again = (scale != 1).reshape(-1, *[1] * (old.ndim - 1))
        return jnp.where(again, new, old)

    def of_solver(new: Any, old: Any) -> Any:
        return old if _is_schedule(old) else jax.tree.map(choose, new, old)

    return dataclasses.replace(
        state,
        image=choose(state.best_image, state.image),
        solver=jax.tree.map(of_solver, fresh, state.solver, is_leaf=_is_schedule),
        step_scale=state.step_scale * scale,
    )


def _is_schedule(state: Any) -> bool:
    return isinstance(state, optax.ScaleByScheduleState)


_restarted = jax.jit(_again, static_argnums=0, donate_argnums=1, keep_unused=True)
# By jit itself, which leaves out what isn't asked for: another history.
_restarted_here = jax.jit(_again, static_argnums=0, donate_argnums=1)
