"""The solvers by name, each an `optax.GradientTransformation`."""

import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType

import jax
import jax.numpy as jnp
import optax

from nst_jax.optimize.lbfgs import Box, scale_by_lbfgs
from nst_jax.optimize.preconditioner import multiscale
from nst_jax.options import Options


def solver(options: Options) -> optax.GradientTransformation:
    """The solver that `options` asks for; equal options give the same object.

    The same object matters: it is a static argument of the engine's compiled program.
    """
    rate, decay = _DEFAULTS[options.solver]
    rate = rate if options.learning_rate is None else options.learning_rate
    decay = options.learning_rate_decay or decay
    steps = options.steps if decay == "cosine" else None
    if options.solver == "lbfgs":
        return lbfgs(
            float(rate),
            decay_steps=steps,
            history=options.history,
            preconditioner=options.preconditioner,
            bounds=options.bounds,
        )
    return adam(float(rate), decay_steps=steps, epsilon=float(options.adam_epsilon))


@functools.cache
def lbfgs(
    learning_rate: float = 1.0,
    *,
    decay_steps: int | None = None,
    history: int = 20,
    preconditioner: str = "none",
    bounds: str = "none",
) -> optax.GradientTransformation:
    """L-BFGS with fixed steps, none longer than a tenth of the pixel range.

    See `scale_by_lbfgs`. The limit (on the root mean square over the picture) stands in
    for a line search: where the objective hardly curves, the step of a quadratic model
    would leave the range of pixels by far. Steps in the regular course are well below.

    Args:
      learning_rate: factor of every step.
      decay_steps: over which the factor falls to 0 along a cosine; None: it stays.
      history: curvature pairs kept.
      preconditioner: "multiscale" (`preconditioner.multiscale`) or "none".
      bounds: "box" keeps every iterate in [0, 1], if the first is; or "none".
    """
    box = _BOXES[bounds]
    return optax.chain(
        scale_by_lbfgs(history, _PRECONDITIONERS[preconditioner], box),
        optax.scale_by_learning_rate(_schedule(learning_rate, decay_steps)),
        limit_rms(0.1),
        *([keep_in_box(*box)] if box else []),
    )


@functools.cache
def adam(
    learning_rate: float = 0.04,
    *,
    decay_steps: int | None = None,
    epsilon: float = 1e-8,
) -> optax.GradientTransformation:
    """Adam (Kingma & Ba 2014, arXiv:1412.6980), the picture kept in [0, 1].

    Args:
      learning_rate: largest change of a pixel in a step, about; 0.04 is the 10 of 255
        that Johnson's `neural-style` uses.
      decay_steps: over which the rate falls to 0 along a cosine; None: it stays.
      epsilon: added to the root of the second moment.
    """
    return optax.chain(
        optax.scale_by_adam(eps=epsilon),
        optax.scale_by_learning_rate(_schedule(learning_rate, decay_steps)),
        keep_in_box(0.0, 1.0),
    )


def limit_rms(limit: float) -> optax.GradientTransformation:
    """Shortens an update, one array, whose root mean square is above `limit`.

    The mean is over the numbers that it changes: padding doesn't count.
    """

    def update(
        updates: optax.Updates, params: optax.Params | None = None
    ) -> optax.Updates:
        changed = jnp.maximum(jnp.count_nonzero(updates), 1)
        rms = jnp.sqrt(jnp.sum(jnp.square(updates)) / changed)
        return updates * (limit / jnp.maximum(rms, limit))

    return optax.stateless(update)


def keep_in_box(low: float, high: float) -> optax.GradientTransformation:
    """Shortens updates so that `params + updates` stays within `[low, high]`."""

    def update(
        updates: optax.Updates, params: optax.Params | None = None
    ) -> optax.Updates:
        return jax.tree.map(
            lambda u, p: jnp.clip(p + u, low, high) - p, updates, params
        )

    return optax.stateless(update)


def _schedule(
    learning_rate: float, decay_steps: int | None
) -> float | Callable[[jax.Array], jax.Array]:
    if decay_steps is None:
        return learning_rate
    return optax.cosine_decay_schedule(learning_rate, max(decay_steps, 1))


_BOXES: Mapping[str, Box | None] = MappingProxyType({"none": None, "box": (0.0, 1.0)})

_PRECONDITIONERS: Mapping[str, Callable[[jax.Array], jax.Array] | None] = (
    MappingProxyType({"none": None, "multiscale": multiscale})
)

# Name -> default learning rate and decay.
_DEFAULTS: Mapping[str, tuple[float, str]] = MappingProxyType(
    {"lbfgs": (1.0, "none"), "adam": (0.04, "cosine")}
)
