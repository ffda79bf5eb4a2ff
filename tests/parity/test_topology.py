"""The project's programs compile for TPUs: by Google's compiler, without any TPU."""

import json
import platform
import subprocess
import sys

import pytest

from bench.workload import ROOT

pytestmark = pytest.mark.parity

_HERE = platform.system(), platform.machine()


@pytest.mark.skipif(
    _HERE != ("Linux", "x86_64"),
    reason=f"libtpu is for Linux on x86-64 only, not for {' on '.join(_HERE)}",
)
def test_an_iteration_compiles_for_a_tpu(tmp_path):
    """In a process of its own: libtpu stays in the one that loads it."""
    output = tmp_path / "tpu_v5e.jsonl"
    flags = ["--topology=v5e:2x2", "--cases=adam", "--sizes=64", f"--output={output}"]
    done = subprocess.run(
        [sys.executable, "-m", "bench.topology", *flags],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    record = json.loads(output.read_text())
    # VGG-19 to relu5_1 of 64x64 pixels, forward and back: 190 GFLOP each at 512x512.
    assert 5e9 < record["flops"] < 9e9
    # The network is in bfloat16, half of 52 MB, and read once or twice.
    assert 25e6 < record["argument_bytes"] < 35e6
    assert 25e6 < record["memory_bytes"] < 80e6 < record["bytes_accessed"] < 1e9
    assert record["counts"]["loop"]["fusion"] > 20
    assert record["roofline"]["bound"] == "memory"


HOSTED = """
import functools, json
import jax, jax.numpy as jnp
from bench.topology import estimates
from nst_jax.devices import spaces
from nst_jax.optimize import begin, chunk, hosted, solvers

def valley(images, problem, iteration):
    total = jnp.sum(jnp.abs(images - problem) ** 3, axis=(1, 2, 3))
    return total, {"all": total}

jax.config.update("jax_platforms", "cpu")
device = estimates.devices("v5e:2x2")[0]
side = 128
solver = solvers.lbfgs(history=20, hosted=True)
image = jax.ShapeDtypeStruct((1, side, side, 3), jnp.float32)
given = jax.eval_shape(functools.partial(begin.begun, solver), image), image
where = spaces.on_device(device)
given = jax.tree.map(
    lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=where), given
)
given = hosted.placed(given, device)
found = chunk.lowered(valley, solver, *given).compile().memory_analysis()
told = (
    found.host_argument_size_in_bytes,
    found.host_temp_size_in_bytes,
    found.argument_size_in_bytes,
)
print(json.dumps([n / (12 * side**2) for n in told]))
"""


@pytest.mark.skipif(
    _HERE != ("Linux", "x86_64"),
    reason=f"libtpu is for Linux on x86-64 only, not for {' on '.join(_HERE)}",
)
def test_a_history_on_the_host_takes_nothing_of_a_tpu():
    """The 40 pictures of 20 pairs; the device gets a row at a time."""
    done = subprocess.run(
        [sys.executable, "-c", HOSTED], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    there, extra, here = json.loads(done.stdout.splitlines()[-1])
    assert 40 <= there <= 48  # Rows come by eight.
    assert extra == 0
    # The image, its best one, and the solver's four vectors.
    assert 6 <= here < 12
