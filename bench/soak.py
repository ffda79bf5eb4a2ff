"""A long batch: whether memory and the time of a picture stay what they were.

    python -m bench.soak --output=bench/results/soak/cpu.jsonl

Smooth random pictures, each pair once, in one `nst-jax batch`. What is recorded is seen
from outside: lines of the manifest and memory of the process, time by time.
"""

import argparse
import bisect
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image

from bench.runners.record import machine
from bench.workload import ROOT

_EVERY = 0.5  # Seconds between two looks.

Look = tuple[float, int, int]
"""Seconds since the start, pictures that are done, and bytes of resident memory."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the batch and writes what was seen."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=50)
    parser.add_argument("--paintings", type=int, default=40)
    parser.add_argument("--side", type=int, default=32, help="Of pictures, in pixels.")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--output", type=Path, required=True)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, count in (("photos", asked.photos), ("paintings", asked.paintings)):
            _save(folder / kind, count, asked.side)
        command = [sys.executable, "-m", "nst_jax.commands.main", "batch"]
        command += [f"--contents={folder / 'photos'}", f"--output_dir={folder / 'out'}"]
        command += [f"--styles={folder / 'paintings'}", f"--size={asked.side}"]
        command += ["--pyramid=1", f"--steps={asked.steps}", "--offline"]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        looks = _watched(command, environment, folder / "out" / "manifest.jsonl")
    record = {
        **{"case": "soak", "pictures": asked.photos * asked.paintings},
        **{"side": asked.side, "steps": asked.steps, "machine": machine()},
        **compared(looks, asked.photos * asked.paintings),
        "looks": looks[:: max(1, len(looks) // 200)],
    }
    asked.output.parent.mkdir(parents=True, exist_ok=True)
    with asked.output.open("a") as file:
        file.write(json.dumps(record) + "\n")
    print(json.dumps({k: v for k, v in record.items() if k != "looks"}, indent=1))


def compared(looks: Sequence[Look], pictures: int) -> dict[str, Any]:
    """Seconds a picture and memory of the first hundred and the last.

    The first hundred begin when the first picture is done, so that compiling is left
    out.
    """
    done = [made for _, made, _ in looks]
    first = next(made for made in done if made)

    def part(begin: int, end: int) -> dict[str, float]:
        low, high = bisect.bisect_left(done, begin), bisect.bisect_left(done, end)
        (began, made, _), (ended, then, _) = (
            looks[low],
            looks[min(high, len(looks) - 1)],
        )
        held = [size for _, _, size in looks[low : high + 1]]
        return {
            "seconds_a_picture": (ended - began) / max(1, then - made),
            "resident_bytes": float(np.median(held)),
        }

    if done[-1] != pictures:
        raise SystemExit(f"only {done[-1]} of {pictures} pictures were made")
    return {
        "first": part(first, first + 100),
        "last": part(pictures - 100, pictures),
        "peak_bytes": max(size for _, _, size in looks),
        "seconds": looks[-1][0],
    }


def _save(folder: Path, count: int, side: int) -> None:
    folder.mkdir()
    for seed in range(count):
        rng = np.random.default_rng((count, seed))
        coarse = rng.integers(0, 256, (5, 5, 3), np.uint8)
        picture = Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)
        picture.save(folder / f"{seed:03}.png")


def _watched(
    command: Sequence[str], environment: dict[str, str], manifest: Path
) -> list[Look]:
    """What is seen of a program until it ends."""
    began, looks = time.perf_counter(), list[Look]()
    with subprocess.Popen(
        command,
        env=environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as program:
        process, place, lines = psutil.Process(program.pid), 0, 0
        while program.poll() is None:
            if manifest.exists():
                with manifest.open("rb") as file:
                    file.seek(place)
                    new = file.read()
                place, lines = place + len(new), lines + new.count(b"\n")
            try:
                held = process.memory_info().rss
            except psutil.NoSuchProcess:
                break
            looks.append((round(time.perf_counter() - began, 2), lines, held))
            time.sleep(_EVERY)
    return [look for look in looks if look[2]]


if __name__ == "__main__":
    main()
