"""What every record holds besides its figures, and how the figures are taken.

A runner is a process of its own: it takes jobs as JSON arguments and prints one record,
a line of JSON, as soon as each is measured:

    python -m bench.runners.run_jax '{"case": "step", "framework": "nst_jax", ...}'
"""

import functools
import gc
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.workload import Job


class DoesNotFitError(Exception):
    """A workload that the device's memory can't hold."""


def serve(
    measure: Callable[[Job], Mapping[str, Any]],
    environment: Callable[[], Mapping[str, Any]],
) -> None:
    """Measures the jobs on the command line, printing a record for each.

    What fails is a record too, with the reason under "skipped".

    Args:
      measure: the figures of a job.
      environment: framework's versions and device.
    """
    if len(sys.argv) < 2:
        name = Path(sys.argv[0]).stem
        raise SystemExit(
            f"usage: python -m bench.runners.{name} JOB..., jobs as JSON:\n"
            '{"case": "step", "framework": "nst_jax", "variant": "default", '
            '"workload": {"height": 256, "width": 256}}'
        )
    for text in sys.argv[1:]:
        job = Job.parse(text)
        about = {**job.fields(), **machine(), **environment()}
        try:
            found = measure(job)
        except Exception as error:  # Whatever it is, the other jobs are to be done.
            found = {"skipped": one_line(error)}
        print(json.dumps({**about, **found}), flush=True)
        gc.collect()


def one_line(error: BaseException | str) -> str:
    """What went wrong, short."""
    name = "" if isinstance(error, str) else f"{type(error).__name__}: "
    text = " ".join(str(error).split())
    return f"{name}{text}"[:300]


def check_fits(job: Job, available: int | None) -> None:
    """Raises `DoesNotFitError` where a device of `available` bytes is too small."""
    needed = job.workload.least_bytes(job.precision)
    if available is not None and needed > available:
        raise DoesNotFitError(
            f"needs {needed / 2**30:.0f} GiB at least, the device has "
            f"{available / 2**30:.0f} GiB"
        )


def steady(
    run: Callable[[int], object], *, seconds: float, repeats: int = 5
) -> list[float]:
    """Seconds a step: the mean over each of some runs in a steady state.

    Args:
      run: makes that many steps and waits for them.
      seconds: to spend in all, about; every repeat makes one step at least.
      repeats: wanted; fewer where a step takes long, though 2 at least.
    """
    one = _seconds(run, 1)
    if one < 0.05:  # Waiting for one step costs as much as the step.
        one = _seconds(run, 8) / 8
    repeats = min(repeats, max(2, int(seconds / one)))
    steps = max(1, int(seconds / one / repeats))
    return [_seconds(run, steps) / steps for _ in range(repeats)]


def _seconds(run: Callable[[int], object], steps: int) -> float:
    began = time.perf_counter()
    run(steps)
    return time.perf_counter() - began


def peak_host_bytes() -> int:
    """Most memory that this process has held."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage's peak is at least that of the parent.
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def machine() -> dict[str, Any]:
    """When and where, how busy the machine was, and of which commit."""
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "commit": _commit(),
        "load": os.getloadavg()[0],
        "host": {
            "processor": _processor(),
            "cores": len(os.sched_getaffinity(0))
            if hasattr(os, "sched_getaffinity")
            else os.cpu_count(),
            "system": f"{platform.system()} {platform.machine()}",
            "python": platform.python_version(),
        },
    }


@functools.cache
def gpu() -> dict[str, str]:
    """Name and driver of the first NVIDIA GPU; empty where there is none to be used."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") == "":
        return {}
    query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return {}
    if done.returncode or not done.stdout.strip():
        return {}
    name, driver = done.stdout.splitlines()[0].split(",")
    return {"name": name.strip(), "driver": driver.strip()}


@functools.cache
def _commit() -> str | None:
    here = Path(__file__).parent
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--exclude=*"],
            cwd=here,
            capture_output=True,
            text=True,
        )
    except OSError:
        return None
    return done.stdout.strip() or None


@functools.cache
def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
