"""A chunk of iterations as one device program, for several lanes side by side.

A lane is one image and a solver's state of its own; lanes have one shape and share the
network. One image alone is one lane.
"""

import dataclasses
import functools
import inspect
import threading
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from nst_jax.optimize import hosted
from nst_jax.recent import Recent

Objective = Callable[
    [jax.Array, Any, jax.Array], tuple[jax.Array, Mapping[str, jax.Array]]
]
"""`(images [n, h, w, 3], problem, iteration) -> (totals [n], {term: [n]})`, pure and
hashable; a lane's values depend on its own image only. One that has the attribute
`names`, those of its terms, isn't traced once more to find them."""

DIVERGED = 100.0
"""Times the best loss above it: all progress is lost."""

CAPACITY = 64
"""Iterations that one chunk can record."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Average:
    """How far a moving average of the iterates is.

    Its bias is corrected as Adam's is (Kingma & Ba 2014, section 3): it begins with the
    first iterate, not with 0.

    Attributes:
      decay: float32 scalar, what stays of the average at an iteration.
      missing: float32 scalar, `decay ** n` after n iterates.
    """

    decay: jax.Array
    missing: jax.Array

    def joined(self, image: jax.Array, other: jax.Array) -> jax.Array:
        """The average `image` with one more iterate, which `grown` counts."""
        share = (1 - self.decay) / (1 - self.decay * self.missing)
        return image + share * (other - image)

    def grown(self) -> "Average":
        """After one more iterate."""
        return Average(self.decay, self.decay * self.missing)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class State:
    """Everything that a run of n lanes carries from one iteration to the next.

    Attributes:
      image: `[n, h, w, 3]` float32, the current iterates; not confined to [0, 1].
      solver: the solver's state, every leaf with a leading axis of lanes.
      best_image: `[n, h, w, 3]`, the iterate of the lowest loss so far; the average of
        the iterates where there is one.
      best_loss: `[n]`, the lowest loss so far.
      iteration: how many iterations were run, a scalar.
      step_scale: `[n]`, factor of the solver's steps, halved after a divergence.
      average: where the result is an average of the iterates; None: it is the best.
      began: `[n, h, w, 3]`, the images that this size began with, where targets follow
        from them; else None.
      again: static, whether it is of a further pass at one size.
    """

    image: jax.Array
    solver: optax.OptState
    best_image: jax.Array
    best_loss: jax.Array
    iteration: jax.Array
    step_scale: jax.Array
    average: Average | None = None
    began: jax.Array | None = None
    again: bool = dataclasses.field(default=False, metadata={"static": True})


def limit(best_loss: Any) -> Any:
    """The loss above which a run has diverged; infinite or no number if there is no
    best yet.
    """
    return best_loss + DIVERGED * abs(best_loss)


_Carry = tuple[jax.Array, jax.Array, State, jax.Array, jax.Array]
"""Of the loop: index, whether a lane diverged, state, records, and which lanes did."""


@functools.partial(jax.jit, static_argnums=(0, 1), donate_argnums=2)
def run_chunk(
    objective: Objective,
    solver: optax.GradientTransformation,
    state: State,
    problem: Any,
    count: jax.Array,
) -> tuple[State, dict[str, jax.Array], jax.Array]:
    """Runs `count` iterations, at most 64, as one device program.

    It ends before them at the first at which a lane diverges: what is done about it is
    then the same however long chunks are.

    Args:
      objective: static; equal objects share a compiled program.
      solver: static too.
      state: donated: its arrays can't be used afterwards.
      problem: traced data of the objective: network, targets, weights.
      count: int32 scalar.

    Returns:
      The new state, whose `iteration` says how many were made;
      `{"total": [n, 64], term: [n, 64], ...}`, filled up to that: values at each
      iterate *before* its update; and `[n]`, which lanes diverged at the last: their
      loss is no finite number, or above `limit`. One of `step_scale` 0 doesn't.
    """
    lanes, state = state.image.shape[0], hosted.sent(state)
    names = ("total", *_terms(objective, state, problem))
    # One array: each further one would be a kernel more at each iteration.
    records = jnp.zeros((len(names), lanes, CAPACITY), jnp.float32)

    def summed(
        images: jax.Array, iteration: jax.Array
    ) -> tuple[jax.Array, dict[str, jax.Array]]:
        totals, terms = objective(images, problem, iteration)
        return jnp.sum(totals), {"total": totals, **terms}

    def goes_on(carry: _Carry) -> jax.Array:
        index, any_diverged, *_ = carry
        return (index < count) & ~any_diverged

    def iterate(carry: _Carry) -> _Carry:
        index, _, state, records, _ = carry
        # Lanes don't see each other: the sum's gradient is each total's own.
        gradient, values = jax.grad(summed, has_aux=True)(state.image, state.iteration)
        better = values["total"] < state.best_loss
        updates, solver_state = hosted.update(
            solver, gradient, state.solver, state.image
        )
        of_lanes = (slice(None), None, None, None)
        scale = state.step_scale[of_lanes]
        # A lane of scale 0 stays even where its update is no number.
        updates = jnp.where(scale == 0, 0, scale * updates)
        best_loss = jnp.where(better, values["total"], state.best_loss)
        finite = jnp.isfinite(values["total"])
        good = finite & (values["total"] <= limit(best_loss))
        average = state.average
        if average is None:
            kept, result = better, state.image
        else:
            kept = good
            result = average.joined(state.best_image, state.image)
            average = average.grown()
        state = dataclasses.replace(
            state,
            image=state.image + updates,
            solver=solver_state,
            best_image=jnp.where(kept[of_lanes], result, state.best_image),
            best_loss=best_loss,
            iteration=state.iteration + 1,
            average=average,
        )
        made = jnp.stack([values[name] for name in names])
        records = records.at[:, :, index].set(made)
        diverged = ~good & (state.step_scale > 0)
        return index + 1, jnp.any(diverged), state, records, diverged

    begun = jnp.int32(0), jnp.bool(False), state, records, jnp.zeros(lanes, bool)
    *_, state, records, diverged = jax.lax.while_loop(goes_on, iterate, begun)
    return state, dict(zip(names, records, strict=True)), diverged


def _terms(objective: Objective, state: State, problem: Any) -> Iterable[str]:
    names: Iterable[str] | None = getattr(objective, "names", None)
    if names is not None:
        return names
    _, terms = jax.eval_shape(objective, state.image, problem, state.iteration)
    return terms


_programs: Recent[Hashable, Any] = Recent(64)
_looking, _compiling = threading.Lock(), threading.Lock()


def program(
    objective: Objective,
    solver: optax.GradientTransformation,
    state: State,
    problem: Any,
    *,
    options: Mapping[str, bool | str] | None = None,
) -> Any:
    """`run_chunk` compiled for arguments like these: `(state, problem, count)`.

    May be called from another thread, ahead of time. `memory_analysis()` of the result
    tells what it will need.

    Args:
      objective: see `run_chunk`.
      solver: likewise.
      state: arrays, or their shapes.
      problem: likewise.
      options: of XLA's compiler. Who asks for a program like one that is known gets
        that, whatever the options.
    """
    leaves, structure = jax.tree.flatten((state, problem))
    shapes = tuple((leaf.shape, leaf.dtype, _divided(leaf)) for leaf in leaves)
    precision = jax.config.jax_default_matmul_precision  # type: ignore[attr-defined]
    key = (objective, solver, structure, shapes, precision)
    if found := _known(key):  # Not to wait for another's compilation.
        return found
    with _compiling:
        if found := _known(key):
            return found
        made = lowered(objective, solver, state, problem)
        compiled = made.compile(compiler_options=dict(options) if options else None)
        with _looking:
            _programs[key] = compiled
        return compiled


def lowered(
    objective: Objective,
    solver: optax.GradientTransformation,
    state: State,
    problem: Any,
) -> jax.stages.Lowered:
    """What `program` compiles, for the devices that the arrays' shapes name, if any."""
    count = jax.ShapeDtypeStruct((), jnp.int32)
    run: Any = run_chunk
    if (where := shardings(state)) is not None:
        # What it gives lies as what it takes, which is then what the next one takes.
        run = jax.jit(
            inspect.unwrap(run_chunk),
            static_argnums=(0, 1),
            donate_argnums=2,
            out_shardings=(where, None, None),
        )
    return run.lower(objective, solver, state, problem, count)


def shardings(state: State) -> Any:
    """How a state lies on a mesh, or in part on the host, as `jax.device_put` takes it;
    None: all on one device.
    """
    if hosted.found(state):
        return hosted.shardings(state)
    where = jax.tree.map(_divided, state)
    return where if jax.tree.leaves(where) else None


def _divided(leaf: Any) -> jax.sharding.Sharding | None:
    """How an array, or its shape, lies on a mesh; None: on no mesh."""
    where = getattr(leaf, "sharding", None)
    return where if isinstance(where, jax.sharding.NamedSharding) else None


def _known(key: Hashable) -> Any:
    with _looking:
        return _programs.get(key)
