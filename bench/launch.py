"""Starts the runners and writes down what they find, line by line as it comes."""

import contextlib
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
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.runners.record import machine, one_line
from bench.score import score
from bench.workload import ROOT, Job

Records = Generator[dict[str, Any], None, None]
"""As they come."""

_NO_TIME = "no time was left"
_GRACE = 60.0  # Seconds past the deadline that what is at work has.

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
        "nst_jax": "jax",
        "PyTorch": "torch",
        "pastiche": "pastiche",
        "onnxruntime": "onnx",
    }
    whole = {"process": "process", "folder": "folder", "losses": "losses"}
    name = whole.get(job.case) or names[job.framework]
    return [sys.executable, "-m", f"bench.runners.run_{name}"]


def run_all(
    jobs: Sequence[Job],
    output: Path,
    *,
    device: Mapping[str, str],
    minutes: float,
    say: Callable[[str], None],
    leave: bool = False,
    runner: Callable[[Job], list[str]] = command,
    patience: float = 1200.0,
) -> list[dict[str, Any]]:
    """Measures jobs, appending each record to a file in `output` at once.

    Args:
      jobs: in order; neighbours for one runner share its process on a GPU, so that it
        starts less often. On a CPU each has its own, and its own memory peak.
      output: folder of the results.
      device: its "platform", and "name" and "driver" of a GPU.
      minutes: after which nothing new is begun; what is at work has one more.
      say: takes a line for each record.
      leave: what no time was left for has no record: a later call is to measure it. One
        that takes more than all minutes has, so that it isn't begun first again.
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
        first = f"it took more than {minutes:.2g} minutes" if leave else ""
        first = "" if records else first
        found = _run_group([job for _, job in group], start, device, deadline, first)
        with contextlib.closing(found):
            for record in found:
                if leave and record.get("skipped") == _NO_TIME:
                    continue
                _check_device(record, device)
                record["session"] = session
                path = output / f"{place(record)}_{record['case']}.jsonl"
                _append(path, json.dumps(record))
                records.append(record)
                say(describe(record))
    return records


def _check_device(record: Mapping[str, Any], device: Mapping[str, str]) -> None:
    if device["platform"] != "cpu" and record["device"]["platform"] == "cpu":
        raise SystemExit(
            f"a GPU is here, but {record['framework']} runs on the CPU: see that its "
            "CUDA build is installed"
        )


def _append(path: Path, line: str) -> None:
    """Adds a line to a file whose last one may have been cut."""
    with path.open("ab+") as file:
        if size := file.seek(0, os.SEEK_END):
            file.seek(size - 1)
            line = line if file.read(1) == b"\n" else f"\n{line}"
        file.write(f"{line}\n".encode())


def _process_of(place: int, job: Job) -> tuple[Any, ...]:
    # Pictures are scored when the process that made them has ended: alone on the GPU.
    alone = place if job.case == "trajectory" else None
    # Losses take turns with Gram's, whose program is compiled once for all.
    variant = None if job.case == "losses" else job.variant
    return (job.case, job.framework, variant, job.precision, alone)


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
    start: Callable[[list[Job]], Records],
    device: Mapping[str, str],
    deadline: float,
    too_long: str,
) -> Records:
    """Records of jobs that share a process; another is started where it dies.

    What the first one of all is skipped for, if it is cut, is told in `too_long`.
    """
    with tempfile.TemporaryDirectory(prefix="nst_jax_bench_") as folder:
        pictures = Path(folder) / "pictures.npy"
        jobs = [dataclasses.replace(job, output=str(pictures)) for job in jobs]
        while jobs:
            if time.monotonic() > deadline:
                yield from (_skipped(job, device, _NO_TIME) for job in jobs)
                return
            made = 0
            with contextlib.closing(start(jobs)) as found:
                whole = jobs[0].case == "trajectory"
                for made, record in enumerate(list(found) if whole else found, 1):
                    yield _finished(record, jobs[made - 1], device, pictures)
                    too_long = ""
            if too_long and time.monotonic() > deadline:
                yield _skipped(jobs[0], device, too_long)
                made = 1
            too_long, jobs = "", jobs[made:]


def _records(
    jobs: list[Job],
    *,
    device: Mapping[str, str],
    deadline: float,
    runner: Callable[[Job], list[str]],
    patience: float,
) -> Records:
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
        found = 0
        with process:
            try:
                for line in _lines(process, patience, deadline):
                    yield json.loads(line)
                    found += 1
            except BaseException:  # Ended from outside, as by SIGTERM.
                process.kill()
                raise
        if found < len(jobs) and time.monotonic() <= deadline:
            errors.seek(0)
            said = errors.read().strip().splitlines()[-1:] or [""]
            reason = f"the runner ended with {process.returncode}: {said[0]}"
            yield _skipped(jobs[found], device, reason)


def _lines(
    process: subprocess.Popen, patience: float, deadline: float
) -> Iterator[str]:
    """The records that a runner prints; it is killed when it takes too long."""
    assert process.stdout
    alarm = _alarm(process, patience, deadline)
    try:
        for line in process.stdout:
            if not (line.startswith("{") and line.endswith("}\n")):
                continue  # A library's noise, or cut off.
            alarm.cancel()
            yield line
            if time.monotonic() > deadline:
                process.kill()
            alarm = _alarm(process, patience, deadline)
    finally:
        alarm.cancel()


# A benchmark compiles for itself: what it finds compiled is not what it measures.
_CLEARED = ("JAX_COMPILATION_CACHE_DIR", "JAX_ENABLE_COMPILATION_CACHE")


def _alarm(
    process: subprocess.Popen, patience: float, deadline: float
) -> threading.Timer:
    """Kills a runner that is silent for too long, or past the deadline by a minute."""
    limit = min(patience, max(1.0, deadline + _GRACE - time.monotonic()))
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
