"""Runs a benchmark: `python -m bench.run quick`, `cpu` or `device`.

Alone on the machine. Records are appended to JSON-lines files in `bench/results/`, each
as soon as it is measured; `python -m bench.report` makes the report of them.

`device` needs a GPU, and nothing else but jax with its CUDA plugin, flax, optax, torch,
safetensors, pillow and the like. No network: where no weights are stored it takes
random ones.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from bench import cases, launch
from bench.report import tables
from bench.runners.record import gpu
from bench.workload import ROOT

RESULTS = ROOT / "bench/results"
CASES = ("step", "process", "trajectory", "set", "pass", "training", "folder")
_MINUTES = {"quick": 4, "cpu": 90, "device": 25}


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
        help="begin nothing new after so many; default: 4 for quick, 25 for device, "
        "90 for cpu",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="leave out what the results folder has already",
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
        done = {
            launch.identity(record)
            for record in tables.read(output)
            if "skipped" not in record
        }
        jobs = [job for job in jobs if launch.identity(job.fields()) not in done]
    if flags.list:
        print("\n".join(str(job) for job in jobs))
        return
    if (load := os.getloadavg()[0]) > 0.7:
        print(f"The machine is busy (load {load:.1f}): times will mean little.")
    records = launch.run_all(
        jobs,
        output,
        device={"platform": "gpu", **gpu()} if gpu() else {"platform": "cpu"},
        minutes=flags.minutes or _MINUTES[flags.selection],
        say=lambda line: print(line, flush=True),
    )
    print(f"\n{tables.everything(records)}\nRecords are in {output}")


def _default_output(selection: str) -> Path:
    # A quick look is no evidence: the report does not read it.
    return ROOT / "out/bench" if selection == "quick" else RESULTS


if __name__ == "__main__":
    main()
