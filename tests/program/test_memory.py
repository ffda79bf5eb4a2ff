"""What a batch holds before its first iteration doesn't grow with its photos."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.batch_folder import folder
from support.program import QUICK
from support.stored_weights import home

from nst_jax.images import files

__all__ = ["folder", "home"]

_PROGRAM = """
import json, sys
sys.path[:0] = [{tests!r}]
import numpy as np, psutil
from support.tiny import random_weights, tiny_vgg
from nst_jax import Options
from nst_jax.images.source import Source
from nst_jax.networks import extract
from nst_jax.transfer.batch import run_jobs
from nst_jax.transfer.jobs import Job

weights = random_weights(tiny_vgg(), np.random.default_rng(0))
network = extract.build(tiny_vgg(), weights)
options = Options(size=512, steps=1, content_taps=("relu2_1",), style_taps=("relu1_1",))
photos = sorted(sys.argv[1:])
jobs = [Job(Source(p), (Source(photos[0]),), options) for p in photos]
seen = []

def show(progress):
    seen.append((progress.lanes[0].iteration, psutil.Process().memory_info().rss))
    return True

for _ in run_jobs(jobs, network=network, on_progress=show):
    pass
print(json.dumps({{"jobs": len(jobs), "rss": seen[0][1]}}))
"""


@pytest.mark.slow
def test_twenty_photos_and_a_thousand_hold_the_same(tmp_path):
    """Of 512 pixels each: all of them would be 2.4 GB."""
    pixels = np.random.default_rng(0).random((384, 512, 3), np.float32)
    first = tmp_path / "0000.png"
    files.write(first, pixels)
    for number in range(1, 1000):
        os.link(first, tmp_path / f"{number:04d}.png")
    photos = sorted(map(str, tmp_path.glob("*.png")))
    found = {}
    for count in (20, 1000):
        program = _PROGRAM.format(tests=str(Path(__file__).parents[1]))
        done = subprocess.run(
            [sys.executable, "-c", program, *photos[:count]],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parents[2],
        )
        found[count] = json.loads(done.stdout.splitlines()[-1])["rss"]
    assert found[1000] < 1.3 * found[20], found
    print({count: f"{rss / 1e6:.0f} MB" for count, rss in found.items()})


_PEAK = """
from nst_jax.commands.main import run
try:
    run()
finally:
    (line,) = [x for x in open("/proc/self/status") if x.startswith("VmHWM")]
    print(line)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="others don't tell it so")
def test_a_plan_tells_the_peak_of_the_process(folder):
    """Within 15 %, of a small network, whose process is runtime and programs mostly."""
    words = ["photos/a.png", "paintings/p.png", *QUICK, "--size=256", "--offline"]
    program = [sys.executable, "-m", "nst_jax.commands.main"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    planned = subprocess.run(
        [*program, "plan", *words, "--json"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(planned.stdout)["needed"]
    # Not by `wait4`, which counts what the parent held when it began the process.
    run = subprocess.run(
        [sys.executable, "-c", _PEAK, "stylize", *words, "-o", "out.png"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    measured = int(run.stdout.split()[-2]) * 1024
    assert abs(told / measured - 1) < 0.15, (told, measured)
