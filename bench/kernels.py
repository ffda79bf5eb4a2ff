"""Where the time of a step goes: `python3 -m bench.kernels --size=512`.

The kernels of some steps of a job, by the compiled program's instruction that started
them, with their milliseconds a step; of a CPU, what XLA's threads were at. What a
profiler sees of a program isn't what it takes without one, so that the time a step is
measured before, and said beside.
"""

import argparse
import collections
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
from jax.profiler import ProfileData

from bench.cases import OURS
from bench.runners import jax_painter, run_jax
from bench.workload import Job, Workload
from nst_jax.optimize import begin
from nst_jax.transfer.run import solver

STEPS = 64


def main(argv: Sequence[str] | None = None) -> None:
    """Profiles a job, prints a table, and adds a JSON line to a file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--case", choices=sorted(_CASES), default="step")
    parser.add_argument("--size", type=int, default=512, help="of pictures, in pixels")
    parser.add_argument("--lanes", type=int, default=1, help="pictures side by side")
    parser.add_argument("--solver", choices=("adam", "lbfgs"), default="adam")
    parser.add_argument("--precision", default="bfloat16")
    parser.add_argument(
        "--options", default="{}", help="JSON of further fields of nst_jax.Options"
    )
    parser.add_argument("--shown", type=int, default=30, help="lines of the table")
    parser.add_argument("--output", type=Path, help="a file of JSON lines")
    flags = parser.parse_args(argv)
    job = Job(
        *(flags.case, OURS, "default"),
        Workload(flags.size, flags.size, flags.lanes, flags.solver),
        flags.precision,
        options=json.loads(flags.options),
    )
    run = _CASES[flags.case](job)
    jax.block_until_ready(run())
    began = time.perf_counter()
    for _ in range(3):
        jax.block_until_ready(run())
    measured = (time.perf_counter() - began) / 3
    steps = STEPS if flags.case == "step" else 1
    found = kernels(run)
    record = {
        **job.fields(),
        "device": jax.devices()[0].device_kind,
        "ms_per_step": 1e3 * measured / steps,
        "kernels": [
            {"name": name, "count": count / steps, "ms": 1e3 * seconds / steps}
            for name, (count, seconds) in found
        ],
    }
    print(table(record, flags.shown), flush=True)
    if flags.output:
        with flags.output.open("a") as file:
            file.write(json.dumps(record) + "\n")


def kernels(run: Callable[[], Any]) -> list[tuple[str, tuple[int, float]]]:
    """How often each kernel ran in one call, and seconds in all, the longest first."""
    with tempfile.TemporaryDirectory(prefix="nst_jax_bench_") as folder:
        with jax.profiler.trace(folder):
            jax.block_until_ready(run())
        (path,) = Path(folder).rglob("*.xplane.pb")
        counts: collections.Counter[str] = collections.Counter()
        seconds: collections.Counter[str] = collections.Counter()
        for name, taken in _events(ProfileData.from_file(str(path))):
            counts[name] += 1
            seconds[name] += taken  # type: ignore[assignment]
    return [(name, (counts[name], s)) for name, s in seconds.most_common()]


def _events(profile: ProfileData) -> Iterator[tuple[str, float]]:
    """Kernels of a device's streams; of a CPU, instructions that threads were at."""
    planes = list(profile.planes)
    devices = [p for p in planes if p.name.startswith("/device:GPU")]
    for plane in devices or planes:
        for line in plane.lines:
            if devices and not line.name.startswith("Stream"):
                continue
            for event in line.events:
                about = {key: value for key, value in event.stats if key}
                op = about.get("hlo_op")
                if devices or op:
                    kernel = event.name[:60]
                    name = f"{op}: {kernel}" if devices and op else op or kernel
                    yield str(name), event.duration_ns / 1e9


def table(record: dict[str, Any], shown: int) -> str:
    """The kernels that take the most, and all of them together."""
    found = record["kernels"]
    busy = sum(kernel["ms"] for kernel in found)
    count = sum(kernel["count"] for kernel in found)
    w = record["workload"]
    lines = [
        f"{record['case']} {w['width']}x{w['height']}, {w['lanes']} lanes, "
        f"{w['solver']}, {record['precision']}: {record['ms_per_step']:.4f} ms a step; "
        f"{count:.0f} kernels, {busy:.4f} ms by the profiler"
    ]
    lines += [
        f"  {1e3 * kernel['ms']:8.1f} us {kernel['count']:5.1f}x  {kernel['name']}"
        for kernel in found[:shown]
    ]
    return "\n".join(lines)


def _steps(job: Job) -> Callable[[], Any]:
    """A chunk of iterations, of the engine's own program."""
    objective, data = run_jax.posed(job)
    made = solver(run_jax.options(job))
    state = begin.start(made, run_jax.starts(job.workload))
    advance = run_jax.program(objective, made, state, data)

    def run() -> Any:
        nonlocal state
        state, records = run_jax.advanced(advance, state, data, STEPS)
        return records

    return run


_CASES: dict[str, Callable[[Job], Callable[[], Any]]] = {
    "step": _steps,
    "pass": jax_painter.painted,
    "training": jax_painter.stepper,
}


if __name__ == "__main__":
    main()
