"""Grey masks: what files and arrays say, brought to a picture's shape."""

import re

import numpy as np
import pytest
from PIL import Image
from support.masks import halves

from nst_jax.errors import ImageError
from nst_jax.images import masks
from nst_jax.images.source import Source


def read(path, lines=None):
    found = masks.read(Source.of(path), None if lines is None else lines.append)
    assert found.dtype == np.float32
    return found


def test_white_counts_black_does_not_and_greys_are_between(tmp_path):
    Image.fromarray(np.array([[0, 51, 128, 255]], np.uint8)).save(tmp_path / "m.png")
    expected = np.array([[0, 0.2, 128 / 255, 1]], np.float32)
    np.testing.assert_allclose(read(tmp_path / "m.png"), expected, rtol=1e-6)
    np.testing.assert_allclose(read(expected), expected, rtol=1e-6)
    sixteen = np.array([[0, 13107, 65535]], np.uint16)
    Image.fromarray(sixteen).save(tmp_path / "16.png")
    np.testing.assert_allclose(read(tmp_path / "16.png"), [[0, 0.2, 1]], atol=1e-4)


def test_one_colour_with_transparency_is_its_opacity(tmp_path):
    for colour in (0, 255, 70):
        pixels = np.full((2, 3, 4), colour, np.uint8)
        pixels[..., 3] = [[0, 51, 255], [255, 255, 0]]
        Image.fromarray(pixels).save(tmp_path / "m.png")
        expected = np.array([[0, 0.2, 1], [1, 1, 0]], np.float32)
        np.testing.assert_allclose(read(tmp_path / "m.png"), expected, rtol=1e-6)
    # Of several greys what is transparent doesn't count.
    pixels[..., :3] = np.array([[255, 255, 255], [0, 255, 255]])[..., None]
    Image.fromarray(pixels).save(tmp_path / "m.png")
    lines: list[str] = []
    found = read(tmp_path / "m.png", lines)
    np.testing.assert_allclose(found, [[0, 0.2, 1], [0, 1, 0]], rtol=1e-6)
    assert lines == [f"{tmp_path / 'm.png'}: what is transparent counts as black"]


def test_jpeg_leaves_black_and_white(tmp_path):
    Image.fromarray((255 * halves(48, 48)).astype(np.uint8)).save(
        tmp_path / "m.jpg", quality=60
    )
    found = read(tmp_path / "m.jpg")
    assert set(np.unique(found[:, :16])) == {1.0}
    assert set(np.unique(found[:, 32:])) == {0.0}


def test_a_turned_file_is_turned(tmp_path):
    exif = Image.Exif()
    exif[274] = 6  # To be turned right.
    picture = Image.fromarray((255 * halves(4, 6)).astype(np.uint8))
    picture.save(tmp_path / "m.png", exif=exif)
    np.testing.assert_array_equal(read(tmp_path / "m.png"), halves(4, 6).T)


def test_colours_are_refused(tmp_path):
    pixels = np.zeros((20, 20, 3), np.uint8)
    pixels[:10, :, 0] = 255
    Image.fromarray(pixels).save(tmp_path / "m.png")
    with pytest.raises(ImageError, match=r"m\.png: has colours, but a mask is grey"):
        read(tmp_path / "m.png")


@pytest.mark.parametrize(
    ("mask", "picture"),
    [((30, 40), (300, 400)), ((301, 400), (300, 400)), ((31, 42), (3000, 4000))],
)
def test_shapes_that_fit(mask, picture):
    masks.check_shape("m.png", mask, picture, "the photo")


def test_another_aspect_ratio_is_refused():
    line = (
        "m.png: is 400x310 pixels, of another aspect ratio than the photo, 400x300: "
        "give one of the same picture, of any size"
    )
    with pytest.raises(ImageError, match=f"^{re.escape(line)}$"):
        masks.check_shape("m.png", (310, 400), (300, 400), "the photo")
    with pytest.raises(ImageError, match="another aspect ratio"):
        masks.check_shape("m.png", (400, 300), (300, 400), "the photo")


def test_each_place_has_the_mean_of_what_it_covers():
    rng = np.random.default_rng(0)
    mask = rng.random((12, 18), np.float32)
    expected = mask.reshape(4, 3, 6, 3).mean((1, 3))
    np.testing.assert_allclose(masks.area(mask, (4, 6)), expected, atol=1e-6)
    twice = mask.repeat(2, 0).repeat(2, 1)
    np.testing.assert_array_equal(masks.area(mask, (24, 36)), twice)
    for shape in ((4, 6), (7, 5), (12, 18)):
        found = masks.area(twice, shape)
        np.testing.assert_allclose(found, masks.area(mask, shape), atol=1e-6)


def test_a_crop_is_of_the_middle():
    mask = halves(10, 20)
    np.testing.assert_array_equal(masks.sized(mask, (1, 1), (10, 10)), halves(10, 10))


def test_soft_edges_add_up_and_are_as_wide_as_asked():
    mask = halves(30, 40)
    assert masks.feathered(mask, 0) is mask
    soft = masks.feathered(mask, 8)
    np.testing.assert_allclose(soft + masks.feathered(1 - mask, 8), 1, atol=1e-6)
    np.testing.assert_allclose(soft, np.broadcast_to(soft[:1], soft.shape), atol=1e-6)
    # Gaussian, of deviation 4: 16 % and 84 % lie 8 pixels apart.
    inner = np.interp([0.16, 0.84], soft[0, ::-1], np.arange(40)[::-1])
    assert abs(inner[0] - inner[1]) == pytest.approx(8, abs=0.3)
    np.testing.assert_array_equal(masks.feathered(np.ones((5, 4), np.float32), 9), 1)
    turned = masks.feathered(mask.T, 8)
    np.testing.assert_allclose(turned, soft.T, atol=1e-6)
