"""What a stranger's file may cost: refused before the work, or read reduced."""

import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile
from support import png_files
from support.image_helpers import read_with_lines
from support.png_files import RGB, chunk, write_png

from nst_jax.errors import ImageError
from nst_jax.images import files


def message_of(path: Path) -> str:
    with pytest.raises(ImageError) as caught:
        files.read(path)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{path}: ")


def jpeg(**options: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (16, 16), (200, 90, 10)).save(file, "JPEG", **options)
    return file.getvalue()


def sparse(path: Path, head: bytes, size: int) -> Path:
    path.write_bytes(head)
    os.truncate(path, size)
    return path


# Headers.


def test_a_file_larger_than_any_picture(tmp_path):
    path = sparse(tmp_path / "a.png", b"\x89PNG\r\n\x1a\n", 2**32)
    assert message_of(path) == "has 4.0 GB, too many for a picture; 2 are read"


@pytest.mark.slow
def test_a_webp_whose_end_is_far(tmp_path):
    head = b"RIFF" + struct.pack("<I", 2**30) + b"WEBPVP8 "
    path = sparse(tmp_path / "a.webp", head, 2**31)
    assert "has an endless header" in message_of(path)


@pytest.mark.parametrize("name", [b"zTXt", b"iCCP", b"iTXt"])
@pytest.mark.parametrize("place", ["before", "behind"])
def test_chunks_that_unpack_to_much(tmp_path, name, place):
    packed = b"x\0\0" + zlib.compress(bytes(2**20 - 10), 9)
    many = chunk(name, packed) * 300
    frame = ((1, 1), 8, RGB, [bytes(3)])
    path = tmp_path / "a.png"
    if place == "before":
        write_png(path, *frame, many)
    else:
        write_png(path, *frame, behind=many)
    assert message_of(path) == "has too many parts; save it anew without metadata"


def test_a_png_without_end_of_chunks(tmp_path):
    many = chunk(b"teSt", b"") * (2**18 + 1)
    path = write_png(tmp_path / "a.png", (1, 1), 8, RGB, [bytes(3)], many)
    assert message_of(path) == "has too many parts; save it anew without metadata"


def test_usual_metadata_is_none_of_it(tmp_path):
    texts = b"".join(
        chunk(b"zTXt", b"key\0\0" + zlib.compress(b"text" * 1000)) for _ in range(50)
    )
    path = write_png(tmp_path / "a.png", (1, 1), 8, RGB, [bytes(3)], texts)
    assert files.read(path).shape == (1, 1, 3)


def test_headers_that_go_on_and_on(tmp_path):
    gif = io.BytesIO()
    Image.new("L", (4, 4)).save(gif, "GIF")
    content = gif.getvalue()
    table = 13 + 3 * (2 << (content[10] & 7))
    comment = b"!\xfe" + (b"\xff" + bytes(255)) * 40_000 + b"\0"
    segment = b"\xff\xe1\xff\xffExif\0\0" + bytes(65527)
    photo = jpeg()
    for name, made in {
        "a.gif": content[:table] + comment + content[table:],
        "a.jpg": photo[:2] + segment * 300 + photo[2:],
        "a.ppm": b"P6\n#" + b"x" * 100_000 + b"\n1 1 255\n\0\0\0",
    }.items():
        (tmp_path / name).write_bytes(made)
        assert "has an endless header" in message_of(tmp_path / name)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_a_tiff_of_a_million_strips(tmp_path, order, big):
    count = 1_000_000
    tags = [(256, 1), (257, count), (258, 8), (259, 1), (262, 1), (277, 1), (278, 1)]
    entries = [(tag, 4, 1, value) for tag, value in tags]
    entries += [(273, 4, count, 512), (279, 4, count, 512)]
    form = order + ("HHQQ" if big else "HHII")
    directory = b"".join(struct.pack(form, *entry) for entry in sorted(entries))
    start = b"II" if order == "<" else b"MM"
    if big:
        head = start + struct.pack(order + "HHHQQ", 43, 8, 0, 16, len(entries))
    else:
        head = start + struct.pack(order + "HIH", 42, 8, len(entries))
    path = sparse(tmp_path / "a.tif", head + directory + bytes(8), 4 * count + 512)
    assert message_of(path) == "has 1000000 strips or tiles; save it anew"


def test_a_psd_longer_than_there_are(tmp_path):
    head = b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 40_000_000, 1, 8, 3)
    path = sparse(tmp_path / "a.psd", head, 10**6)
    assert message_of(path) == "has a side of 40000000 pixels; save as PNG"


# Pixels.


def test_what_is_decoded_in_python_is_smaller(tmp_path):
    head = b"qoif" + struct.pack(">IIBB", 5000, 5000, 4, 0)
    (tmp_path / "a.qoi").write_bytes(head + b"\xfd" * 500_000)
    (tmp_path / "a.ppm").write_bytes(b"P6 5000 5000 100\n" + bytes(100))
    (tmp_path / "b.pgm").write_bytes(b"P2 5000 5000 255\n" + b"1 " * 100)
    for name, kind in {"a.qoi": "QOI", "a.ppm": "PPM", "b.pgm": "PPM"}.items():
        assert message_of(tmp_path / name) == (
            f"has more than 16,777,216 pixels, the limit of this form of {kind}, which "
            "is slow to read; save it as PNG"
        )


def resized(content: bytes, marker: bytes, side: int) -> bytes:
    """A JPEG whose header says that it has another size."""
    place = content.index(marker) + 5
    size = struct.pack(">HH", side, side)
    return content[:place] + size + content[place + 4 :]


def test_scans_without_end(tmp_path):
    content = jpeg(progressive=True)
    last = content.rindex(b"\xff\xda")
    many = content[:last] + content[last:-2] * 200 + content[-2:]
    (tmp_path / "a.jpg").write_bytes(many)
    assert files.read(tmp_path / "a.jpg").shape == (16, 16, 3)
    (tmp_path / "a.jpg").write_bytes(resized(many, b"\xff\xc2", 9000))
    assert message_of(tmp_path / "a.jpg").endswith(
        "scans, which take too long; save it anew"
    )


def test_coefficients_that_would_fill_the_memory(tmp_path):
    (tmp_path / "a.jpg").write_bytes(
        resized(jpeg(progressive=True), b"\xff\xc2", 60_000)
    )
    assert message_of(tmp_path / "a.jpg").endswith(
        "save it as one that isn't progressive"
    )


def test_a_jpeg_of_too_many_pixels_is_read_reduced(tmp_path, monkeypatch):
    ramp = np.linspace(0, 255, 80).astype(np.uint8)
    levels = np.stack([np.tile(ramp, (64, 1))] * 3, axis=-1)
    Image.fromarray(levels).save(tmp_path / "a.jpg", quality=95)
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(levels).save(tmp_path / "b.jpg", quality=95, exif=turned)
    whole = files.read(tmp_path / "a.jpg")
    for limit, scale in ((80 * 64 - 1, 2), (80 * 64 // 5, 4), (80 * 64 // 64, 8)):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        shape = (64 // scale, 80 // scale)
        assert files.shape(tmp_path / "a.jpg") == shape
        image, lines = read_with_lines(tmp_path / "a.jpg")
        assert lines == [f"has 80x64 pixels; read at 1/{scale} of that"]
        boxes = whole.reshape(shape[0], scale, shape[1], scale, 3).mean((1, 3))
        np.testing.assert_allclose(image, boxes, atol=0.03)
        assert files.shape(tmp_path / "b.jpg") == shape[::-1]
        assert files.read(tmp_path / "b.jpg").shape == (*shape[::-1], 3)


@pytest.mark.parametrize("mode", ["RGBA", "L", "P", "1", "I;16"])
def test_other_pictures_of_too_many_pixels_are_halved(tmp_path, monkeypatch, mode):
    rng = np.random.default_rng(0)
    if mode == "I;16":
        picture = Image.fromarray(rng.integers(0, 2**16, (31, 40), dtype=np.uint16))
    else:
        levels = rng.integers(0, 256, (31, 40, 4), dtype=np.uint8)
        picture = Image.fromarray(levels).convert(mode)
    path = tmp_path / "a.png"
    picture.save(path)
    whole = files.read(path)[:30]
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 31 * 40 - 1)
    image, lines = read_with_lines(path)
    assert lines[0] == "has 40x31 pixels; read at 1/2 of that"
    assert files.shape(path) == (15, 20)
    expected = whole.reshape(15, 2, 20, 2, 3).mean((1, 3))
    np.testing.assert_allclose(image, expected, atol=1e-6)
    # Twice as many are too many for what can't be decoded reduced.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 31 * 20 - 1)
    assert (
        message_of(path) == "has more than 1,238 pixels, the limit; scale it down first"
    )


@pytest.mark.parametrize("ending", ["webp", "avif", "jp2"])
def test_decoders_that_hold_a_picture_several_times(tmp_path, monkeypatch, ending):
    path = tmp_path / f"a.{ending}"
    Image.new("RGB", (40, 31)).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 31 * 40 - 1)
    assert (
        message_of(path) == "has more than 1,239 pixels, the limit; scale it down first"
    )


def test_without_a_limit_of_pillow_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    Image.new("RGB", (40, 31)).save(tmp_path / "a.jpg")
    assert files.read(tmp_path / "a.jpg").shape == (31, 40, 3)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux")
def test_the_memory_of_a_large_picture(tmp_path):
    """Of 88 million pixels with alpha, whose floats alone would be 1.4 GB."""
    side = 9400
    row = bytes([200, 90, 10, 50]) * side
    frame = ((side, side), 8, png_files.RGB_ALPHA, [row] * side)
    path = write_png(tmp_path / "a.png", *frame)
    code = (
        "import sys; from nst_jax.images import files; "
        "image = files.read(sys.argv[1], size=(64, 64)); "
        "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    )
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1_300_000  # kB


def test_pillows_own_settings_are_left_alone(tmp_path):
    before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
    (tmp_path / "a.jpg").write_bytes(resized(jpeg(), b"\xff\xc0", 60_000))
    assert files.shape(tmp_path / "a.jpg") == (7500, 7500)
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
