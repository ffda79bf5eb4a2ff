"""What is no image gets one clear line, never another exception or a warning."""

import io
import os
import struct
from concurrent import futures
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

from nst_jax.errors import ImageError, NstError
from nst_jax.images import files

ENCODED = ["png", "jpg", "gif", "webp", "tif", "bmp"]


def message_of(path: Path) -> str:
    with pytest.raises(ImageError) as caught:
        files.read(path)
    message = str(caught.value)
    assert isinstance(caught.value, NstError)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def encoded(ending: str) -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(
        file, {"jpg": "jpeg", "tif": "tiff"}.get(ending, ending)
    )
    return file.getvalue()


def test_missing(tmp_path):
    assert message_of(tmp_path / "a.png") == "no such file; check the name"
    with pytest.raises(ImageError, match="no such file; check the name"):
        files.read_description(tmp_path / "a.png")


def test_folder(tmp_path):
    assert message_of(tmp_path) == "is a folder; give an image file"


def test_a_file_is_not_a_folder(tmp_path):
    (tmp_path / "a").write_text("x")
    assert message_of(tmp_path / "a" / "b.png") == "can't be opened (Not a directory)"


def test_pipe(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    expected = "is not a regular file; give an image file"
    assert message_of(tmp_path / "a.png") == expected


def test_empty(tmp_path):
    (tmp_path / "a.png").touch()
    assert message_of(tmp_path / "a.png") == "is empty; get the image again"


@pytest.mark.parametrize("content", [b"hello, world\n" * 99, b"\x00" * 500, b"P"])
def test_no_image(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    expected = "is not an image, or of an unknown kind; give a PNG or JPEG"
    assert message_of(tmp_path / "a.png") == expected


@pytest.mark.parametrize("ending", ENCODED)
def test_truncated(tmp_path, ending):
    content = encoded(ending)
    (tmp_path / "a").write_bytes(content[: len(content) // 2])
    message = message_of(tmp_path / "a")
    assert message.startswith("can't be decoded (")
    advice = "; it may be cut short or damaged, get it again or as PNG or JPEG"
    assert message.endswith(advice)


def test_decompression_bomb(tmp_path):
    assert f"{Image.MAX_IMAGE_PIXELS:,}" == "89,478,485"
    path = tmp_path / "a.ppm"
    path.write_bytes(b"P6 20000 20000 255\n")
    expected = "has more than 178,956,970 pixels, the limit; scale it down first"
    assert message_of(path) == expected
    with pytest.raises(ImageError, match="the limit"):
        files.shape(path)


@pytest.mark.parametrize("ending", ENCODED)
def test_damage_anywhere_is_an_image_or_an_image_error(tmp_path, monkeypatch, ending):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10**5)
    rng = np.random.default_rng(0)
    content = np.frombuffer(encoded(ending), np.uint8)
    path, messages = tmp_path / "a", list[str]()

    def attempt(function):
        try:
            return function(path)
        except ImageError as error:
            messages.append(str(error))
            return None

    for trial in range(60):
        damaged = content.copy()
        # Half of them in the header, where the decoders' assumptions are.
        reach = len(content) if trial % 2 else 200
        places = rng.integers(0, reach, rng.integers(1, 9))
        damaged[places] = rng.integers(0, 256, len(places))
        path.write_bytes(damaged.tobytes())
        shape, image = attempt(files.shape), attempt(files.read)
        if image is not None:
            assert image.shape == (*shape, 3)
            assert 0 <= image.min() <= image.max() <= 1
    assert messages
    assert not any("\n" in message for message in messages)


def test_what_pillow_logs_stays_inside(tmp_path, caplog):
    path = tmp_path / "a.tif"
    Image.new("RGB", (4, 4)).save(path)
    content = path.read_bytes()
    three = struct.pack("<HHIHH", 277, 3, 1, 3, 0)
    assert three in content
    path.write_bytes(content.replace(three, struct.pack("<HHIHH", 277, 3, 1, 255, 0)))
    assert message_of(path).startswith("is not an image")
    with futures.ThreadPoolExecutor(4) as threads:  # Of which each has its end.
        assert len(set(threads.map(message_of, [path] * 40))) == 1
    assert caplog.records == []
    with (
        pytest.raises(UnidentifiedImageError),
        path.open("rb") as file,
    ):
        Image.open(file, formats=["TIFF"])
    assert [record.name for record in caplog.records] == ["PIL.TiffImagePlugin"]
