"""The engine's loop on its own: one image, and any loss of it."""

import contextlib
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from nst_jax.devices import memory
from nst_jax.display.bar import Bar
from nst_jax.errors import OptionsError
from nst_jax.images.source import Source
from nst_jax.optimize import begin, engine
from nst_jax.optimize.engine import Numbers
from nst_jax.options import Options
from nst_jax.transfer.run import solver as solver_of

Loss = Callable[..., Any]
"""`(image [h, w, 3], *data) -> scalar`, or `-> (scalar, {term: scalar})`, pure."""


@dataclasses.dataclass(frozen=True)
class Minimum:
    """What `minimize` found.

    Attributes:
      image: `[h, w, 3]` float32: the iterate of the lowest loss.
      loss: its loss.
      losses: `[n]` float32, of every iteration.
      iterations: updates made, fewer than asked for if the run was stopped.
      events: lines about what went wrong and was answered, such as a divergence.
    """

    image: np.ndarray = dataclasses.field(repr=False)
    loss: float
    losses: np.ndarray = dataclasses.field(repr=False)
    iterations: int
    events: tuple[str, ...]


def minimize(
    image: Any,
    objective: Loss,
    data: tuple[Any, ...] = (),
    *,
    solver: str | optax.GradientTransformation = "lbfgs",
    steps: int = 500,
    progress: bool = False,
    on_progress: Callable[[Numbers], bool | None] | None = None,
) -> Minimum:
    """Changes the pixels of `image` so that `objective` falls: the loop of `stylize`.

    Steps are made on the device, many at a time. After a divergence it goes back to the
    best image with half the step size. (It isn't `nst_jax.optimize`, which is the
    package of the solvers.)

    Args:
      image: to start from: a file's path, or float `[h, w, 3]`, sRGB in [0, 1].
      objective: `objective(image, *data)`, differentiable by JAX, gives a scalar, or a
        scalar and a dictionary of scalars, its terms.
      data: arrays or trees of them, such as a network and targets. The same objective
        with other data of these shapes compiles nothing anew.
      solver: "lbfgs", "adam" or "rmsprop" as by the options of `stylize`, which keep
        every iterate in [0, 1]; or an optax transformation, whose updates are taken as
        they are.
      steps: updates.
      progress: draw a bar.
      on_progress: called after each chunk of iterations; a true answer stops.

    Raises:
      ImageError: an image that can't be read.
      OptionsError: an unknown solver, one that needs more than gradients, or an
        objective that gives no scalar.
      DivergenceError: a loss of `image` that isn't finite.
      NoRoomError: the device's memory is too small.
    """
    name = solver if isinstance(solver, str) else "lbfgs"
    options = Options(solver=name, steps=steps)  # Checks both.
    rule = solver_of(options) if isinstance(solver, str) else solver
    start = jnp.asarray(Source.of(image).read(), jnp.float32)
    data = jax.tree.map(lambda x: x if hasattr(x, "shape") else jnp.asarray(x), data)
    _check(objective, rule, start, data)
    losses, events = [], []
    with (
        memory.explained(),
        Bar(steps) if progress else contextlib.nullcontext() as bar,
    ):
        for made in engine.run(
            _OfLanes(objective),
            data,
            rule,
            begin.start(rule, start[None]),
            steps=steps,
        ):
            (numbers,) = made.lanes
            losses.append(numbers.losses)
            events += [numbers.event] if numbers.event else []
            if bar:
                bar.reach({0: numbers.iteration}, f"loss {numbers.loss:.6g}")
            if on_progress and on_progress(numbers):
                break
        best = np.array(jax.device_get(made.state.best_image[0]))
    return Minimum(
        best,
        numbers.best_loss,
        np.concatenate(losses),
        numbers.iteration,
        tuple(events),
    )


@dataclasses.dataclass(frozen=True)
class _OfLanes:
    """A loss of one image as the engine takes it: of a single lane, with data."""

    loss: Loss

    def __call__(
        self, images: jax.Array, data: tuple[Any, ...], iteration: jax.Array
    ) -> tuple[jax.Array, Mapping[str, jax.Array]]:
        found = self.loss(images[0], *data)
        total, terms = found if isinstance(found, tuple) else (found, {})
        return jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], (total, dict(terms)))


def _check(
    loss: Loss,
    rule: optax.GradientTransformation,
    image: jax.Array,
    data: tuple[Any, ...],
) -> None:
    """Raises `OptionsError` if these don't work together."""
    found = jax.eval_shape(loss, image, *data)
    total, terms = found if isinstance(found, tuple) else (found, {})
    for name, value in {"the loss": total, **terms}.items():
        shape, dtype = value.shape, value.dtype
        if shape or not jnp.issubdtype(dtype, jnp.floating):
            raise OptionsError(
                f"objective: {name} is {dtype} of shape {shape}; return a scalar of a "
                "float dtype, or one and a dictionary of them by name"
            )
    if "total" in terms:
        raise OptionsError("objective: a term can't be named total; call it otherwise")
    try:
        jax.eval_shape(lambda x: rule.update(x, rule.init(x), x), image)
    except TypeError as error:
        raise OptionsError(
            f"solver: the transformation needs more than gradients ({error}); give one "
            "without a line search"
        ) from None
