"""Training of style networks by a perceptual loss (Johnson et al. 2016).

One jitted step: the photos are painted, a frozen network sees photos and pictures, and
Adam (Kingma & Ba 2014) moves the weights. The batch is shared by all devices.
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
from flax import nnx

from nst_jax.devices import lapack, sharding
from nst_jax.errors import ImageError
from nst_jax.feedforward import steady
from nst_jax.feedforward.recipe import Recipe
from nst_jax.feedforward.transformer import TransformerNetwork
from nst_jax.networks.extract import prepare
from nst_jax.networks.network import Network
from nst_jax.options import Options
from nst_jax.perceptual.objective import Problem, SeenObjective
from nst_jax.perceptual.parts import loss_weights
from weights_convert.architectures.transformer import Transformer

_ADAM = optax.scale_by_adam()


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class State:
    """What training carries from one step to the next.

    Attributes:
      weights: of the network, as `nnx.split` gives them.
      adam: Adam's moments.
      step: how many updates were made, int32.
    """

    weights: Any
    adam: optax.OptState
    step: jax.Array


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Wanted:
    """What the network is trained for: data, traced.

    Attributes:
      network: that sees photos and pictures.
      styles: statistics of the paintings, `{part: leaves with a leading [styles]}`.
      weights: `{part: scalar}`.
      steady: weight of the consistency loss.
    """

    network: Network
    styles: Mapping[str, Any]
    weights: Mapping[str, jax.Array]
    steady: jax.Array


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is static of a training: equal plans share a compiled program.

    Attributes:
      graph: of the network, as `nnx.split` gives it.
      objective: of a picture.
      steady: whether there is a consistency loss.
    """

    graph: Any
    objective: SeenObjective
    steady: bool


def initial(architecture: Transformer, seed: int) -> dict[str, np.ndarray]:
    """Arrays of an untrained network: He et al. 2015's kernels, the last one's small.

    The small one, and its bias, make it begin with grey pictures.
    """
    rng = np.random.default_rng(seed)
    found = {}
    for key, shape in architecture.shapes.items():
        part = key.split("/", 1)[1]
        if part == "kernel":
            deviation = math.sqrt(2 / math.prod(shape[:3]))
            deviation *= 0.1 if key.startswith("last/") else 1
            found[key] = rng.normal(0, deviation, shape).astype(np.float32)
        else:
            middle = architecture.white / 2 if key == "last/bias" else 0.0
            found[key] = np.full(shape, float(part == "scale") or middle, np.float32)
    return found


def begin(network: TransformerNetwork) -> tuple[Any, State]:
    """The network's graph, static, and the state before the first step."""
    graph, weights = nnx.split(network)
    return graph, State(weights, _ADAM.init(weights), jnp.zeros((), jnp.int32))


def wanted(
    options: Options,
    network: Network,
    paintings: Sequence[np.ndarray],
    *,
    steady: float = 0.0,
) -> tuple[SeenObjective, Wanted]:
    """What paintings ask for, seen through a network.

    Args:
      options: whose fields `recipe.LOSSES` count.
      network: from `load_network`.
      paintings: `[h, w, 3]` each, sRGB in [0, 1].
      steady: weight of the consistency loss.
    """
    objective = SeenObjective.of(options)
    prepared = prepare(network, objective.losses.taps())

    @jax.jit
    def asked(network: Network, painting: jax.Array) -> dict[str, Any]:
        found = objective.statistics(network, painting, "style")
        return objective.losses.blend([found], [1.0])

    seen = [asked(network, jnp.asarray(painting)) for painting in paintings]
    weights = loss_weights(options)
    return objective, Wanted(
        prepared,
        jax.tree.map(lambda *leaves: jnp.stack(leaves), *seen),
        {part.name: jnp.float32(weights[part.name]) for part in objective.losses.parts},
        jnp.float32(steady),
    )


@functools.partial(jax.jit, static_argnums=0, donate_argnums=1)
def step(
    plan: Plan,
    state: State,
    wanted: Wanted,
    photos: jax.Array,
    styles: jax.Array,
    rate: jax.Array,
    key: jax.Array,
) -> tuple[State, dict[str, jax.Array]]:
    """One update.

    Args:
      plan: static.
      state: donated.
      wanted: see there.
      photos: `[b, h, w, 3]` uint8.
      styles: `[b]` int32, which each is to be painted in.
      rate: the learning rate.
      key: of the consistency loss.

    Returns:
      The new state, and the mean losses `{"total": ..., part: ...}`.
    """
    pixels = photos.astype(jnp.float32) / 255
    count = len(next(iter(jax.tree.leaves(wanted.styles))))
    shares = jax.nn.one_hot(styles, count)

    def loss(weights: Any) -> tuple[jax.Array, dict[str, jax.Array]]:
        network = nnx.merge(plan.graph, weights)
        style = shares if count > 1 else None
        painted = network(pixels, style, confined=False)
        total, parts = _perceptual(plan.objective, wanted, pixels, painted, styles)
        if plan.steady:
            moved = steady.inconsistency(
                lambda images: network(images, style, confined=False),
                pixels,
                painted,
                key,
            )
            parts = {**parts, "steady": wanted.steady * moved}
            total = total + parts["steady"]
        return jnp.mean(total), {n: jnp.mean(part) for n, part in parts.items()}

    (total, parts), gradient = jax.value_and_grad(loss, has_aux=True)(state.weights)
    updates, adam = _ADAM.update(gradient, state.adam)
    weights = optax.apply_updates(
        state.weights, jax.tree.map(lambda u: -rate * u, updates)
    )
    return State(weights, adam, state.step + 1), {"total": total, **parts}


def _perceptual(
    objective: SeenObjective,
    wanted: Wanted,
    photos: jax.Array,
    painted: jax.Array,
    styles: jax.Array,
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Total losses `[b]` and their parts."""
    batch = len(photos)
    contents = objective.of_photos(wanted.network, photos)
    of_style = jax.tree.map(lambda leaf: leaf[styles], wanted.styles)
    weights = {n: jnp.full(batch, weight) for n, weight in wanted.weights.items()}
    targets = jax.lax.stop_gradient({**contents, **of_style})
    return objective(painted, Problem(wanted.network, targets, {}, weights))


def learning_rate(recipe: Recipe, made: int, steps: int) -> float:
    """Of the step after `made` of `steps`: from the recipe's to 0 along a cosine."""
    done = min(1.0, made / max(1, steps))
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


def styles_of(recipe: Recipe, made: int, count: int) -> np.ndarray:
    """`[batch]` int32: the styles of a step's photos."""
    rng = np.random.default_rng([recipe.seed, made, 2])
    return rng.integers(0, count, recipe.batch).astype(np.int32)


@dataclasses.dataclass(frozen=True)
class Progress:
    """What happened up to a step.

    Attributes:
      step: updates made.
      losses: mean over the batch, by part, and "total".
      seconds: since training began, or went on.
      waited: of these, for photos; the device may have been at work meanwhile.
      position: of the photos after the step's own.
      state: after the step; donated to the next.
    """

    step: int
    losses: Mapping[str, float]
    seconds: float
    waited: float
    position: int
    state: State


def run(
    recipe: Recipe,
    plan: Plan,
    state: State,
    wanted: Wanted,
    photos: Any,
    *,
    steps: Callable[[], int],
) -> Iterator[Progress]:
    """Trains up to `steps`; yields after each.

    Args:
      recipe: batch, learning rate, seed.
      plan: static.
      state: to begin or go on with; donated.
      wanted: see there.
      photos: a `data.Photos`.
      steps: gives how many in all, which the schedule of the learning rate is for.
    """
    began = time.perf_counter()
    count = len(next(iter(jax.tree.leaves(wanted.styles))))
    made = int(jax.device_get(state.step))
    layout = sharding.side_by_side(recipe.batch)
    state, wanted = layout.everywhere((state, wanted))
    batch, position = None, photos.position

    def shared(batch: Any) -> Any:
        return jax.device_put(layout.targets(batch))  # On one device too, ahead of it.

    with lapack.one_thread():
        while made < steps():
            if batch is None:
                batch, position = shared(next(photos)), photos.position
            state, losses = step(
                plan,
                state,
                wanted,
                batch,
                shared(styles_of(recipe, made, count)),
                jnp.float32(learning_rate(recipe, made, steps())),
                jax.random.key(recipe.seed * 1_000_003 + made),
            )
            made, seen, batch = made + 1, position, None
            wrong: ImageError | None = None
            if made < steps():  # While the device is at work on this step.
                try:
                    batch, position = shared(next(photos)), photos.position
                except ImageError as error:  # Of the next step: this one was made.
                    wrong = error
            values = {name: float(v) for name, v in jax.device_get(losses).items()}
            seconds = time.perf_counter() - began
            yield Progress(made, values, seconds, photos.waited, seen, state)
            if wrong is not None:
                raise wrong


@functools.partial(jax.jit, static_argnums=0)
def painted(plan: Plan, weights: Any, photos: jax.Array, style: Any) -> jax.Array:
    """Photos as the network paints them so far.

    Args:
      plan: static.
      weights: as in `State`.
      photos: `[b, h, w, 3]`, sRGB in [0, 1].
      style: `[b, styles]` shares, or None.
    """
    return nnx.merge(plan.graph, weights)(photos, style)


def arrays_of(plan: Plan, state: State) -> dict[str, np.ndarray]:
    """The network's arrays by the keys of its architecture's shapes."""
    return nnx.merge(plan.graph, state.weights).arrays()
