"""The painters of the style pictures: pure, deterministic, rich at several scales."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import paint_styles
from painters import PAINTERS, fields

SIZE = 96
COLOR_SPREAD = 0.18
EDGES = {1: 0.10, 2: 0.10, 4: 0.10}


def color_spread(image: np.ndarray) -> float:
    # Root of the summed variance of the two opponent colours, blue-yellow and
    # red-green: 0 for a grey picture, whatever its contrast.
    red, green, blue = np.moveaxis(image.astype(np.float64), 2, 0)
    return float(np.sqrt(np.var(red - green) + np.var((red + green) / 2 - blue)))


def edge_energy(image: np.ndarray, scale: int) -> float:
    # Mean absolute step between neighbours once `scale` pixels are averaged.
    height, width = (side // scale for side in image.shape[:2])
    grey = image.mean(2, dtype=np.float64)[: height * scale, : width * scale]
    grey = grey.reshape(height, scale, width, scale).mean((1, 3))
    return float(
        np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean()
    )


@pytest.fixture(scope="module")
def pictures() -> dict[str, np.ndarray]:
    return {name: paint_styles.paint(name, SIZE) for name in PAINTERS}


@pytest.mark.parametrize("name", PAINTERS)
def test_picture_is_an_image(pictures: dict[str, np.ndarray], name: str) -> None:
    picture = pictures[name]
    assert picture.shape == (4 * SIZE // 5, SIZE, 3)
    assert picture.dtype == np.float32
    assert picture.min() >= 0
    assert picture.max() <= 1


@pytest.mark.parametrize("name", PAINTERS)
def test_seed_decides_the_picture(pictures: dict[str, np.ndarray], name: str) -> None:
    np.testing.assert_array_equal(paint_styles.paint(name, SIZE), pictures[name])
    other = paint_styles.paint(name, SIZE, seed=8)
    assert np.abs(other - pictures[name]).mean() > 0.01


@pytest.mark.parametrize("name", PAINTERS)
def test_picture_is_rich(pictures: dict[str, np.ndarray], name: str) -> None:
    assert color_spread(pictures[name]) > COLOR_SPREAD
    for scale, least in EDGES.items():
        assert edge_energy(pictures[name], scale) > least, f"scale {scale}"


def test_plain_pictures_are_not_rich(pictures: dict[str, np.ndarray]) -> None:
    y, x = np.mgrid[0:76, 0:96].astype(np.float32) / 96
    faint = fields.blur(pictures["woodcut"], 4.0)
    fade = np.stack([x, y, 1 - x], 2)
    checks = np.repeat(((x * 96 + y * 96) % 2)[..., None], 3, 2)
    assert edge_energy(np.full_like(fade, 0.4), 1) == 0
    assert edge_energy(fade, 1) < EDGES[1]
    assert edge_energy(faint, 1) < EDGES[1]
    assert edge_energy(faint, 2) < EDGES[2]
    assert color_spread(checks) == 0
    assert edge_energy(checks, 2) < EDGES[2]


def test_portrait_shape() -> None:
    picture = PAINTERS["glass"](np.random.default_rng(0), 90, 64)
    assert picture.shape == (90, 64, 3)
    assert np.isfinite(picture).all()


def test_command_writes_the_picture_asked_for(tmp_path: Path) -> None:
    paint_styles.main([f"--output_dir={tmp_path}", "--only=glass", f"--size={SIZE}"])
    assert [path.name for path in tmp_path.iterdir()] == ["glass.jpg"]
    with Image.open(tmp_path / "glass.jpg") as image:
        written = np.asarray(image, np.float32) / 255
    painted = paint_styles.paint("glass", SIZE)
    assert written.shape == painted.shape
    luma = np.array([0.299, 0.587, 0.114])  # JPEG halves the colour's resolution
    assert np.abs((written - painted) @ luma).mean() < 0.02


def test_command_refuses_a_size_too_small(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        paint_styles.main(["--size=10"])
    assert "--size=10" in capsys.readouterr().err


def test_jpeg_fits_its_limit() -> None:
    noise = np.random.default_rng(0).random((64, 64, 3))
    assert len(paint_styles.to_jpeg(noise, 6000)) <= 6000


def test_distance_is_the_euclidean_one() -> None:
    mask = np.random.default_rng(0).random((37, 52)) < 0.02
    rows, cols = np.nonzero(mask)
    y, x = np.mgrid[0:37, 0:52]
    exact = np.sqrt((y[..., None] - rows) ** 2 + (x[..., None] - cols) ** 2).min(2)
    found = fields.distance_to(mask)
    assert np.mean(np.abs(found - exact) > 1e-4) < 0.005
    np.testing.assert_allclose(found, exact, atol=1.0)


def test_blur_is_the_gaussian_one() -> None:
    from scipy import ndimage

    field = np.random.default_rng(0).random((40, 50))
    exact = ndimage.gaussian_filter(field, 2.0, mode="mirror", truncate=6.0)
    np.testing.assert_allclose(fields.blur(field, 2.0), exact, atol=2e-3)


def test_flow_follows_the_contours() -> None:
    x, y = fields.unit_grid(40, 50)
    flow = fields.along_contours((x - 0.6) ** 2 + (y - 0.5) ** 2)
    outward = np.stack([x - 0.6, y - 0.5], -1)[1:-1, 1:-1]
    assert np.abs((flow[1:-1, 1:-1] * outward).sum(-1)).max() < 1e-3
