"""Reading and making small files, for the tests of what pixels become."""

from pathlib import Path

import numpy as np
from PIL import Image

from nst_jax.images import files


def read_with_lines(path: Path) -> tuple[np.ndarray, list[str]]:
    lines: list[str] = []
    image = files.read(path, report=lines.append)
    assert image.dtype == np.float32
    assert image.ndim == 3
    assert image.shape[2] == 3
    return image, [line.removeprefix(f"{path}: ") for line in lines]


def grey(*values: float) -> np.ndarray:
    return np.repeat(np.array(values, np.float32)[None, :, None], 3, axis=-1)


def save(path: Path, mode: str, *values: object, **options: object) -> Path:
    picture = Image.new(mode, (len(values), 1))
    for x, value in enumerate(values):
        picture.putpixel((x, 0), value)
    picture.save(path, **options)
    return path
