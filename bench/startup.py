"""What the start of a run costs: CPU seconds and memory, part by part.

    python -m bench.startup --size=256 --output=bench/results/startup/cpu.jsonl

CPU seconds of all threads, as other programs may run beside it. Each turn is a process
of its own; the first fills the cache of compiled programs and is left out. Weights are
random unless VGG-19's are stored.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.runners.record import machine, peak_host_bytes
from bench.runners.run_process import timed
from bench.workload import NETWORK, ROOT, Workload
from weights_convert import store

_PAIR = ("examples/photos/cat.jpg", ("examples/styles/swirls.jpg",))


class _Parts:
    """CPU seconds of parts, and the most memory that the process held after each."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, float]] = {}

    @contextlib.contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        began = time.process_time()
        yield
        spent = time.process_time() - began
        self.found[name] = {"cpu_seconds": spent, "peak_bytes": peak_host_bytes()}


def parts(side: int, cache: str) -> dict[str, dict[str, float]]:
    """The parts of the start of one size of a run, by L-BFGS and the default losses.

    Args:
      side: of the square picture, in pixels.
      cache: folder of compiled programs.
    """
    part = _Parts()
    with part("interpreter and this program"):
        pass
    part.found["interpreter and this program"]["cpu_seconds"] = time.process_time()
    with part("import"):
        import jax
        import jax.numpy as jnp

        import nst_jax
        import nst_jax.transfer.batch
        from nst_jax.devices import programs
        from nst_jax.networks import extract
        from nst_jax.optimize import begin, chunk
        from nst_jax.options import chosen
        from nst_jax.transfer.lanes import lane_of
        from nst_jax.transfer.problem import Studio
        from nst_jax.transfer.run import solver
    with part("device"):
        programs.keep_compiled_programs(cache, Path(cache))
        jnp.zeros(1).block_until_ready()
    workload = Workload(side, side, photo=_PAIR[0], paintings=_PAIR[1])
    options = nst_jax.Options(size=side, pyramid=1, steps=1)
    with part("weights"):
        weights, _ = store.load(NETWORK)
    with part("network"):
        network = extract.build(
            NETWORK, weights, precision=chosen(options, "precision")
        )
        del weights
    with part("prepare"):
        studio = Studio(network, options)
    with part("pictures"):
        content, styles = workload.content(), list(workload.styles())
        lane = lane_of(content, styles, options)
    with part("targets"):
        problem = studio.pose([lane])
        state = begin.start(solver(options), jnp.asarray(content)[None])
        jax.block_until_ready((problem, state))
    with part("trace"):
        count = jnp.int32(1)
        traced = chunk.run_chunk.trace(
            studio.objective, solver(options), state, problem, count
        )
    with part("lower"):
        lowered = traced.lower()
    with part("compile, or read"):
        program = lowered.compile(programs.compiler_options(side * side))
    with part("first iteration"):
        jax.block_until_ready(program(state, problem, count))
    return part.found


def program(side: int, cache: str, folder: Path) -> dict[str, float]:
    """`nst-jax stylize` by its defaults but for one iteration, start to file."""
    photo, (painting, *_) = Workload(
        side, side, photo=_PAIR[0], paintings=_PAIR[1]
    ).write_pictures(folder)
    command = [sys.executable, "-m", "nst_jax.commands.main", "stylize"]
    command += [str(photo), str(painting), f"--output={folder / 'out.png'}"]
    command += [f"--size={side}", "--steps=1", "--overwrite=yes", "--offline"]
    command += [f"--compilation_cache_dir={cache}"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    spent = timed(command, environment, folder / "log.txt")
    return {"cpu_seconds": spent.cpu_seconds, "peak_bytes": spent.peak_bytes}


def _turn(side: int, folder: Path) -> dict[str, dict[str, float]]:
    cache = str(folder / "cache")
    done = subprocess.run(
        [sys.executable, "-m", "bench.startup", f"--parts={side}", f"--cache={cache}"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**found, "program": program(side, f"{cache}-program", folder)}


def _median(turns: Sequence[dict[str, Any]], name: str, value: str) -> float:
    return statistics.median(turn[name][value] for turn in turns)


def main(argv: Sequence[str] | None = None) -> None:
    """Measures and prints a table; adds the figures to a file if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=256, help="of the picture, pixels")
    parser.add_argument("--turns", type=int, default=3, help="processes")
    parser.add_argument("--note", default="", help="what was changed")
    parser.add_argument("--output", type=Path, help="a file to add a JSON line to")
    parser.add_argument("--parts", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--cache", help=argparse.SUPPRESS)
    flags = parser.parse_args(argv)
    if flags.parts:
        print(json.dumps(parts(flags.parts, flags.cache)))
        return
    with tempfile.TemporaryDirectory(prefix="nst_jax_startup_") as name:
        folder = Path(name)
        if not store.weights_path(NETWORK).is_file():
            os.environ["NST_JAX_HOME"] = str(folder / "home")
            store.save(NETWORK, Workload().network_weights(), {})
        first, *turns = [_turn(flags.size, folder) for _ in range(1 + flags.turns)]
    print(f"{'part':32}{'CPU s':>8}{'cold':>8}{'peak MiB':>10}")
    for part in turns[0]:
        seconds = _median(turns, part, "cpu_seconds")
        cold, peak = first[part]["cpu_seconds"], _median(turns, part, "peak_bytes")
        print(f"{part:32}{seconds:8.2f}{cold:8.2f}{peak / 2**20:10.0f}")
    if flags.output:
        record = {**machine(), "size": flags.size, "note": flags.note}
        flags.output.parent.mkdir(parents=True, exist_ok=True)
        with flags.output.open("a") as file:
            file.write(json.dumps({**record, "cold": first, "warm": turns}) + "\n")


if __name__ == "__main__":
    main()
