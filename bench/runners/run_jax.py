"""Measures jobs in this project.

`Job.options` are further fields of `nst_jax.Options`, and the variant only a name for
them; `record.py` says how runners are used.
"""

import dataclasses
import importlib.metadata
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import nst_jax
from bench.runners import jax_painter
from bench.runners.record import check_fits, gpu, peak_host_bytes, serve, steady
from bench.workload import (
    CONTENT_TAP,
    CONTENT_WEIGHT,
    NETWORK,
    STYLE_TAPS,
    STYLE_WEIGHT,
    Job,
    Workload,
)
from nst_jax.devices import programs
from nst_jax.networks import extract
from nst_jax.optimize import begin, chunk
from nst_jax.options import chosen
from nst_jax.presets.gram import CLASSIC
from nst_jax.transfer.lanes import lane_of
from nst_jax.transfer.problem import Studio
from nst_jax.transfer.run import solver as make_solver


def options(job: Job) -> nst_jax.Options:
    """The options that compute the workload, besides those that the job gives."""
    w = job.workload
    fields: dict[str, Any] = {
        "size": w.longest,
        "steps": job.steps or 500,
        "content_taps": (CONTENT_TAP,),
        "style_taps": STYLE_TAPS,
        "content_weight": CONTENT_WEIGHT,
        "style_weight": STYLE_WEIGHT,
        "solver": w.solver,
        "precision": job.precision,
    }
    if w.solver == "lbfgs":
        fields["history"] = w.history
    else:
        fields |= {"learning_rate": w.learning_rate, "learning_rate_decay": "none"}
    return dataclasses.replace(CLASSIC.options, **{**fields, **job.options})


def network(workload: Workload, precision: str) -> Any:
    """VGG-19 around the workload's weights."""
    meant = chosen(nst_jax.Options(precision=precision), "precision")
    return extract.build(NETWORK, workload.network_weights(), precision=meant)


def posed(job: Job) -> tuple[Any, Any]:
    """Objective and data of all lanes of the workload."""
    wanted, content = options(job), job.workload.content()
    studio = Studio(network(job.workload, job.precision), wanted)
    lanes = [lane_of(content, [style], wanted) for style in job.workload.styles()]
    return studio.objective, studio.pose(lanes)


def starts(workload: Workload) -> jax.Array:
    """`[lanes, h, w, 3]`, the photo for every lane."""
    return jnp.stack([jnp.asarray(workload.content())] * workload.lanes)


def losses(job: Job, pictures: np.ndarray) -> list[float]:
    """The loss of each of some pictures `[k, h, w, 3]` of a workload of one lane."""
    shape = (job.workload.height, job.workload.width, 3)
    if pictures.shape[1:] != shape:
        raise ValueError(f"pictures of {pictures.shape[1:]} for {shape}")
    objective, data = posed(job)
    loss = jax.jit(lambda images: objective(images, data)[0])
    return [float(loss(picture[None])[0]) for picture in pictures]


def gradient(job: Job, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Losses `[lanes]` and gradients at `images`, `[lanes, h, w, 3]`."""
    objective, data = posed(job)

    def summed(images: jax.Array) -> tuple[jax.Array, jax.Array]:
        totals, _ = objective(images, data)
        return jnp.sum(totals), totals

    found, totals = jax.jit(jax.grad(summed, has_aux=True))(images)
    return np.asarray(totals), np.asarray(found)


def step(job: Job) -> dict[str, Any]:
    """Seconds a step in a steady state, of the engine's own program."""
    began = time.perf_counter()
    objective, data = posed(job)
    solver = make_solver(options(job))
    state = begin.start(solver, starts(job.workload))
    jax.block_until_ready((state, data))
    prepared = time.perf_counter() - began
    advance = program(objective, solver, state, data)
    compiled = time.perf_counter() - began - prepared

    def run(steps: int) -> np.ndarray:
        nonlocal state
        state, records = advanced(advance, state, data, steps)
        return np.asarray(records["total"])

    first = run(3)[0, :3]
    return {
        "first_losses": [float(loss) for loss in first],
        "warm_up_seconds": prepared + compiled,
        "compile_seconds": compiled,
        "seconds_per_step": steady(run, seconds=job.budget),
        "program_bytes": _program_bytes(advance),
    }


def program(objective: Any, solver: Any, state: chunk.State, data: Any) -> Any:
    """`chunk.program`, compiled as runs have it compiled."""
    pixels = state.image.size // 3
    options = programs.compiler_options(pixels)
    return chunk.program(objective, solver, state, data, options=options)


def advanced(
    program: Any, state: chunk.State, data: Any, steps: int
) -> tuple[chunk.State, dict[str, jax.Array]]:
    """The state after iterations of `chunk.program`, and the last chunk's losses.

    Raises:
      RuntimeError: fewer were made, as a loss diverged: nothing to be timed.
    """
    before = int(state.iteration)
    for done in range(0, steps, chunk.CAPACITY):
        count = np.int32(min(chunk.CAPACITY, steps - done))
        state, records, _ = program(state, data, jax.device_put(count))
    made = int(state.iteration) - before
    if made != steps:
        raise RuntimeError(f"the loss diverged: {made} of {steps} iterations")
    return jax.block_until_ready(state), records


def _program_bytes(program: Any) -> int | None:
    """What a compiled program needs by itself, from XLA's own plan."""
    plan = program.memory_analysis()
    if plan is None:
        return None
    sizes = plan.temp_size_in_bytes, plan.argument_size_in_bytes
    return sum(sizes) + plan.output_size_in_bytes - plan.alias_size_in_bytes


def trajectory(job: Job) -> dict[str, Any]:
    """Pictures of a run at some iterations, with the seconds that they took."""
    content = job.workload.content()
    points, pictures, paused = [], [], 0.0

    def keep(progress: nst_jax.Progress) -> None:
        nonlocal paused
        began = time.perf_counter()
        done, seconds = progress.iteration, progress.seconds - paused
        picture = progress.image()
        # A pyramid's coarse sizes are on the way only.
        if done and done % job.marks == 0 and picture.shape == content.shape:
            points.append({"iteration": done, "seconds": seconds})
            pictures.append(picture)
        paused += time.perf_counter() - began

    result = nst_jax.stylize(
        content,
        list(job.workload.styles()),
        options(job),
        network=network(job.workload, job.precision),
        on_progress=keep,
        every=(job.marks,),
    )
    np.save(job.output, np.stack(pictures))
    return {"warm_up_seconds": result.compile_seconds, "points": points}


def style_set(job: Job) -> dict[str, Any]:
    """Seconds for all paintings, some at a time; see `Job.measured`."""
    content, styles = job.workload.content(), list(job.workload.styles())
    styles = styles[: job.measured or None]
    found = network(job.workload, job.precision)
    seconds = []
    for steps in (1, job.steps):  # The first call compiles.
        wanted = dataclasses.replace(options(job), steps=steps)
        began = time.perf_counter()
        nst_jax.stylize_batch(
            [content], styles, wanted, lanes=job.together or None, network=found
        )
        seconds.append(time.perf_counter() - began)
    return {
        "warm_up_seconds": seconds[0],
        "total_seconds": seconds[1],
        "paintings": len(styles),
    }


_CASES = {
    "step": step,
    "trajectory": trajectory,
    "set": style_set,
    "pass": jax_painter.one_pass,
    "training": jax_painter.training,
}


def measure(job: Job) -> dict[str, Any]:
    """The figures of a job.

    JAX tells the most memory of the whole process only: of several jobs the larger ones
    should come later.
    """
    jax.clear_caches()
    memory = jax.devices()[0].memory_stats() or {}
    check_fits(job, memory.get("bytes_limit"))
    found = _CASES[job.case](job)
    memory = jax.devices()[0].memory_stats() or {}
    device = memory.get("peak_bytes_in_use")
    return {**found, "peak_bytes": {"host": peak_host_bytes(), "device": device}}


def environment() -> dict[str, Any]:
    """Versions, and the device that is used."""
    device = jax.devices()[0]
    versions = {
        name: importlib.metadata.version(name) for name in ("jax", "flax", "optax")
    }
    return {
        "device": {
            "platform": device.platform,
            "name": device.device_kind,
            "driver": gpu().get("driver", ""),
        },
        "versions": {"nst_jax": nst_jax.__version__, **versions},
    }


if __name__ == "__main__":
    serve(measure, environment)
