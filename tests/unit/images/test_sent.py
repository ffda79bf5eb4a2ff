"""Pictures as levels, on their way between machines, and files that are carried."""

import threading

import numpy as np
import pytest

from nst_jax.errors import ImageError
from nst_jax.images import encode, files, opening, sent


@pytest.mark.parametrize("bits", [8, 16])
def test_levels_are_those_that_are_written(bits):
    image = np.random.default_rng(0).uniform(-0.1, 1.1, (9, 7, 3)).astype(np.float32)
    levels = sent.narrowed(image, bits)
    assert levels.dtype == (np.uint8 if bits == 8 else np.uint16)
    again = sent.widened(levels)
    assert again.dtype == np.float32
    np.testing.assert_array_equal(encode.quantize(again, bits), levels)
    np.testing.assert_allclose(again, image.clip(0, 1), atol=0.51 / (2**bits - 1))
    every = np.arange(2**bits).astype(levels.dtype)
    np.testing.assert_array_equal(encode.quantize(sent.widened(every), bits), every)


def test_what_is_not_finite_stays_for_who_writes_it():
    image = np.full((2, 2, 3), np.nan, np.float32)
    assert np.isnan(sent.widened(sent.narrowed(image, 8))).all()


def test_levels_that_lose_nothing():
    rng = np.random.default_rng(0)
    for kind in (np.uint8, np.uint16):
        levels = rng.integers(0, np.iinfo(kind).max, (5, 4, 3)).astype(kind)
        found = sent.lossless(sent.widened(levels))
        assert found.dtype == kind
        np.testing.assert_array_equal(found, levels)
    image = rng.random((5, 4, 3), np.float32)
    assert sent.lossless(image) is image


def test_a_carried_file_is_read_wherever_it_is(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (6, 5, 3)) / np.float32(255)
    path = tmp_path / "a.png"
    files.write(path, image)
    digest = files.digest(path)
    content = opening.content(path)
    path.unlink()
    with opening.carried({str(path): content}):
        found = []
        reader = threading.Thread(target=lambda: found.append(files.read(path)))
        reader.start()
        reader.join()
        np.testing.assert_allclose(found[0], image, atol=1e-6)
        assert files.shape(path) == (6, 5)
        assert files.digest(path) == digest
    with pytest.raises(ImageError, match="no such file"):
        files.read(path)


def test_a_carried_file_that_is_no_picture_is_called_by_its_name():
    with (
        opening.carried({"far.png": b"none"}),
        pytest.raises(ImageError, match=r"^far\.png: is not an image"),
    ):
        files.read("far.png")
