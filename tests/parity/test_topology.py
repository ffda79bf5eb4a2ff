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
