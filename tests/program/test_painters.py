"""The painters of the style pictures run, and a seed decides what they paint."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nst_jax.images import files, masks, regions
from nst_jax.images.source import Source

_ROOT = Path(__file__).parents[2]


def paint(folder: Path, *flags: str) -> dict[str, bytes]:
    command = [sys.executable, "examples/painters/paint_styles.py", *flags]
    command += ["--size=64", f"--output_dir={folder}"]
    subprocess.run(command, cwd=_ROOT, check=True, capture_output=True)
    return {path.stem: path.read_bytes() for path in folder.iterdir()}


def test_the_masks_of_the_examples_are_of_their_photos(tmp_path):
    command = [sys.executable, "examples/draw_masks.py", f"--output_dir={tmp_path}"]
    subprocess.run(command, cwd=_ROOT, check=True)
    pictures = {
        **dict.fromkeys(("sky.png", "ground.jpg", "rocket_map.jpg"), "photos/rocket"),
        **{"face.png": "photos/cat", "coffee_map.png": "photos/coffee"},
        "swirls_map.png": "styles/swirls",
    }
    assert {path.name for path in tmp_path.iterdir()} == pictures.keys()
    for name, picture in pictures.items():
        mask, path = Source.of(tmp_path / name), _ROOT / f"examples/{picture}.jpg"
        masks.check_shape(name, mask.shape(), files.shape(path), picture)
        if "map" in name:
            assert len(regions.read(mask).names) == (3 if "coffee" in name else 2)
        else:
            assert set(np.unique(masks.read(mask))) >= {0, 1}


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
