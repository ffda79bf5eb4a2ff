"""Scores pictures, all by one evaluator: this project's loss in float32.

`python -m bench.score JOB PICTURES...` prints the losses as a JSON list. PICTURES are
`.npy` files of `[k, h, w, 3]` in [0, 1], or picture files.
"""

import dataclasses
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from bench.workload import ROOT, Job


def score(job: Job, paths: Sequence[Path]) -> list[float]:
    """Losses of pictures, computed in a process of its own.

    Raises:
      ValueError: pictures that can't be scored.
    """
    command = [sys.executable, "-m", "bench.score", json.dumps(job.fields())]
    done = subprocess.run(
        [*command, *map(str, paths)],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    if done.returncode:
        raise ValueError(f"not scored: {done.stderr.splitlines()[-1:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _read(path: str) -> np.ndarray:
    if path.endswith(".npy"):
        return np.load(path)
    with Image.open(path) as opened:
        return np.asarray(opened.convert("RGB"), np.float32)[None] / 255


def main() -> None:
    """Prints the losses."""
    from bench.runners import run_jax

    job = Job.parse(sys.argv[1])
    alone = dataclasses.replace(job.workload, lanes=1)
    job = Job("score", "nst_jax", "default", alone, precision="float32")
    images = np.concatenate([_read(path) for path in sys.argv[2:]])
    print(json.dumps(run_jax.losses(job, images)))


if __name__ == "__main__":
    main()
