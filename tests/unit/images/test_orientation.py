"""EXIF orientation: the eight ways to hold a camera, against arrays turned by hand."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nst_jax.images import files

# What to do with the stored array, from the meaning of the tag (where the first row and
# the first column of the upright picture are; EXIF 2.3, table 7).
UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: a.transpose(1, 0, 2)[:, ::-1],
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: a.transpose(1, 0, 2)[::-1],
}
# 2 x 3 blocks of 16 pixels, all different, so that JPEG keeps them apart.
BLOCKS = np.array(
    [[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[0, 0, 0], [128, 128, 0], [255] * 3]],
    np.uint8,
)
STORED = BLOCKS.repeat(16, axis=0).repeat(16, axis=1)


def save_turned(path: Path, picture: Image.Image, orientation: int) -> Path:
    exif = Image.Exif()
    exif[0x0112] = orientation
    best = {".webp": {"lossless": True}, ".jpg": {"quality": 95, "subsampling": 0}}
    picture.save(path, exif=exif, **best.get(path.suffix, {}))
    return path


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "tif"])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_all_orientations(tmp_path, ending, orientation):
    path = save_turned(tmp_path / f"a.{ending}", Image.fromarray(STORED), orientation)
    image = files.read(path)
    expected = UPRIGHT[orientation](STORED) / 255
    assert image.shape == expected.shape
    np.testing.assert_allclose(image, expected, atol=0.06 if ending == "jpg" else 1e-7)


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_16_bit_grey_is_turned_too(tmp_path, orientation):
    values = np.arange(6, dtype=np.uint16).reshape(2, 3) * 1001
    path = save_turned(tmp_path / "a.png", Image.fromarray(values), orientation)
    expected = UPRIGHT[orientation](np.stack([values] * 3, axis=-1)) / 65535
    np.testing.assert_allclose(files.read(path), expected, rtol=1e-6)


def test_broken_exif_is_reported_and_ignored(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(STORED).save(path, exif=b"Exif\0\0no TIFF header here")
    lines: list[str] = []
    image = files.read(path, report=lines.append)
    np.testing.assert_array_equal(image, STORED.astype(np.float32) / 255)
    message = "has broken EXIF data; ignored it, check that the picture is upright"
    assert lines == [f"{path}: {message}"]
