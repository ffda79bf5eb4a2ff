"""The memory of a program over its time: one row, its resident set by the second.

    python -m bench.curve --output=bench/results/cpu_poster.jsonl -- \\
        stylize photo.jpg painting.jpg --size=8192 --pyramid=1 --solver=adam --tile=1024

What follows `--` is a command of nst-jax.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from bench.runners.record import machine
from bench.runners.run_process import peak_bytes

_EVERY = 0.25  # Seconds between two looks.
_POINTS = 300


def watched(command: Sequence[str], every: float = _EVERY) -> dict[str, Any]:
    """Runs a command of nst-jax to its end; what it held meanwhile.

    Returns:
      The command, its exit status, seconds, `curve`: pairs of seconds and bytes, at
      most 300, each the highest of its span; `peak_bytes`, by the system's own count.
    """
    program = [sys.executable, "-m", "nst_jax.commands.main", *command]
    began = time.perf_counter()
    points: list[tuple[float, int]] = []
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(program, stdout=log, stderr=subprocess.STDOUT)
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        while not ended:
            points.append((time.perf_counter() - began, _resident(process.pid)))
            time.sleep(every)
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        process.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        said = log.read()
    print(said, end="")
    return {
        "command": list(command),
        "status": process.returncode,
        "seconds": round(time.perf_counter() - began, 1),
        "peak_bytes": peak_bytes(usage),
        "curve": thinned(points, _POINTS),
        "said": [line for line in said.splitlines() if line.startswith("nst-jax:")],
    }


def thinned(points: Sequence[tuple[float, int]], count: int) -> list[tuple[float, int]]:
    """At most `count` points, each the highest of the span that it stands for."""
    span = -(-len(points) // count) or 1
    spans = (points[at : at + span] for at in range(0, len(points), span))
    highest = (max(some, key=lambda point: point[1]) for some in spans)
    return [(round(seconds, 1), held) for seconds, held in highest]


def _resident(process: int) -> int:
    try:
        return psutil.Process(process).memory_info().rss
    except psutil.Error:  # It ended between two looks.
        return 0


def main() -> None:
    """Runs the command and adds a row to the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("command", nargs="+", help="A command of nst-jax, after --.")
    arguments = parser.parse_args()
    found = watched(arguments.command)
    with arguments.output.open("a") as file:
        print(json.dumps({**machine(), **found}), file=file)
    print(f"{found['peak_bytes'] / 1e9:.2f} GB, {found['seconds']:.0f} s")


if __name__ == "__main__":
    main()
