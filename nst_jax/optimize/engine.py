"""The engine: runs a solver on an objective, on the device, in chunks of iterations.

A chunk is one device program: no host transfer happens inside it. Between chunks live
progress, snapshots, the check for divergence, and stopping. Chunks take about
`chunk_seconds` each whatever the device: the number of iterations is an argument of the
compiled program, so one compilation serves every length.
"""

import dataclasses
import functools
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

Objective = Callable[[jax.Array, Any], tuple[jax.Array, Mapping[str, jax.Array]]]
"""`(image, problem) -> (total, {term: value})`, pure and hashable."""

_CAPACITY = 64  # Iterations that one chunk can record.
_DIVERGED = 100.0  # Times the best loss above it: all progress is lost.
_RETRIES = 3


class DivergenceError(RuntimeError):
    """The loss of the starting image is not finite."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class State:
    """Everything that a run carries from one iteration to the next.

    Attributes:
      image: `[h, w, 3]` float32, the current iterate; not confined to [0, 1].
      solver: the solver's state.
      best_image: `[h, w, 3]`, the iterate of the lowest loss so far.
      best_loss: its loss.
      iteration: how many iterations were run.
      step_scale: factor of the solver's steps, halved after a divergence.
    """

    image: jax.Array
    solver: optax.OptState
    best_image: jax.Array
    best_loss: jax.Array
    iteration: jax.Array
    step_scale: jax.Array


@dataclasses.dataclass(frozen=True)
class Progress:
    """What happened up to the end of a chunk.

    Attributes:
      iteration: updates made to the image whose loss is `loss`.
      steps: updates asked for.
      loss: total loss, the last of `losses`.
      terms: its terms.
      losses: `[k]` float32, total loss of each iteration of this chunk.
      best_loss: lowest loss of the run.
      seconds: since the run began, compilation left out.
      compile_seconds: spent compiling, or finding the program compiled.
      iterations_per_second: of this chunk.
      event: a line for the user if something happened, such as a divergence.
      state: valid until the next chunk is asked for, then its memory is reused.
    """

    iteration: int
    steps: int
    loss: float
    terms: dict[str, float]
    losses: np.ndarray
    best_loss: float
    seconds: float
    compile_seconds: float
    iterations_per_second: float
    event: str | None
    state: State

    def image(self) -> np.ndarray:
        """The best picture so far, `[h, w, 3]` float32 clipped to [0, 1]."""
        return np.clip(jax.device_get(self.state.best_image), 0, 1)


@functools.partial(jax.jit, static_argnums=0)
def start(solver: optax.GradientTransformation, image: jax.Array) -> State:
    """The state before the first iteration; `image`, `[h, w, 3]`, is copied."""
    return State(
        image=jnp.copy(image),
        solver=solver.init(image),
        best_image=jnp.copy(image),
        best_loss=jnp.array(jnp.inf, jnp.float32),
        iteration=jnp.array(0, jnp.int32),
        step_scale=jnp.array(1, jnp.float32),
    )


@functools.partial(jax.jit, static_argnums=0, donate_argnums=1, keep_unused=True)
def _restart(solver: optax.GradientTransformation, state: State) -> State:
    """From the best image again, with a fresh solver and half the steps."""
    return dataclasses.replace(
        state,
        image=jnp.copy(state.best_image),
        solver=solver.init(state.best_image),
        step_scale=state.step_scale / 2,
    )


@functools.partial(jax.jit, static_argnums=(0, 1), donate_argnums=2)
def run_chunk(
    objective: Objective,
    solver: optax.GradientTransformation,
    state: State,
    problem: Any,
    count: jax.Array,
) -> tuple[State, dict[str, jax.Array]]:
    """Runs `count` iterations, at most 64, as one device program.

    Args:
      objective: static; equal objects share a compiled program.
      solver: static too.
      state: donated: its arrays can't be used afterwards.
      problem: traced data of the objective: network, targets, weights.
      count: int32 scalar.

    Returns:
      The new state and `{"total": [64], term: [64], ...}`, filled up to `count`: values
      at each iterate *before* its update.
    """
    _, terms = jax.eval_shape(objective, state.image, problem)
    names = ("total", *terms)
    records = {name: jnp.zeros(_CAPACITY, jnp.float32) for name in names}

    def iterate(
        index: jax.Array, carry: tuple[State, dict[str, jax.Array]]
    ) -> tuple[State, dict[str, jax.Array]]:
        state, records = carry
        (loss, terms), gradient = jax.value_and_grad(objective, has_aux=True)(
            state.image, problem
        )
        better = loss < state.best_loss
        updates, solver_state = solver.update(gradient, state.solver, state.image)
        values = {"total": loss, **terms}
        return State(
            image=state.image + state.step_scale * updates,
            solver=solver_state,
            best_image=jnp.where(better, state.image, state.best_image),
            best_loss=jnp.where(better, loss, state.best_loss),
            iteration=state.iteration + 1,
            step_scale=state.step_scale,
        ), {name: records[name].at[index].set(values[name]) for name in names}

    return jax.lax.fori_loop(0, count, iterate, (state, records))


def run(
    objective: Objective,
    problem: Any,
    solver: optax.GradientTransformation,
    state: State,
    *,
    steps: int,
    every: Sequence[int] = (),
    chunk_seconds: float = 1.0,
) -> Iterator[Progress]:
    """Minimises `objective` from `state`, yielding after each chunk.

    `steps` updates are made and the last image is scored too, so `steps + 1` losses are
    reported. When the loss of a chunk stops being finite, or ends 100 times
    above the best, the run goes back to its best image with a fresh solver and half
    the steps; at the fourth time it stops. Stop earlier by leaving the loop.

    Args:
      objective: what to minimise; a static argument of the compiled program.
      problem: its data; new values never recompile.
      solver: how.
      state: from `start`, or a saved one; it is consumed.
      steps: updates in all, those already in `state` included.
      every: chunks end at multiples of each of these, for snapshots and the like.
      chunk_seconds: aimed length of a chunk.

    Yields:
      Progress, once for each chunk.

    Raises:
      DivergenceError: the loss of the first image is not finite.
    """
    began = time.perf_counter()
    state, _ = run_chunk(objective, solver, state, problem, jax.device_put(np.int32(0)))
    done = int(jax.device_get(state.iteration))
    compile_seconds = time.perf_counter() - began

    began = time.perf_counter()
    pace, retries = 1, 0
    while done <= steps:
        to_multiples = [n - (done - 1) % n for n in every if n > 0]
        count = min(pace, steps + 1 - done, *to_multiples)
        chunk_began = time.perf_counter()
        state, records = run_chunk(
            objective, solver, state, problem, jax.device_put(np.int32(count))
        )
        values, best = jax.device_get((records, state.best_loss))
        taken = time.perf_counter() - chunk_began
        done += count
        losses = values["total"][:count]
        event, gone = _divergence(losses, float(best), done, retries)
        if event:
            retries += 1
            state = _restart(solver, state)
        yield Progress(
            iteration=done - 1,
            steps=steps,
            loss=float(losses[-1]),
            terms={k: float(v[count - 1]) for k, v in values.items() if k != "total"},
            losses=losses,
            best_loss=float(best),
            seconds=time.perf_counter() - began,
            compile_seconds=compile_seconds,
            iterations_per_second=count / taken,
            event=event,
            state=state,
        )
        if gone:
            return
        pace = max(1, min(4 * count, int(chunk_seconds * count / taken), _CAPACITY))


def _divergence(
    losses: np.ndarray, best: float, done: int, retries: int
) -> tuple[str | None, bool]:
    """What to tell the user about a chunk's losses, if anything; whether to stop."""
    finite = np.isfinite(losses).all()
    if finite and losses[-1] - best <= _DIVERGED * abs(best):
        return None, False
    if not math.isfinite(best):
        raise DivergenceError(
            "the loss of the starting image is not finite: check the weights of the "
            "network (nst-weights verify) and the loss weights"
        )
    what = "exploded" if finite else "is no longer finite"
    event = f"the loss {what} by iteration {done - 1}; back to the best picture"
    if retries == _RETRIES:
        return f"{event} and stopped there, after {_RETRIES} retries", True
    return f"{event}, with half the step size", False
