"""Memory of whole runs on this machine's CPU: what `nst-jax plan` said, what it was.

    python -m bench.memory --output=bench/results/memory/cpu.jsonl

Each row is two processes: `plan`, which compiles and keeps the programs, and the run
itself with a few iterations, whose peak the system tells. Weights are those of VGG-19
that are stored.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.runners.record import machine
from bench.runners.run_process import timed
from bench.workload import ROOT

ROWS: tuple[tuple[str, ...], ...] = (
    *(
        (f"--size={size}", f"--solver={solver}", "--pyramid=1")
        for size in (128, 256, 512)
        for solver in ("adam", "lbfgs")
    ),
    ("--size=256", "--solver=lbfgs"),
    ("--size=512", "--solver=lbfgs"),
    ("--size=128", "--solver=adam", "--pyramid=1", "--lanes=4"),
    ("--size=128", "--solver=lbfgs", "--pyramid=1", "--lanes=4"),
)
"""Flags of the runs; those without a pyramid of one size have all of its sizes."""

_STEPS = 4
_PHOTO, _PAINTING = "examples/photos/cat.jpg", "examples/styles/swirls.jpg"


def row(flags: Sequence[str]) -> dict[str, Any]:
    """What was said and what was, of a run with these flags, in bytes."""
    lanes = any(flag.startswith("--lanes") for flag in flags)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    program = [sys.executable, "-m", "nst_jax.commands.main"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        common = [*flags, f"--steps={_STEPS}", "--offline"]
        common += [f"--compilation_cache_dir={folder / 'xla'}"]
        pictures, command = [_PHOTO, _PAINTING], "stylize"
        output = [f"--output={folder / 'out.png'}"]
        if lanes:  # As many pictures as lanes, of one photo.
            pictures = [f"--contents={_PHOTO}", f"--styles={_PAINTING}"]
            pictures += ["--style_weight=1,2,3,4"]
            command, output = "batch", [f"--output_dir={folder / 'out'}"]
        planned = subprocess.run(
            [*program, "plan", *pictures, *common, "--json"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        (said,) = map(json.loads, planned.stdout.splitlines())
        run = [*program, command, *pictures, *common, *output]
        spent = timed(run, environment, folder / "log.txt")
    return {
        "flags": list(flags),
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
        "predicted": said["needed"],
        "measured": spent.peak_bytes,
        "ratio": round(said["needed"] / spent.peak_bytes, 3),
        "plan": said,
    }


def main() -> None:
    """Measures all rows, or those of `--only`, and adds them to a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--only", type=int, nargs="*", help="Places of rows.")
    arguments = parser.parse_args()
    places = range(len(ROWS)) if arguments.only is None else arguments.only
    for place in places:
        found = row(ROWS[place])
        print(
            f"{' '.join(found['flags']):55} predicted {found['predicted'] / 1e6:6.0f} "
            f"MB, measured {found['measured'] / 1e6:6.0f} MB, {found['ratio']:.2f}",
            flush=True,
        )
        if arguments.output:
            with arguments.output.open("a") as file:
                print(json.dumps({**machine(), **found}), file=file)


if __name__ == "__main__":
    main()
