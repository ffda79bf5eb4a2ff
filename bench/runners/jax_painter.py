"""One-pass networks in this project: a pass, a step of training."""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bench.runners.record import steady
from bench.workload import (
    PAINTER,
    PAINTER_CONTENT_TAP,
    PAINTER_CONTENT_WEIGHT,
    PAINTER_LEARNING_RATE,
    PAINTER_LOSS,
    PAINTER_STYLE_TAPS,
    PAINTER_STYLE_WEIGHT,
    Job,
    painter_weights,
    random_weights,
)
from nst_jax.feedforward import compiled, train
from nst_jax.feedforward.transformer import TransformerNetwork
from nst_jax.networks import extract
from nst_jax.options import chosen
from nst_jax.presets.gram import CLASSIC


def _network(precision: str) -> TransformerNetwork:
    dtype = jnp.bfloat16 if precision == "bfloat16" else jnp.float32
    return TransformerNetwork(
        PAINTER, painter_weights(np.random.default_rng(2)), dtype=dtype
    )


def painter(precision: str) -> tuple[TransformerNetwork, Any]:
    """The network, and what `nst-jax apply` jits for pictures of one shape."""
    return _network(precision), compiled.FILLED


def painted(job: Job) -> Callable[[], jax.Array]:
    """Paints the batch by the program that `nst-jax apply` compiles for it."""
    w = job.workload
    images = jnp.asarray(np.stack([w.content()] * w.lanes))
    network, paint = painter(job.precision)
    given = network, images, None
    program = paint.lower(*given).compile()
    return lambda: program(*given)


def one_pass(job: Job) -> dict[str, Any]:
    """Seconds a batch of pictures, from float pixels to float pixels."""
    began = time.perf_counter()
    paint = painted(job)
    jax.block_until_ready(paint())
    warm_up = time.perf_counter() - began

    def run(steps: int) -> None:
        for _ in range(steps):
            found = paint()
        jax.block_until_ready(found)

    return {
        "warm_up_seconds": warm_up,
        "seconds_per_step": steady(run, seconds=job.budget),
    }


def trained(job: Job) -> tuple[train.Plan, train.State, train.Wanted]:
    """What a step of training takes, of an untrained network and the first painting."""
    w = job.workload
    options = dataclasses.replace(
        CLASSIC.options,
        network=PAINTER_LOSS.name,
        content_taps=(PAINTER_CONTENT_TAP,),
        style_taps=PAINTER_STYLE_TAPS,
        content_weight=PAINTER_CONTENT_WEIGHT,
        style_weight=PAINTER_STYLE_WEIGHT,
        precision=job.precision,
    )
    weights = random_weights(PAINTER_LOSS, np.random.default_rng(1))
    meant = chosen(options, "precision")
    network = extract.build(PAINTER_LOSS, weights, precision=meant)
    objective, wanted = train.wanted(options, network, list(w.styles()[:1]))
    # As `nst-jax train` does it: the network itself is float32.
    graph, state = train.begin(_network("float32"))
    return train.Plan(graph, objective, False), state, wanted


def stepper(job: Job) -> Callable[[], float]:
    """Makes one update of an untrained network after the other; gives the loss."""
    w = job.workload
    plan, state, wanted = trained(job)
    photos = np.stack([_bytes(w.content())] * w.lanes)
    rate, styles = jnp.float32(PAINTER_LEARNING_RATE), jnp.zeros(w.lanes, jnp.int32)
    key = jax.random.key(0)

    def step() -> float:
        nonlocal state
        seen = jax.device_put(photos)
        state, losses = train.step(plan, state, wanted, seen, styles, rate, key)
        return float(losses["total"])

    return step


def training(job: Job) -> dict[str, Any]:
    """Seconds a step of training, from bytes of photos to new weights."""
    began = time.perf_counter()
    step = stepper(job)
    first = [step() for _ in range(3)]
    warm_up = time.perf_counter() - began

    def run(steps: int) -> None:
        for _ in range(steps):
            step()

    return {
        "first_losses": first,
        "warm_up_seconds": warm_up,
        "seconds_per_step": steady(run, seconds=job.budget),
    }


def _bytes(image: np.ndarray) -> np.ndarray:
    return np.round(255 * image).astype(np.uint8)
