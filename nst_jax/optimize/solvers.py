"""The solvers, each an `optax.GradientTransformation`."""

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from nst_jax.optimize.coordinates import pixels
from nst_jax.optimize.hosted import solver as on_host
from nst_jax.optimize.lbfgs import Box, scale_by_lbfgs

Schedule = Callable[[jax.Array], jax.Array]
"""From the number of a step to its size."""

Coordinates = Callable[
    [optax.GradientTransformation, int], optax.GradientTransformation
]
"""Such as `coordinates.laplacian`: a solver, taken there with so many levels."""

PIXEL_BOX: Box = (0.0, 1.0)


@functools.cache
def cosine(learning_rate: float, steps: int) -> Schedule:
    """A step size that falls to 0 over `steps` along a cosine."""
    return optax.cosine_decay_schedule(learning_rate, max(steps, 1))


@functools.cache
def lbfgs(
    learning_rate: float | Schedule = 1.0,
    *,
    history: int = 20,
    preconditioner: Callable[[jax.Array], jax.Array] | None = None,
    bounds: Box | None = None,
    hosted: bool = False,
) -> optax.GradientTransformation:
    """L-BFGS with fixed steps, none longer than a tenth of the pixel range.

    See `scale_by_lbfgs`. The limit (on the root mean square over the picture) stands in
    for a line search: where the objective hardly curves, the step of a quadratic model
    would leave the range of pixels by far. Steps in the regular course are well below.

    Args:
      learning_rate: factor of every step.
      history: curvature pairs kept.
      preconditioner: such as `preconditioner.multiscale`; None: the plain method.
      bounds: that every iterate keeps to, if the first does; None for none.
      hosted: whether its history is kept in the host's memory.
    """
    return optax.chain(
        scale_by_lbfgs(history, preconditioner, bounds, hosted=hosted),
        optax.scale_by_learning_rate(learning_rate),
        limit_rms(0.1),
        *([keep_in_box(*bounds)] if bounds else []),
    )


@functools.cache
def adam(
    learning_rate: float | Schedule = 0.04,
    *,
    adam_epsilon: float = 1e-8,
    adam_beta2: float = 0.999,
    coordinates: Coordinates = pixels,
    laplacian_levels: int = 5,
    hosted: bool = False,
) -> optax.GradientTransformation:
    """Adam (Kingma & Ba 2014, arXiv:1412.6980), the picture kept in [0, 1].

    Args:
      learning_rate: largest change of a pixel in a step, about; 0.04 is the 10 of 255
        that Johnson's `neural-style` uses.
      adam_epsilon: added to the root of the second moment.
      adam_beta2: decay of the second moment.
      coordinates: in which its steps are taken.
      laplacian_levels: of coordinates that have any.
      hosted: whether its moments are kept in the host's memory.
    """
    scaled = optax.scale_by_adam(b2=adam_beta2, eps=adam_epsilon)
    return optax.chain(
        _kept(coordinates(scaled, laplacian_levels), hosted=hosted),
        optax.scale_by_learning_rate(learning_rate),
        keep_in_box(*PIXEL_BOX),
    )


@functools.cache
def rmsprop(
    learning_rate: float | Schedule = 0.006,
    *,
    coordinates: Coordinates = pixels,
    laplacian_levels: int = 5,
    hosted: bool = False,
) -> optax.GradientTransformation:
    """RMSprop (Tieleman & Hinton 2012, lecture 6.5), the picture kept in [0, 1].

    As `torch.optim.RMSprop` by default: the mean square begins at 0 and keeps 0.99 at a
    step, 1e-8 is added to its root, there is no momentum. So a first step is ten times
    as long as later ones.

    Args:
      learning_rate: the change of a pixel in a step, about.
      coordinates: in which its steps are taken.
      laplacian_levels: of coordinates that have any.
      hosted: whether its mean square is kept in the host's memory.
    """
    scaled = optax.scale_by_rms(0.99, 1e-8, eps_in_sqrt=False)
    return optax.chain(
        _kept(coordinates(scaled, laplacian_levels), hosted=hosted),
        optax.scale_by_learning_rate(learning_rate),
        keep_in_box(*PIXEL_BOX),
    )


def _kept(
    inner: optax.GradientTransformation, *, hosted: bool
) -> optax.GradientTransformation:
    return on_host(inner) if hosted else inner


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


@dataclasses.dataclass(frozen=True)
class Solver:
    """What a value of `Options.solver` stands for.

    Attributes:
      make: from a step size, or a schedule of it, and `settings`; equal arguments give
        the same object, which is a static argument of the engine's compiled program.
      learning_rate: by default.
      decay: by default: the schedule, of step size and steps; None: it stays.
      settings: options that are keywords of `make`.
    """

    make: Callable[..., optax.GradientTransformation]
    learning_rate: float
    decay: Callable[[float, int], Schedule] | None
    settings: tuple[str, ...]


LBFGS = Solver(lbfgs, 1.0, None, ("history", "preconditioner", "bounds"))
_PLACED = ("coordinates", "laplacian_levels")
ADAM = Solver(adam, 0.04, cosine, ("adam_epsilon", "adam_beta2", *_PLACED))
RMSPROP = Solver(rmsprop, 0.006, None, _PLACED)
