"""Step time against PyTorch on this machine's CPU: `python -m bench.step`.

Runs each framework in a process of its own, in turns, so that a slow minute of the
machine meets all of them; checks that they compute the same losses; prints a table and
writes the records to `bench/results/`. Run it alone on the machine.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np

_RESULTS = Path(__file__).parent / "results"

_RUNNERS = {
    "nst_jax": ["bench.run_jax"],
    "PyTorch channels_last": ["bench.run_torch", "--layout=channels_last"],
    "PyTorch default layout": ["bench.run_torch", "--layout=contiguous_format"],
}


def run(module: str, *arguments: str) -> dict:
    """The record that a runner prints."""
    command = [sys.executable, "-m", module, *arguments]
    output = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(output.stdout.splitlines()[-1])


def measure(rounds: int, arguments: list[str]) -> dict[str, list[dict]]:
    """Records of every runner, `rounds` of each, in turns."""
    records: dict[str, list[dict]] = {name: [] for name in _RUNNERS}
    for _ in range(rounds):
        for name, (module, *flags) in _RUNNERS.items():
            records[name].append(run(module, *flags, *arguments))
    return records


def check_same_losses(records: dict[str, list[dict]]) -> None:
    """Fails unless all runners computed the same losses in the first steps."""
    losses = {name: runs[0]["first_losses"] for name, runs in records.items()}
    reference = losses["nst_jax"]
    for name, found in losses.items():
        if not np.allclose(found, reference, rtol=1e-3):
            raise SystemExit(f"{name} computes other losses: {losses}")


def summary(records: dict[str, list[dict]]) -> dict[str, float]:
    """Median seconds a step over all rounds and repeats, by runner."""
    return {
        name: statistics.median(s for run in runs for s in run["seconds_per_step"])
        for name, runs in records.items()
    }


def main() -> None:
    """Measures, prints a table and writes the records."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--solver", default="adam", choices=("adam", "lbfgs"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path)
    flags = parser.parse_args()
    records = measure(
        flags.rounds, [f"--size={flags.size}", f"--solver={flags.solver}"]
    )
    check_same_losses(records)
    medians = summary(records)
    ours = medians["nst_jax"]
    print(f"VGG-19 to relu5_1, {flags.size} px, float32, {flags.solver}, ms a step")
    for name, seconds in medians.items():
        print(f"{name:<24} {1e3 * seconds:8.1f}   ours / this {ours / seconds:.3f}")
    output = flags.output or _RESULTS / f"cpu_step_{flags.size}_{flags.solver}.json"
    output.parent.mkdir(exist_ok=True)
    machine = {"processor": platform.machine(), "cores": os.cpu_count()}
    output.write_text(
        json.dumps(
            {"machine": machine, "median_seconds": medians, "records": records},
            indent=1,
        )
        + "\n"
    )


if __name__ == "__main__":
    main()
