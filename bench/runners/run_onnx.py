"""Measures a pass of a one-pass network in onnxruntime, of the file that we export."""

import importlib.metadata
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime

from bench.runners.record import gpu, peak_host_bytes, serve, steady
from bench.workload import PAINTER, Job, painter_weights
from nst_jax.feedforward import export
from weights_convert.stylizers.stylizer import Stylizer


def session() -> onnxruntime.InferenceSession:
    """The network on the GPU, if onnxruntime can use it, or on all cores."""
    stored = Stylizer(PAINTER, painter_weights(np.random.default_rng(2)), "nst_jax")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    return onnxruntime.InferenceSession(
        export.export(stored, {}, "onnx"),
        options,
        providers=onnxruntime.get_available_providers(),
    )


def painted(job: Job) -> Callable[[], np.ndarray]:
    """Paints the batch, `[n, 3, h, w]` in [0, 1]."""
    w = job.workload
    photos = np.stack([w.content()] * w.lanes).transpose(0, 3, 1, 2)
    given = {"images": np.ascontiguousarray(photos)}
    network = session()
    return lambda: network.run(None, given)[0]


def one_pass(job: Job) -> dict[str, Any]:
    """Seconds a batch of pictures, from float pixels to float pixels."""
    began = time.perf_counter()
    paint = painted(job)
    paint()
    warm_up = time.perf_counter() - began

    def run(steps: int) -> None:
        for _ in range(steps):
            paint()

    return {
        "warm_up_seconds": warm_up,
        "seconds_per_step": steady(run, seconds=job.budget),
        "peak_bytes": {"host": peak_host_bytes(), "device": None},
    }


def environment() -> dict[str, Any]:
    """Versions, and the device that is used."""
    used = onnxruntime.get_available_providers()[0]
    name = "gpu" if used.startswith(("CUDA", "Tensorrt")) else "cpu"
    about = {"name": gpu().get("name", name), "driver": gpu().get("driver", "")}
    return {
        "device": {"platform": name, **(about if name == "gpu" else {})},
        "versions": {"onnxruntime": importlib.metadata.version("onnxruntime")},
    }


if __name__ == "__main__":
    serve(one_pass, environment)
