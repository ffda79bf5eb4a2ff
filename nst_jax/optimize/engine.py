"""The engine: runs a solver on an objective, on the device, in chunks of iterations.

A chunk is one device program: no host transfer happens inside it. It ends early at an
iteration at which a lane diverges. Between chunks live progress, snapshots, what is
done about divergence, and stopping. Chunks take about `chunk_seconds` each whatever the
device: the number of iterations is an argument of the compiled program, so one
compilation serves every length.
"""

import bisect
import dataclasses
import math
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import jax
import numpy as np
import optax

from nst_jax.errors import DivergenceError
from nst_jax.optimize import begin, chunk
from nst_jax.optimize.chunk import Objective, State

_RETRIES = 3
_BEFORE = f"given up before, after {_RETRIES} retries: it stays at its best picture"


@dataclasses.dataclass(frozen=True)
class Numbers:
    """What happened to one lane up to the end of a chunk.

    Attributes:
      iteration: updates made to the image whose loss is `loss`.
      steps: updates asked for.
      loss: total loss, the last of `losses`.
      terms: its terms.
      losses: `[k]` float32, total loss of each iteration of this chunk.
      best_loss: lowest loss of the run; infinite if the first was not finite.
      seconds: since the run began, compilation left out.
      compile_seconds: spent compiling, or finding the program compiled.
      iterations_per_second: of this chunk.
      event: a line for the user if something happened, such as a divergence.
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


@dataclasses.dataclass(frozen=True)
class Chunk:
    """What happened up to the end of a chunk.

    Attributes:
      lanes: of each image.
      state: valid until the next chunk is asked for, then its memory is reused.
    """

    lanes: tuple[Numbers, ...]
    state: State


def run(
    objective: Objective,
    problem: Any,
    solver: optax.GradientTransformation,
    state: State,
    *,
    steps: int,
    stops: Collection[int] = (),
    chunk_seconds: float = 1.0,
) -> Iterator[Chunk]:
    """Minimises `objective` from `state`, yielding after each chunk.

    `steps` updates are made and the last images are scored too, so `steps + 1` losses
    are reported. When the loss of a lane stops being finite, or is 100 times above the
    best, the chunk ends, and the lane goes back to its best image with a fresh solver
    and half the steps; at the fourth time it is given up: it stays there, as does a
    lane without a finite loss from the outset. The run ends when all lanes are given
    up. Stop earlier by leaving the loop. How long chunks are changes no number.

    Args:
      objective: what to minimise; a static argument of the compiled program.
      problem: its data; new values never recompile.
      solver: how.
      state: from `start`, or a saved one; it is consumed.
      steps: updates in all, those already in `state` included.
      stops: iterations at which a chunk ends, for pictures and the like.
      chunk_seconds: aimed length of a chunk.

    Yields:
      The numbers of every lane and the state, once for each chunk.

    Raises:
      DivergenceError: no first image has a finite loss.
    """
    began, ordered = time.perf_counter(), sorted(stops)
    advance = chunk.program(objective, solver, state, problem)
    done, retries = int(jax.device_get(state.iteration)), _retries(state)
    before = {lane: _BEFORE for lane, n in enumerate(retries) if n > _RETRIES}
    compile_seconds = time.perf_counter() - began

    began = time.perf_counter()
    pace, at_work = 1, True
    while done <= steps and at_work:
        place = bisect.bisect_left(ordered, done)
        to_stop = [stop + 1 - done for stop in ordered[place : place + 1]]
        count = min(pace, steps + 1 - done, *to_stop)
        chunk_began = time.perf_counter()
        state, *told = advance(state, problem, jax.device_put(np.int32(count)))
        values, diverged, best, made = jax.device_get(
            (*told, state.best_loss, state.iteration)
        )
        taken = time.perf_counter() - chunk_began
        count, done = int(made) - done, int(made)  # Fewer where one diverged.
        last = values["total"][:, count - 1]
        scale, events = _divergences(diverged, last, best, done, retries)
        if not np.isfinite(best).any():
            raise DivergenceError
        if (scale != 1).any():
            where = chunk.shardings(state)
            state = begin.restart(solver, state, jax.device_put(scale))
            state = state if where is None else jax.device_put(state, where)
        events = [event or before.pop(lane, None) for lane, event in enumerate(events)]
        common = {
            "iteration": done - 1,
            "steps": steps,
            "seconds": time.perf_counter() - began,
            "compile_seconds": compile_seconds,
            "iterations_per_second": count / taken,
        }
        yield Chunk(_numbers(values, best, events, count, common), state)
        pace = max(
            1, min(4 * count, int(chunk_seconds * count / taken), chunk.CAPACITY)
        )
        at_work = bool((retries <= _RETRIES).any())


def _numbers(
    values: Mapping[str, np.ndarray],
    best: np.ndarray,
    events: Sequence[str | None],
    count: int,
    common: Mapping[str, Any],
) -> tuple[Numbers, ...]:
    """What each lane has to say of the first `count` of its `[n, 64]` values."""
    return tuple(
        Numbers(
            loss=float(values["total"][lane, count - 1]),
            terms={
                name: float(value[lane, count - 1])
                for name, value in values.items()
                if name != "total"
            },
            losses=values["total"][lane, :count],
            best_loss=float(best[lane]),
            event=event,
            **common,
        )
        for lane, event in enumerate(events)
    )


def _retries(state: State) -> np.ndarray:
    """`[n]`, how often each lane diverged before."""
    scale = np.asarray(jax.device_get(state.step_scale))
    halved = -np.log2(scale, out=np.zeros_like(scale), where=scale > 0)
    return np.where(scale > 0, np.rint(halved), _RETRIES + 1).astype(int)


def _divergences(
    diverged: np.ndarray,
    losses: np.ndarray,
    best: np.ndarray,
    done: int,
    retries: np.ndarray,
) -> tuple[np.ndarray, list[str | None]]:
    """Factors of the lanes' steps after a chunk, and lines for the user if any.

    Counts in `retries`, in place.

    Args:
      diverged: `[n]`, which lanes did at its last iteration.
      losses: `[n]`, of that.
      best: `[n]`, lowest losses.
      done: iterations.
      retries: `[n]`, how often each lane diverged before.
    """
    scale = np.ones(len(best), np.float32)
    events: list[str | None] = []
    for lane, loss in enumerate(losses):
        if not diverged[lane]:
            events.append(None)
            continue
        if not math.isfinite(best[lane]):
            retries[lane], scale[lane] = _RETRIES + 1, 0
            events.append(None)  # Its result is an error.
            continue
        retries[lane] += 1
        stopped = retries[lane] > _RETRIES
        scale[lane] = 0 if stopped else 0.5
        what = "exploded" if math.isfinite(loss) else "is no longer finite"
        then = (
            f" and stopped there, after {_RETRIES} retries"
            if stopped
            else ", with half the step size"
        )
        events.append(
            f"the loss {what} by iteration {done - 1}; back to the best picture{then}"
        )
    return scale, events
