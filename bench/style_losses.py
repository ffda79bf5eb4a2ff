"""What a step costs by each loss, beside Gram matrices: seconds, and how many times.

    python -m bench.style_losses --output=bench/results/cpu_losses.json

Alone on the machine. All losses of a size are compiled first; then each makes a few
steps in turn, so that what else the machine does meets all of them. A step is the
engine's own: the network, the loss, its gradient and L-BFGS.
"""

import argparse
import contextlib
import dataclasses
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax

import nst_jax
from bench.cases import GRAM, LOSSES
from bench.runners import run_jax
from bench.runners.record import machine
from bench.workload import Job, Workload
from nst_jax.optimize import begin
from nst_jax.transfer.following import followed
from nst_jax.transfer.lanes import lane_of
from nst_jax.transfer.problem import Studio
from nst_jax.transfer.run import solver

Losses = Mapping[str, Mapping[str, Any]]
"""Options by the name of a loss."""


def steppers(
    side: int, losses: Losses, precision: str
) -> dict[str, Callable[[int], float]]:
    """By the name of a loss what makes so many steps, and gives their seconds.

    Args:
      side: of the square picture, in pixels.
      losses: those that are asked for.
      precision: of the network.
    """
    pair = {"photo": "examples/photos/cat.jpg"}
    workload = Workload(
        *(side, side), solver="lbfgs", paintings=("examples/styles/swirls.jpg",), **pair
    )
    network = run_jax.network(workload, precision)
    here, found = None, {}
    for name, changes in losses.items():
        job = Job("step", "nst_jax", name, workload, precision, options=dict(changes))
        options = run_jax.options(job)
        studio = Studio(network, options)
        lane = lane_of(workload.content(), list(workload.styles()), options)
        problem = studio.pose([lane])
        if studio.objective.losses.follows:
            began = run_jax.starts(workload)
            problem = followed(studio, problem, [lane], began, coarsest=True)
        # The network as this machine computes it fastest, once.
        here = here or problem.network
        problem = dataclasses.replace(problem, network=here)
        found[name] = _stepper(studio.objective, options, problem, workload)
    return found


def _stepper(
    objective: Any, options: nst_jax.Options, problem: Any, workload: Workload
) -> Callable[[int], float]:
    rule = solver(options)
    state = begin.start(rule, run_jax.starts(workload))
    advance = run_jax.program(objective, rule, state, problem)

    def run(steps: int) -> float:
        nonlocal state
        began = time.perf_counter()
        state, _ = run_jax.advanced(advance, state, problem, steps)
        return time.perf_counter() - began

    return run


def measure(
    side: int,
    *,
    turns: int,
    steps: int,
    losses: Losses = LOSSES,
    precision: str = "float32",
) -> dict[str, Any]:
    """Seconds a step of each loss, and the median of its ratios to Gram's in turn.

    Args:
      side: of the square picture, in pixels.
      turns: of all losses.
      steps: of a loss in a turn.
      losses: those that are asked for, Gram's among them.
      precision: of the network.
    """
    makers = steppers(side, losses, precision)
    seconds: dict[str, list[float]] = {name: [] for name in makers}
    with _one_thread():
        for make in makers.values():
            make(2)  # Not as the first ones.
        for _ in range(turns):
            for name, make in makers.items():
                seconds[name].append(make(steps) / steps)
    return {
        name: {
            "seconds_per_step": times,
            "median": statistics.median(times),
            "of_gram": statistics.median(
                one / other for one, other in zip(times, seconds[GRAM], strict=True)
            ),
        }
        for name, times in seconds.items()
    }


def _one_thread() -> contextlib.AbstractContextManager[Any]:
    """LAPACK's, as runs have it; not limited where threadpoolctl isn't installed."""
    try:
        import threadpoolctl
    except ImportError:
        return contextlib.nullcontext()
    limited: contextlib.AbstractContextManager[Any]
    limited = threadpoolctl.threadpool_limits(1, user_api="blas")
    return limited


def main(argv: Sequence[str] | None = None) -> None:
    """Measures and prints a table; writes the figures if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="256,512", help="sides in pixels")
    parser.add_argument("--turns", type=int, default=5, help="of all losses")
    parser.add_argument("--steps", type=int, default=4, help="of a loss in a turn")
    parser.add_argument("--output", type=Path, help="a JSON file of the figures")
    flags = parser.parse_args(argv)
    about = {**machine(), **run_jax.environment()}
    sizes: dict[str, Any] = {}
    for side in map(int, flags.sizes.split(",")):
        sizes[str(side)] = found = measure(side, turns=flags.turns, steps=flags.steps)
        jax.clear_caches()
        for name, figures in found.items():
            times = f"{figures['median']:8.3f} s a step, {figures['of_gram']:.2f} of"
            print(f"{side:5} px  {name:16} {times} Gram's", flush=True)
    if flags.output:
        flags.output.write_text(json.dumps({**about, "sizes": sizes}, indent=2) + "\n")


if __name__ == "__main__":
    main()
