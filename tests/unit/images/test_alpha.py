"""Transparency of every kind, against compositing by hand."""

import struct

import numpy as np
import pytest
from PIL import Image
from support.image_helpers import grey, read_with_lines, save
from support.png_files import GREY, GREY_ALPHA, PALETTE, RGB, chunk, write_png

from nst_jax.images.source import Source

ON_WHITE = "has transparency; composited on white"


def test_alpha_is_composited_on_white(tmp_path):
    path = save(tmp_path / "a.png", "RGBA", (255, 0, 51, 128), (0, 0, 0, 0))
    image, lines = read_with_lines(path)
    a = 128 / 255
    np.testing.assert_allclose(
        image, [[[1, 1 - a, 0.2 * a + 1 - a], [1, 1, 1]]], atol=1e-6
    )
    assert lines == [ON_WHITE]


def test_opaque_alpha_is_no_news(tmp_path):
    path = save(tmp_path / "a.png", "RGBA", (255, 0, 51, 255))
    image, lines = read_with_lines(path)
    np.testing.assert_allclose(image, [[[1, 0, 0.2]]], atol=1e-7)
    assert lines == []


def test_grey_with_alpha(tmp_path):
    path = save(tmp_path / "a.png", "LA", (51, 255), (51, 51), (0, 0))
    image, lines = read_with_lines(path)
    np.testing.assert_allclose(image, grey(0.2, 0.2 * 0.2 + 0.8, 1), atol=1e-6)
    assert lines == [ON_WHITE]


def test_16_bit_grey_with_alpha(tmp_path):
    row = struct.pack(">4H", 13107, 65535, 0, 32768)
    path = write_png(tmp_path / "a.png", (1, 2), 16, GREY_ALPHA, [row])
    image, lines = read_with_lines(path)
    np.testing.assert_allclose(image, grey(0.2, 0.5), atol=1 / 255)
    assert lines == [ON_WHITE]


@pytest.mark.parametrize(
    ("mode", "pixel"),
    [("RGBa", (51, 0, 0, 102)), ("La", (51, 102)), ("HSV", (0, 255, 128))],
)
def test_modes_that_only_memory_holds(mode, pixel):
    notes: list[str] = []
    image = Source.of(Image.new(mode, (1, 1), pixel)).read(notes.append)
    expected = {
        "RGBa": [0.2 + 0.6, 0.6, 0.6],  # 51/255 is already multiplied by 102/255
        "La": [0.8, 0.8, 0.8],
        "HSV": [128 / 255, 0, 0],
    }[mode]
    np.testing.assert_allclose(image[0, 0], expected, atol=1.5 / 255)
    expected_notes = [] if mode == "HSV" else [ON_WHITE]
    assert [note.partition(": ")[2] for note in notes] == expected_notes


def test_palette_with_alpha(tmp_path):
    picture = Image.new("PA", (2, 1))
    picture.putpalette([255, 0, 0, 0, 0, 51])
    picture.putpixel((0, 0), (0, 102))
    picture.putpixel((1, 0), (1, 255))
    notes: list[str] = []
    image = Source.of(picture).read(notes.append)
    np.testing.assert_allclose(image, [[[1, 0.6, 0.6], [0, 0, 0.2]]], atol=1e-6)
    assert [note.partition(": ")[2] for note in notes] == [ON_WHITE]


def test_palette_with_transparent_entries(tmp_path):
    table = chunk(b"PLTE", bytes([255, 0, 0, 0, 0, 51]))
    opacity = chunk(b"tRNS", bytes([102]))
    path = write_png(
        tmp_path / "a.png", (1, 2), 8, PALETTE, [bytes([0, 1])], table, opacity
    )
    image, lines = read_with_lines(path)
    np.testing.assert_allclose(image, [[[1, 0.6, 0.6], [0, 0, 0.2]]], atol=1e-6)
    assert lines == [ON_WHITE]


@pytest.mark.parametrize(
    ("depth", "row", "transparent", "expected"),
    [
        (1, bytes([0b01000000]), 0, (1, 1)),
        (1, bytes([0b01000000]), 1, (0, 1)),
        (2, bytes([0b01100000]), 1, (1, 2 / 3)),
        (4, bytes([0x3C]), 3, (1, 12 / 15)),
        (8, bytes([51, 102]), 51, (1, 0.4)),
        (16, struct.pack(">2H", 1000, 1001), 1000, (1, 1001 / 65535)),
    ],
)
def test_one_transparent_grey(tmp_path, depth, row, transparent, expected):
    key = chunk(b"tRNS", struct.pack(">H", transparent))
    path = write_png(tmp_path / "a.png", (1, 2), depth, GREY, [row], key)
    image, lines = read_with_lines(path)
    np.testing.assert_allclose(image, grey(*expected), rtol=1e-6)
    assert lines == [ON_WHITE]


@pytest.mark.parametrize("depth", [8, 16])
def test_one_transparent_colour(tmp_path, depth):
    levels = np.array([[[204, 0, 51], [51, 0, 51]]]) * (257 if depth == 16 else 1)
    kind = ">u2" if depth == 16 else "u1"
    key = chunk(b"tRNS", levels[0, 0].astype(">u2").tobytes())
    rows = [levels.astype(kind).tobytes()]
    image, lines = read_with_lines(
        write_png(tmp_path / "a.png", (1, 2), depth, RGB, rows, key)
    )
    np.testing.assert_allclose(image, [[[1, 1, 1], [0.2, 0, 0.2]]], atol=1e-7)
    assert lines == [ON_WHITE]


def test_transparent_gif(tmp_path):
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 0, 255, 0])
    picture.putpixel((1, 0), 1)
    picture.save(tmp_path / "a.gif", transparency=1)
    image, lines = read_with_lines(tmp_path / "a.gif")
    np.testing.assert_array_equal(image, [[[1, 0, 0], [1, 1, 1]]])
    assert lines == [ON_WHITE]
