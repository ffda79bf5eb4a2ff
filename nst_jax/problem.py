"""The optimisation problem that pictures and options pose: objective and its data."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from nst_jax.losses.objective import StyleObjective, Targets, Weights, blend
from nst_jax.networks import registry
from nst_jax.options import Options, OptionsError


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Problem:
    """The data of an objective, traced: network, targets and weights of the losses."""

    network: nnx.Module
    targets: Targets
    weights: Weights


@dataclasses.dataclass(frozen=True)
class Objective:
    """A `StyleObjective` seen through a network, as the engine takes it.

    Attributes:
      style: the losses.
      precision: of products of float32 arrays, as `options.Options.precision`.
    """

    style: StyleObjective
    precision: str = "float32"

    def __call__(
        self, image: jax.Array, problem: Problem
    ) -> tuple[jax.Array, dict[str, jax.Array]]:
        """Total loss and terms of `image`, `[h, w, 3]`."""
        features = functools.partial(registry.extract, problem.network)
        with self.arithmetic():
            return self.style(features, image, problem.targets, problem.weights)

    def arithmetic(self) -> Any:
        """The context in which products of float32 arrays have this precision."""
        # "float32" has to be asked for: JAX's default is TF32 on GPUs, bfloat16 on
        # TPUs. A bfloat16 network keeps full products for its float32 statistics.
        tf32 = self.precision == "tf32"
        return jax.default_matmul_precision("tensorfloat32" if tf32 else "float32")


def pose(
    content: np.ndarray,
    styles: Sequence[np.ndarray],
    options: Options,
    network: nnx.Module,
) -> tuple[Objective, Problem]:
    """The optimisation problem of a photo and paintings.

    Args:
      content: `[h, w, 3]`, sRGB in [0, 1], at the size of the result.
      styles: each `[h', w', 3]`, at the size at which its strokes count.
      options: taps, formulas and weights are taken from here.
      network: that sees them.

    Returns:
      The objective, static, and its data.

    Raises:
      OptionsError: a picture too small for a tap to see anything of it.
    """
    objective = Objective(
        StyleObjective(
            options.content_taps, options.style_taps, options.gram, options.tv
        ),
        resolve_precision(options.precision),
    )
    _check_size(network, content, options.content_taps + options.style_taps)
    for style in styles:
        _check_size(network, style, options.style_taps)
    shares = options.style_blend or (1.0,) * len(styles)
    targets = Targets(
        content=_content_targets(objective, network, jnp.asarray(content)),
        style=blend(
            [_style_targets(objective, network, jnp.asarray(s)) for s in styles], shares
        ),
    )
    network = registry.prepare(network, objective.style.taps)
    return objective, Problem(network, targets, loss_weights(options))


def _check_size(
    network: nnx.Module, picture: np.ndarray, taps: tuple[str, ...]
) -> None:
    image = jax.ShapeDtypeStruct((1, *picture.shape), jnp.float32)
    shapes = jax.eval_shape(
        functools.partial(registry.extract, taps=taps), network, image
    )
    for tap in taps:
        if not shapes[tap].size:
            height, width, _ = picture.shape
            raise OptionsError(
                f"a picture of {width}x{height} is too small for {tap}, which sees "
                "nothing of it: give a larger size, or earlier taps"
            )


def loss_weights(options: Options) -> Weights:
    """The weights of the terms: overall weight times the tap's own."""

    def by_tap(
        taps: tuple[str, ...], weight: float, tap_weights: tuple[float, ...]
    ) -> Mapping[str, jax.Array]:
        factors = tap_weights or (1.0,) * len(taps)
        return {
            tap: jnp.float32(weight * factor)
            for tap, factor in zip(taps, factors, strict=True)
        }

    return Weights(
        content=by_tap(
            options.content_taps, options.content_weight, options.content_tap_weights
        ),
        style=by_tap(
            options.style_taps, options.style_weight, options.style_tap_weights
        ),
        total_variation=jnp.float32(options.tv_weight),
    )


@functools.partial(jax.jit, static_argnums=0)
def _content_targets(
    objective: Objective, network: nnx.Module, content: jax.Array
) -> dict[str, jax.Array]:
    with objective.arithmetic():
        features = functools.partial(registry.extract, network)
        return objective.style.content_targets(features, content)


@functools.partial(jax.jit, static_argnums=0)
def _style_targets(
    objective: Objective, network: nnx.Module, style: jax.Array
) -> dict[str, jax.Array]:
    with objective.arithmetic():
        features = functools.partial(registry.extract, network)
        return objective.style.style_targets(features, style)


def resolve_precision(precision: str) -> str:
    """What "auto" means on this machine's default device; others stay."""
    if precision != "auto":
        return precision
    return "float32" if jax.default_backend() == "cpu" else "bfloat16"
