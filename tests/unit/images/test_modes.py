"""Every kind of pixel that a file can hold, against values worked out by hand."""

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.icc_files import srgb_of_lab
from support.image_helpers import grey, read_with_lines, save
from support.png_files import GREY, PALETTE, RGB, chunk, write_png

from nst_jax.errors import ImageError
from nst_jax.images import files


@pytest.mark.parametrize(
    "ending", ["png", "bmp", "tiff", "ppm", "tga", "webp", "avif", "jp2"]
)
def test_rgb_is_exact_in_lossless_formats(tmp_path, ending):
    levels = np.arange(5 * 7 * 3).reshape(5, 7, 3).astype(np.uint8) * 2
    path = tmp_path / f"a.{ending}"
    exact = {
        "webp": {"lossless": True},
        "avif": {"quality": 100, "subsampling": "4:4:4"},
    }
    Image.fromarray(levels).save(path, **exact.get(ending, {}))
    image, lines = read_with_lines(path)
    # AVIF is coded in YCbCr: lossless but for its rounding.
    tolerance = 2 / 255 if ending == "avif" else 0
    np.testing.assert_allclose(image, levels.astype(np.float32) / 255, atol=tolerance)
    assert lines == []


def test_jpeg_is_close(tmp_path):
    levels = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    Image.fromarray(levels).save(tmp_path / "a.jpg", quality=95)
    image, lines = read_with_lines(tmp_path / "a.jpg")
    np.testing.assert_allclose(image, levels / 255, atol=2 / 255)
    assert lines == []


def test_the_first_frame_of_a_gif(tmp_path):
    frames = [Image.new("RGB", (3, 2), colour) for colour in ("#ff0000", "#0000ff")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    image, lines = read_with_lines(tmp_path / "a.gif")
    np.testing.assert_array_equal(image, np.tile([1.0, 0.0, 0.0], (2, 3, 1)))
    assert lines == ["has several frames or pages; took the first"]


def test_one_bit_and_grey(tmp_path):
    image, _ = read_with_lines(save(tmp_path / "a.png", "1", 0, 255, 0))
    np.testing.assert_array_equal(image, grey(0, 1, 0))
    image, _ = read_with_lines(save(tmp_path / "b.png", "L", 0, 51, 255))
    np.testing.assert_array_equal(image, grey(0, np.float32(51) / 255, 1))


def test_few_bit_grey(tmp_path):
    path = write_png(tmp_path / "a.png", (1, 4), 2, GREY, [bytes([0b00011011])])
    image, lines = read_with_lines(path)
    np.testing.assert_allclose(image, grey(0, 1 / 3, 2 / 3, 1), atol=1e-7)
    assert lines == []


def test_palette(tmp_path):
    table = chunk(b"PLTE", bytes([10, 20, 30, 40, 50, 60]))
    path = write_png(tmp_path / "a.png", (1, 2), 8, PALETTE, [bytes([1, 0])], table)
    image, lines = read_with_lines(path)
    expected = np.array([[[40, 50, 60], [10, 20, 30]]], np.float32) / 255
    np.testing.assert_array_equal(image, expected)
    assert lines == []


@pytest.mark.parametrize("big_endian", [False, True])
def test_16_bit_grey_tiff(tmp_path, big_endian):
    values = (0, 1, 300, 32768, 65535)
    mode = "I;16B" if big_endian else "I;16"
    stored = np.array([values], ">u2" if big_endian else "<u2")
    picture = Image.frombytes(mode, (5, 1), stored.tobytes())
    picture.save(tmp_path / "a.tif")
    image, lines = read_with_lines(tmp_path / "a.tif")
    np.testing.assert_allclose(image, grey(*np.array(values) / 65535), rtol=1e-6)
    assert lines == []


def test_16_bit_grey_png_and_pgm(tmp_path):
    row = struct.pack(">3H", 1, 300, 65535)
    expected = grey(1 / 65535, 300 / 65535, 1)
    image, _ = read_with_lines(write_png(tmp_path / "a.png", (1, 3), 16, GREY, [row]))
    np.testing.assert_allclose(image, expected, rtol=1e-6)
    (tmp_path / "a.pgm").write_bytes(b"P5 3 1 65535\n" + row)
    image, _ = read_with_lines(tmp_path / "a.pgm")
    np.testing.assert_allclose(image, expected, rtol=1e-6)


def test_16_bit_rgb_is_read_to_8_bits(tmp_path):
    row = struct.pack(">3H", 0, 32768, 65535)
    image, _ = read_with_lines(write_png(tmp_path / "a.png", (1, 1), 16, RGB, [row]))
    np.testing.assert_allclose(image, [[[0, 32768 / 65535, 1]]], atol=1 / 255)
    assert image[0, 0, 0] == 0
    assert image[0, 0, 2] == 1


def write_tiff(path: Path, bits: int, sample_format: int, data: bytes) -> Path:
    """One row of grey pixels in a minimal little-endian TIFF."""
    width = len(data) * 8 // bits
    tags = [(256, width), (257, 1), (258, bits), (259, 1), (262, 1), (273, 8),
            (277, 1), (278, 1), (279, len(data)), (339, sample_format)]  # fmt: skip
    directory = struct.pack("<H", len(tags))
    for tag, value in tags:
        directory += struct.pack("<HHII", tag, 4, 1, value)
    data += bytes(-len(data) % 2)
    path.write_bytes(b"II*\0" + struct.pack("<I", 8 + len(data)) + data + directory
                     + bytes(4))  # fmt: skip
    return path


@pytest.mark.parametrize(
    ("bits", "sample_format", "values", "expected"),
    [
        (12, 1, bytes([0x80, 0x0F, 0xFF]), (0x800 / 0xFFF, 1)),
        (16, 2, struct.pack("<2h", 32767, 16384), (1, 16384 / 32767)),
        (32, 1, struct.pack("<3I", 0, 2**31, 2**32 - 1), (0, 2**31 / (2**32 - 1), 1)),
        (32, 2, struct.pack("<2i", 2**30, 2**31 - 1), (2**30 / (2**31 - 1), 1)),
        (32, 3, struct.pack("<3f", 0.0, 0.3, 1.0), (0, 0.3, 1)),
    ],
)
def test_deep_tiff(tmp_path, bits, sample_format, values, expected):
    path = write_tiff(tmp_path / "a.tif", bits, sample_format, values)
    image, lines = read_with_lines(path)
    np.testing.assert_allclose(image, grey(*expected), rtol=1e-6)
    assert lines == []


def test_warnings_of_pillow_stay_inside(tmp_path):
    path = write_tiff(tmp_path / "a.tif", 32, 3, struct.pack("<f", 0.25))
    once = struct.pack("<HHII", 278, 4, 1, 1)
    twice = struct.pack("<HHIHH", 278, 3, 2, 1, 1)
    assert once in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(once, twice))
    with (
        pytest.warns(UserWarning, match="too many entries"),
        Image.open(path) as picture,
    ):
        picture.load()
    image, lines = read_with_lines(path)  # a warning here is an error
    np.testing.assert_array_equal(image, grey(0.25))
    assert lines == []


def test_values_outside_the_range_are_clipped_and_reported(tmp_path):
    path = write_tiff(tmp_path / "a.tif", 32, 3, struct.pack("<3f", -1, 0.5, 255))
    image, lines = read_with_lines(path)
    np.testing.assert_array_equal(image, grey(0, 0.5, 1))
    assert lines == ["has values outside [0, 1]; clipped them"]
    path = write_tiff(tmp_path / "b.tif", 16, 2, struct.pack("<2h", -5, 32767))
    image, lines = read_with_lines(path)
    np.testing.assert_array_equal(image, grey(0, 1))
    assert lines == ["has values outside [0, 32767]; clipped them"]


def test_values_that_are_not_finite_are_refused(tmp_path):
    path = write_tiff(tmp_path / "a.tif", 32, 3, struct.pack("<2f", 0.5, np.nan))
    with pytest.raises(ImageError, match="not finite"):
        files.read(path)


def test_float_pfm(tmp_path):
    (tmp_path / "a.pfm").write_bytes(b"Pf\n2 1\n-1.0\n" + struct.pack("<2f", 0.25, 1))
    image, lines = read_with_lines(tmp_path / "a.pfm")
    np.testing.assert_array_equal(image, grey(0.25, 1))
    assert lines == []


@pytest.mark.parametrize("ending", ["tif", "jpg"])
def test_cmyk_without_a_profile(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    Image.new("CMYK", (8, 8), (255, 0, 51, 0)).save(path, quality=100)
    image, lines = read_with_lines(path)
    expected = np.broadcast_to([0.0, 1.0, 0.8], (8, 8, 3))
    np.testing.assert_allclose(image, expected, atol=2 / 255)
    assert lines == [
        "is CMYK without a usable colour profile; the colours are a rough guess"
    ]


def test_ycbcr(tmp_path):
    # BT.601, full range: R = Y + 1.402 Cr', G = Y - 0.344 Cb' - 0.714 Cr', ...
    path = save(tmp_path / "a.tif", "YCbCr", (128, 100, 150), compression="tiff_lzw")
    image, _ = read_with_lines(path)
    cb, cr = 100 - 128, 150 - 128
    red, green = 128 + 1.402 * cr, 128 - 0.344136 * cb - 0.714136 * cr
    expected = np.array([red, green, 128 + 1.772 * cb]) / 255
    np.testing.assert_allclose(image[0, 0], expected, atol=1 / 255)


def test_lab(tmp_path):
    lab = np.array([[[0, 0, 0], [255, 0, 0], [140, 30, 20], [200, -20, 10]]])
    # As TIFF stores it: a* and b* are signed bytes.
    picture = Image.frombytes("LAB", (4, 1), lab.astype(np.uint8).tobytes())
    picture.save(tmp_path / "a.tif")
    image, lines = read_with_lines(tmp_path / "a.tif")
    expected = srgb_of_lab(lab * [100 / 255, 1, 1])
    np.testing.assert_allclose(image, expected, atol=1.6 / 255)
    assert lines == []
