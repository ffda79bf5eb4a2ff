"""The alpha channel of pictures of every kind."""

import struct

import numpy as np
import pytest
from PIL import Image
from support.image_helpers import save
from support.png_files import GREY, GREY_ALPHA, PALETTE, RGB, chunk, write_png

from nst_jax.images import files, resize
from nst_jax.images.source import Source


def transparent_gif(path):
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 0, 255, 0])
    picture.putpixel((1, 0), 1)
    picture.save(path, transparency=1)
    return path


def of_palette(path):
    parts = (
        chunk(b"PLTE", bytes([255, 0, 0, 0, 0, 51])),
        chunk(b"tRNS", bytes([102])),
    )
    return write_png(path, (1, 2), 8, PALETTE, [bytes([0, 1])], *parts)


def one_colour(path):
    key = chunk(b"tRNS", struct.pack(">3H", 204, 0, 51))
    return write_png(path, (1, 2), 8, RGB, [bytes([204, 0, 51, 51, 0, 51])], key)


def one_grey(path):
    key = chunk(b"tRNS", struct.pack(">H", 51))
    return write_png(path, (1, 2), 8, GREY, [bytes([51, 102])], key)


def deep_grey(path):
    row = struct.pack(">4H", 13107, 65535, 0, 32768)
    return write_png(path, (1, 2), 16, GREY_ALPHA, [row])


KINDS = {
    "rgba.png": (
        lambda p: save(p, "RGBA", (255, 0, 51, 128), (0, 0, 0, 255)),
        [128 / 255, 1],
    ),
    "la.png": (lambda p: save(p, "LA", (51, 51), (0, 0)), [0.2, 0]),
    "palette.png": (of_palette, [0.4, 1]),
    "one.png": (one_colour, [0, 1]),
    "grey.png": (one_grey, [0, 1]),
    "deep.png": (deep_grey, [1, 128 / 255]),
    "a.gif": (transparent_gif, [1, 0]),
    "rgb.png": (lambda p: save(p, "RGB", (1, 2, 3), (4, 5, 6)), [1, 1]),
    "l.jpg": (lambda p: save(p, "L", 3, 4), [1, 1]),
}


@pytest.mark.parametrize("name", KINDS)
def test_files_of_every_kind(tmp_path, name):
    make, expected = KINDS[name]
    path = make(tmp_path / name)
    with Image.open(path) as opened:
        of_pillow = Source.of(opened).opacity()
    for found in (
        files.read_opacity(path),
        Source.of(path).opacity(),
        Source.of(path.read_bytes()).opacity(),
        of_pillow,
    ):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, [expected], atol=1e-6)


def test_arrays():
    rng = np.random.default_rng(1)
    array = rng.random((5, 4, 4), np.float32)
    np.testing.assert_array_equal(Source.of(array).opacity(), array[..., 3])
    levels = np.rint(array * 255).astype(np.uint8)
    expected = levels[..., 3] / 255
    np.testing.assert_allclose(Source.of(levels).opacity(), expected, rtol=1e-6)
    for opaque in (array[..., :3], array[..., 0]):
        np.testing.assert_array_equal(Source.of(opaque).opacity(), np.ones((5, 4)))


def test_it_is_cropped_turned_and_resized_with_the_picture(tmp_path):
    rng = np.random.default_rng(2)
    levels = rng.integers(0, 256, (40, 30, 4), np.uint8)
    exif = Image.Exif()
    exif[274] = 6  # Lies on its side.
    path = tmp_path / "a.png"
    Image.fromarray(levels).save(path, exif=exif)
    upright = np.rot90(levels[..., 3] / np.float32(255), -1)
    np.testing.assert_allclose(files.read_opacity(path), upright, rtol=1e-6)
    cropped = resize.crop(upright[..., None].astype(np.float32), (1, 1))
    expected = resize.resize(cropped, (12, 12))[..., 0]
    found = files.read_opacity(path, ratio=(1, 1), size=(12, 12))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_large_pictures_are_read_in_parts(tmp_path, monkeypatch):
    rng = np.random.default_rng(3)
    levels = rng.integers(0, 256, (64, 50, 4), np.uint8)
    Image.fromarray(levels).save(tmp_path / "a.png")
    whole = files.read_opacity(tmp_path / "a.png", size=(20, 15))
    monkeypatch.setattr(resize, "_AT_ONCE", 200)
    monkeypatch.setattr(resize, "_WHOLE", 100)
    parts = files.read_opacity(tmp_path / "a.png", size=(20, 15))
    np.testing.assert_array_equal(parts, whole)
