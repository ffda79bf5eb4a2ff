"""Runs a benchmark: `python -m bench.run quick`, `cpu` or `device`.

Alone on the machine. Records are appended to JSON-lines files in `bench/results/`, each
as soon as it is measured; `python -m bench.report` makes the report of them.

`device` needs a GPU, and nothing else but jax with its CUDA plugin, flax, optax, torch,
safetensors, pillow, numpy, scipy, tqdm, psutil and filelock. No network: where no
weights are stored it takes random ones. It goes on in pieces of under 10 minutes, the
first of which begins with `bench.smoke`:

    python3 -m bench.run device                     # 8 minutes
    python3 -m bench.run device --resume            # until nothing is left
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench import cases, launch
from bench.report import tables
from bench.runners.record import gpu
from bench.smoke.outcome import passed
from bench.workload import ROOT, Job

RESULTS = ROOT / "bench/results"
SMOKE = "smoke"
"""No case that is measured: whether anything should be."""
CASES = (
    *(SMOKE, "step", "process", "trajectory", "set", "losses"),
    *("pass", "training", "folder"),
)
_MINUTES = {"quick": 4, "cpu": 90, "device": 8}


def main(argv: Sequence[str] | None = None) -> None:
    """Measures what the flags ask for, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("selection", choices=("quick", "cpu", "device"))
    parser.add_argument(
        "--output",
        type=Path,
        help="folder of the results; default: bench/results, of quick: out/bench",
    )
    parser.add_argument(
        "--cases",
        default=",".join(CASES),
        help=f"only these, of {','.join(CASES)}",
    )
    parser.add_argument(
        "--minutes",
        type=float,
        help="begin nothing new after so many; default: 4 for quick, 8 for device, "
        "90 for cpu",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="leave out what the results folder has already; what failed comes last",
    )
    parser.add_argument("--list", action="store_true", help="print the jobs only")
    flags = parser.parse_args(argv)
    if unknown := set(flags.cases.split(",")) - set(CASES):
        parser.error(f"unknown cases: {', '.join(sorted(unknown))}")
    if flags.selection == "cpu":  # Also where there is a GPU.
        os.environ.update(CUDA_VISIBLE_DEVICES="", JAX_PLATFORMS="cpu")
    if flags.selection == "device" and not (gpu() or flags.list):
        parser.error("no NVIDIA GPU is here (nvidia-smi finds none)")
    jobs = {
        "quick": lambda: cases.quick(bool(gpu())),
        "cpu": cases.cpu,
        "device": cases.device,
    }[flags.selection]()
    jobs = [job for job in jobs if job.case in flags.cases.split(",")]
    output = flags.output or _default_output(flags.selection)
    if flags.resume:
        jobs = _left(jobs, output)
    if flags.list:
        print("\n".join(str(job) for job in jobs))
        return
    began, minutes = time.monotonic(), flags.minutes or _MINUTES[flags.selection]
    in_pieces = flags.selection == "device"
    if in_pieces and SMOKE in flags.cases.split(","):
        _smoke(output, again=not flags.resume)
    if (load := os.getloadavg()[0]) > 0.7:
        print(f"The machine is busy (load {load:.1f}): times will mean little.")
    records = launch.run_all(
        jobs,
        output,
        device={"platform": "gpu", **gpu()} if gpu() else {"platform": "cpu"},
        minutes=minutes - (time.monotonic() - began) / 60,
        say=lambda line: print(line, flush=True),
        leave=in_pieces,
    )
    print(f"\n{tables.everything(records)}\nRecords are in {output}")
    if left := len(jobs) - len(records):
        print(f"{left} jobs are left: go on with --resume")


def _left(jobs: Sequence[Job], output: Path) -> list[Job]:
    """Those that weren't measured yet; last those that were tried, and failed."""
    records = tables.read(output)
    done, tried = (
        {launch.identity(r) for r in records if ("skipped" in r) == failed}
        for failed in (False, True)
    )
    names = [launch.identity(job.fields()) for job in jobs]
    left = [pair for pair in zip(names, jobs, strict=True) if pair[0] not in done]
    return [job for _, job in sorted(left, key=lambda pair: pair[0] in tried)]


def _smoke(output: Path, *, again: bool) -> None:
    """Runs `bench.smoke`, if it hasn't passed.

    Raises:
      SystemExit: something is wrong.
    """
    folder = output / SMOKE  # Its lines are no records of a job.
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{launch.place({'device': {'platform': 'gpu', **gpu()}})}.jsonl"
    if not again and passed(path):
        return
    if not _passes(path):
        raise SystemExit(
            "the smoke test found something wrong: mend that first, or measure all the "
            "same by --cases without smoke"
        )


def _passes(path: Path) -> bool:
    """Whether `bench.smoke` finds all right; its lines are added to a file."""
    command = [sys.executable, "-m", "bench.smoke", "--device=gpu", f"--output={path}"]
    return subprocess.run(command, cwd=ROOT).returncode == 0


def _end(number: int, frame: object) -> None:
    """Ends the program as an error does, so that its runner ends too."""
    raise SystemExit(128 + number)


def _default_output(selection: str) -> Path:
    # A quick look is no evidence: the report does not read it.
    return ROOT / "out/bench" if selection == "quick" else RESULTS


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    main()
