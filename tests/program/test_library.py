"""The library as docs/library.md shows it: names, programs, a loss of one's own."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.batch_pictures import PAINTINGS, PHOTOS
from support.stored_weights import put_random

import nst_jax
from nst_jax.images import files

_ROOT = Path(__file__).parents[2]
_PAGE = _ROOT / "docs/library.md"


def test_dir_shows_the_public_names_and_the_page_tells_of_each():
    assert dir(nst_jax) == nst_jax.__all__
    cells = re.findall(r"^\| (`.*?) \|", _PAGE.read_text(), re.M)
    told = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert told == set(nst_jax.__all__) - {"__version__"}


@pytest.mark.slow
def test_names_that_modules_of_the_package_have_stay_what_they_are():
    """A function of a package's name would be hidden by importing that."""
    code = "import nst_jax; import nst_jax.optimize.engine, nst_jax.losses.gram\n"
    code += "print(*(type(getattr(nst_jax, n)).__name__ for n in nst_jax.__all__))"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=_ROOT
    )
    kinds = dict(zip(nst_jax.__all__, ran.stdout.split(), strict=True))
    assert kinds.pop("losses") == "module", ran.stderr
    assert kinds.pop("__version__") == "str"
    assert set(kinds.values()) == {"type", "function"}


@pytest.mark.parametrize("package", ["nst_jax", "weights_convert"])
def test_packages_are_typed_and_run(package):
    assert (_ROOT / package / "py.typed").is_file()
    ran = subprocess.run(
        [sys.executable, "-m", package, "--help"],
        capture_output=True,
        text=True,
        cwd=_ROOT,
    )
    program = {"nst_jax": "nst-jax", "weights_convert": "nst-weights"}[package]
    assert ran.stdout.startswith(f"usage: {program} "), ran.stderr
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.slow
def test_the_loss_of_ones_own_runs(tmp_path, monkeypatch):
    snippets = re.findall(r"^```python\n(.*?)^```", _PAGE.read_text(), re.S | re.M)
    (snippet,) = (one for one in snippets if "nst_jax.minimize" in one)
    monkeypatch.setenv("NST_JAX_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    put_random(name="vgg19")
    for name, picture in {"photo": PHOTOS[0], "painting": PAINTINGS[0]}.items():
        files.write(f"{name}.jpg", picture)
    small = snippet.replace("256", "32").replace("steps=60", "steps=6")
    assert small.count("32") == small.count("steps=6") == 1
    found: dict = {}
    exec(compile(small, "docs/library.md", "exec"), found)
    made = found["made"]
    assert made.loss < 0.9 * made.losses[0]
    assert set(found["loss"](made.image, found["network"], found["wanted"])[1]) == {
        *("relu1_1", "relu2_1", "relu3_1")
    }
    painted = files.read("painted.png")
    np.testing.assert_allclose(painted, made.image, atol=0.5 / 255 + 1e-6)
