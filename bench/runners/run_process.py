"""Times programs from process start to saved file.

Every program is run once with an empty compilation cache, then some times with the one
that it left. `record.py` says how runners are used.
"""

import dataclasses
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.runners.programs import PROGRAMS, prepared, versions
from bench.runners.record import gpu, serve
from bench.score import score
from bench.workload import ROOT, Job

_TIME_LIMIT = 900.0


def measure(job: Job) -> dict[str, Any]:
    """Seconds of the first and of later runs, memory, and the score of the picture."""
    with prepared(job) as (folder, environment):
        photo, (painting, *_) = job.workload.write_pictures(folder)
        output = folder / "out.png"
        if job.framework == "nst_jax":
            cache = {"compilation_cache_dir": str(folder / "cache")}
            job = dataclasses.replace(job, options={**job.options, **cache})
        command = PROGRAMS[job.framework](job, photo, painting, output)
        log = folder / "log.txt"
        runs = [timed(command, environment, log) for _ in range(1 + job.repeats)]
        (loss,) = score(job, [output])
    return {
        "versions": versions(job),
        "first_seconds": runs[0].seconds,
        "later_seconds": [run.seconds for run in runs[1:]],
        "score": loss,
        "peak_bytes": {"host": max(run.peak_bytes for run in runs), "device": None},
    }


@dataclasses.dataclass(frozen=True)
class Spent:
    """What a program took.

    Attributes:
      seconds: from start to end.
      cpu_seconds: of all its threads.
      peak_bytes: the most memory that it held.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int


def timed(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Spent:
    """Runs a program, what it says into a file.

    Raises:
      RuntimeError: it failed, or took more than 15 minutes.
    """
    began = time.perf_counter()
    with log.open("w") as file:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=ROOT,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    alarm = threading.Timer(_TIME_LIMIT, process.kill)
    alarm.start()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    alarm.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        said = log.read_text().strip()[-200:]
        raise RuntimeError(f"status {process.returncode} after {seconds:.0f} s: {said}")
    return Spent(seconds, usage.ru_utime + usage.ru_stime, peak_bytes(usage))


def peak_bytes(usage: resource.struct_rusage) -> int:
    """The most memory that an ended process held, of what `os.wait4` tells of it."""
    return usage.ru_maxrss if sys.platform == "darwin" else usage.ru_maxrss * 1024


def environment() -> dict[str, Any]:
    """The device; versions are the program's."""
    found = gpu()
    return {"device": {"platform": "gpu" if found else "cpu", **found}}


if __name__ == "__main__":
    serve(measure, environment)
