"""Times programs that paint a folder, from process start to the last saved file.

Every program is run once with an empty compilation cache, then some times with the one
that it left. `record.py` says how runners are used.
"""

import importlib.metadata
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench.runners.record import serve
from bench.runners.run_process import environment, timed
from bench.workload import PAINTER, ROOT, Job, Workload, cropped, painter_weights
from weights_convert.stylizers import files
from weights_convert.stylizers.stylizer import Stylizer

_PHOTOS = ("cat", "rocket", "coffee")
_VERSIONS = {
    "nst_jax": ("jax", "flax"),
    "PyTorch": ("torch",),
    "onnxruntime": ("onnxruntime",),
}


def measure(job: Job) -> dict[str, Any]:
    """Seconds of the first and of later runs, memory, and pictures painted."""
    with tempfile.TemporaryDirectory(prefix="nst_jax_bench_") as name:
        folder = Path(name)
        photos, output = folder / "photos", folder / "out"
        write_photos(job.workload, job.steps, photos)
        command = _PROGRAMS[job.framework](job, folder)
        variables = {**os.environ, "PYTHONPATH": str(ROOT)}
        runs = []
        for _ in range(1 + job.repeats):
            shutil.rmtree(output, ignore_errors=True)
            runs.append(timed(command, variables, folder / "log.txt"))
            painted = sum(path.suffix == ".png" for path in output.iterdir())
    return {
        "versions": {
            n: importlib.metadata.version(n) for n in _VERSIONS[job.framework]
        },
        "first_seconds": runs[0].seconds,
        "later_seconds": [run.seconds for run in runs[1:]],
        "painted": painted,
        "peak_bytes": {"host": max(run.peak_bytes for run in runs), "device": None},
    }


def write_photos(workload: Workload, count: int, folder: Path) -> None:
    """So many different photos of the workload's size, as JPEG files."""
    folder.mkdir()
    shape = (workload.height, workload.width)
    for number in range(count):
        image = cropped(f"examples/photos/{_PHOTOS[number % 3]}.jpg", shape)
        image = np.roll(image, 7 * number, axis=1)
        path = folder / f"photo{number:03}.jpg"
        Image.fromarray(np.uint8(255 * image)).save(path, quality=92)


def _network() -> Stylizer:
    weights = painter_weights(np.random.default_rng(2))
    return Stylizer(PAINTER, weights, "nst_jax")


def _nst_jax(job: Job, folder: Path) -> list[str]:
    model = folder / "model.safetensors"
    files.save(model, _network(), {})
    command = [sys.executable, "-m", "nst_jax.commands.main", "apply"]
    command += [str(folder / "photos"), f"--model={model}", "-o", f"{folder / 'out'}"]
    options = {"compilation_cache_dir": folder / "cache", **job.options}
    return command + [f"--{name}={value}" for name, value in options.items()]


def _plain(job: Job, folder: Path) -> list[str]:
    model = folder / "model.safetensors"
    files.save(model, _network(), {})
    return _script(folder, job.variant, model)


def _onnxruntime(job: Job, folder: Path) -> list[str]:
    from nst_jax.feedforward import export

    model = folder / "model.onnx"
    model.write_bytes(export.export(_network(), {}, "onnx"))
    return _script(folder, "onnxruntime", model)


def _script(folder: Path, engine: str, model: Path) -> list[str]:
    command = [sys.executable, "-m", "bench.runners.plain_painter"]
    command += [str(folder / "photos"), str(folder / "out")]
    return [*command, f"--engine={engine}", f"--model={model}"]


_PROGRAMS: dict[str, Callable[[Job, Path], list[str]]] = {
    "nst_jax": _nst_jax,
    "PyTorch": _plain,
    "onnxruntime": _onnxruntime,
}


if __name__ == "__main__":
    serve(measure, environment)
