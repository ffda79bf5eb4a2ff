"""Measures the PyPI program pastiche 1.6.0 as a user runs it.

It is found installed, in the folder `NST_BENCH_PASTICHE`, or downloaded with pip. Its
seconds count from process start. `record.py` says how runners are used.
"""

import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench.runners.programs import pastiche, prepared, versions
from bench.runners.record import serve
from bench.runners.run_process import environment
from bench.workload import Job


def trajectory(job: Job) -> dict[str, Any]:
    """Pictures of a run at some iterations, with the seconds that they took."""
    with prepared(job) as (folder, variables):
        photo, (painting, *_) = job.workload.write_pictures(folder)
        command = pastiche(job, photo, painting, folder / "out.png")
        command += [f"--info-step={job.marks}"]
        command += [f"--workspace={folder}", f"--workspace-step={job.marks}"]
        began = time.perf_counter()
        points = []
        with subprocess.Popen(
            command,
            env=dict(variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            for line in process.stdout:  # "step elapsed loss", at the marks.
                seconds = time.perf_counter() - began
                first, *_ = [*line.split(), ""]
                if first.isdecimal() and int(first):
                    points.append({"iteration": int(first), "seconds": seconds})
            complaints = process.stderr.read()
        if process.returncode:
            raise RuntimeError(f"pastiche failed: {complaints.strip()[-200:]}")
        digits = len(str(job.steps))
        paths = [folder / f"{p['iteration']:0{digits}d}.png" for p in points]
        np.save(job.output, np.stack([_pixels(path) for path in paths]))
    return {"versions": versions(job), "points": points}


def _pixels(path: Path) -> np.ndarray:
    with Image.open(path) as opened:
        return np.asarray(opened, np.float32) / 255


if __name__ == "__main__":
    serve(trajectory, environment)
