"""Whether `nst-jax` paints a file, and finds its compiled programs the second time."""

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from bench.smoke.outcome import WrongError
from bench.workload import NETWORK, ROOT, Workload
from weights_convert import store

_PATIENCE = 600.0  # Seconds.


@dataclasses.dataclass(frozen=True)
class Ran:
    """A program that ended well.

    Attributes:
      asked: programs that it asked JAX's compilation cache for.
      found: those of them that it found there.
    """

    asked: int
    found: int


Run = Callable[[Sequence[str], Path], Ran]
"""Runs `nst-jax` with arguments, and a folder that has its weights."""


def counted(arguments: Sequence[str], home: Path) -> Ran:
    """`nst-jax` in a process of its own.

    Raises:
      WrongError: it failed, or took more than 10 minutes.
    """
    environment = os.environ | {"NST_JAX_HOME": str(home), "PYTHONPATH": str(ROOT)}
    environment.pop("JAX_ENABLE_COMPILATION_CACHE", None)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "bench.smoke.counted", *arguments],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
        )
    except subprocess.TimeoutExpired as error:
        raise WrongError(f"nst-jax took more than {_PATIENCE:.0f} s") from error
    *said, counts = done.stderr.strip().splitlines() or [""]
    if done.returncode or not counts.startswith("{"):
        last = " ".join((said or [counts])[-1].split())[:200]
        raise WrongError(f"nst-jax ended with status {done.returncode}: {last}")
    return Ran(**json.loads(counts))


def kept(side: int, steps: int, run: Run = counted) -> str:
    """The program paints a file by its defaults; twice, and compiles once.

    Args:
      side: of the picture, in pixels.
      steps: iterations.
      run: starts it.

    Raises:
      WrongError: no picture, or programs that are compiled the second time too.
    """
    with tempfile.TemporaryDirectory(prefix="nst_jax_smoke_") as name:
        folder = Path(name)
        workload = Workload(
            *(side, side),
            photo="examples/photos/cat.jpg",
            paintings=("examples/styles/swirls.jpg",),
        )
        photo, (painting,) = workload.write_pictures(folder)
        _store(workload, folder / "home")
        cache = f"--compilation_cache_dir={folder / 'cache'}"
        flags = [f"--size={side}", f"--steps={steps}", cache, "--offline"]
        ran = []
        for turn in ("first", "second"):
            output = folder / f"{turn}.png"
            command = ["stylize", str(photo), str(painting), f"--output={output}"]
            ran.append(run([*command, *flags], folder / "home"))
            _check_picture(output, side)
    first, second = ran
    if not first.asked:
        raise WrongError("JAX's compilation cache isn't used: no program was asked for")
    if missing := second.asked - second.found:
        raise WrongError(
            f"the second run compiled {missing} of {second.asked} programs again, "
            "which the first one should have kept"
        )
    return f"{first.asked - first.found} programs are compiled once"


def _store(workload: Workload, home: Path) -> None:
    before = os.environ.get("NST_JAX_HOME")
    os.environ["NST_JAX_HOME"] = str(home)
    try:
        store.save(NETWORK, workload.network_weights(), {})
    finally:
        if before is None:
            del os.environ["NST_JAX_HOME"]
        else:
            os.environ["NST_JAX_HOME"] = before


def _check_picture(path: Path, side: int) -> None:
    if not path.is_file():
        raise WrongError("nst-jax ended well, but left no picture")
    with Image.open(path) as opened:
        pixels = np.asarray(opened.convert("RGB"))
    if pixels.shape != (side, side, 3):
        raise WrongError(f"nst-jax left {pixels.shape}, not a picture of {side} pixels")
    if np.std(pixels) < 2:
        raise WrongError("nst-jax left a picture of one colour")
