"""Times the step workload in this project: `python -m bench.run_jax --size=256 ...`.

Prints one JSON record: seconds a step (each of the repeats), loss of the first steps,
compile seconds, versions. Runs in a process of its own.
"""

import argparse
import json
import platform
import time

import jax
import jax.numpy as jnp
import numpy as np

import nst_jax
from bench.workload import Workload
from nst_jax.networks import registry
from nst_jax.optimize import engine
from nst_jax.optimize.solvers import solver as make_solver
from nst_jax.problem import pose


def measure(workload: Workload, *, steps: int, repeats: int, precision: str) -> dict:
    """The record of one workload."""
    options = nst_jax.Options(
        size=workload.size,
        content_taps=(workload.content_tap,),
        style_taps=workload.style_taps,
        content_weight=workload.content_weight,
        style_weight=workload.style_weight,
        solver=workload.solver,
        history=workload.history,
        learning_rate=workload.learning_rate if workload.solver == "adam" else None,
        learning_rate_decay="none",
        precision=precision,
    )
    network = registry.build("vgg19", workload.weights(), precision=precision)
    content, style = workload.pictures()
    objective, data = pose(content, [style], options, network)
    solver = make_solver(options)
    state = engine.start(solver, jnp.asarray(content))

    began = time.perf_counter()
    state, records = engine.run_chunk(objective, solver, state, data, np.int32(3))
    losses = np.asarray(records["total"])[:3]
    warm_up = time.perf_counter() - began
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        state, records = engine.run_chunk(
            objective, solver, state, data, np.int32(steps)
        )
        jax.block_until_ready((state.image, records))
        seconds.append((time.perf_counter() - began) / steps)
    return {
        "framework": "nst_jax",
        "versions": {
            "nst_jax": nst_jax.__version__,
            "jax": jax.__version__,
            "python": platform.python_version(),
        },
        "device": jax.devices()[0].device_kind,
        "precision": precision,
        "variant": "device loop in chunks",
        "first_losses": [float(loss) for loss in losses],
        "warm_up_seconds": warm_up,
        "seconds_per_step": seconds,
    }


def main() -> None:
    """Prints the record that the flags ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--solver", default="adam")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--precision", default="float32")
    flags = parser.parse_args()
    record = measure(
        Workload(size=flags.size, solver=flags.solver),
        steps=flags.steps,
        repeats=flags.repeats,
        precision=flags.precision,
    )
    print(json.dumps(record))


if __name__ == "__main__":
    main()
