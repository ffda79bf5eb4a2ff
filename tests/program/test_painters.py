"""The painters of the style pictures run, and a seed decides what they paint."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

_ROOT = Path(__file__).parents[2]


def paint(folder: Path, *flags: str) -> dict[str, bytes]:
    command = [sys.executable, "examples/painters/paint_styles.py", *flags]
    command += ["--size=64", f"--output_dir={folder}"]
    subprocess.run(command, cwd=_ROOT, check=True, capture_output=True)
    return {path.stem: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.slow
def test_a_seed_decides_the_pictures(tmp_path):
    painted = paint(tmp_path / "first")
    assert painted.keys() == {path.stem for path in _ROOT.glob("examples/styles/*.jpg")}
    assert paint(tmp_path / "again") == painted
    assert paint(tmp_path / "other", "--only=glass", "--seed=8") != {
        "glass": painted["glass"]
    }
    for name in painted:
        with Image.open(tmp_path / "first" / f"{name}.jpg") as picture:
            pixels = np.asarray(picture)
        assert pixels.shape == (51, 64, 3)
        assert pixels.std() > 20
