"""Sources: what tells them apart, what travels, and what is known before reading."""

import hashlib
import pickle

import numpy as np
import pytest
from PIL import Image

from nst_jax.errors import ImageError
from nst_jax.images import files
from nst_jax.images.source import Source


@pytest.fixture
def array() -> np.ndarray:
    return np.random.default_rng(0).random((5, 7, 3), np.float32)


@pytest.fixture
def path(tmp_path, array):
    files.write(tmp_path / "a.png", array)
    return tmp_path / "a.png"


def test_a_path_is_its_key(path):
    source = Source.of(path)
    assert source.key == str(path)
    assert source.array is None
    assert source == Source.of(str(path))
    assert hash(source) == hash(Source.of(str(path)))
    assert source != Source.of(path.with_name("b.png"))
    assert Source.of(source) is source


def test_an_array_is_its_values(array):
    source = Source.of(array)
    assert source == Source.of(array.copy())
    assert hash(source) == hash(Source.of(array.copy()))
    # Memory order is none of it, and lists of numbers are arrays.
    assert source == Source.of(np.asfortranarray(array))
    assert Source.of(array.astype(float)) == Source.of(array.astype(float).tolist())
    other = array.copy()
    other[4, 6, 2] /= 2
    for different in (other, array[::-1], array.reshape(7, 5, 3), array.astype(float)):
        assert Source.of(different) != source
    assert source.shape() == (5, 7)
    np.testing.assert_array_equal(source.read(), array)
    assert Source.of(array.astype(np.float64)).read().dtype == np.float32


def test_a_path_travels_as_its_key(path, array):
    """To another process, and no pixel with it, whether read before or not."""
    source = Source.of(path)
    source.read()
    assert len(pickle.dumps(source)) < len(str(path)) + 300
    assert pickle.loads(pickle.dumps(source)) == source
    whole = pickle.loads(pickle.dumps(Source.of(array)))
    assert whole == Source.of(array)
    np.testing.assert_array_equal(whole.read(), array)


def test_a_digest_is_of_bytes(path, array):
    digest = Source.of(path).digest()
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    copy = path.with_name("b.png")
    copy.write_bytes(path.read_bytes())
    assert Source.of(copy).digest() == digest
    copy.write_bytes(path.read_bytes() + b"!")
    assert Source.of(copy).digest() != digest
    assert Source.of(array).digest() == Source.of(array.copy()).digest()
    assert Source.of(array).digest() != Source.of(array / 2).digest()
    assert Source.of(path.with_name("none.png")).digest() == ""
    assert Source.of(path.parent).digest() == ""


def test_a_shape_is_known_without_the_pixels(path):
    """Which here are damaged, so that they can't be read."""
    content = path.read_bytes()
    start = content.index(b"IDAT") + 8
    path.write_bytes(content[:start] + bytes(20) + content[start + 20 :])
    source = Source.of(path)
    assert source.shape() == (5, 7)
    with pytest.raises(ImageError, match="can't be decoded"):
        source.read()


def test_lines_reach_whoever_asks(tmp_path):
    path = tmp_path / "a.png"
    Image.new("RGBA", (3, 2), (0, 0, 0, 0)).save(path)
    lines: list[str] = []
    assert Source.of(path).read(lines.append).min() == 1
    assert lines == [f"{path}: has transparency; composited on white"]


@pytest.mark.parametrize("missing", ["none.png", "text.png", "."])
def test_what_is_wrong_with_a_file_is_one_line(tmp_path, missing):
    (tmp_path / "text.png").write_text("no picture")
    source = Source.of(tmp_path / missing)
    for attempt in (source.shape, source.read):
        with pytest.raises(ImageError) as caught:
            attempt()
        assert str(caught.value).startswith(f"{tmp_path / missing}: ")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("array", "problem"),
    [
        (np.zeros((2, 2, 3), np.uint8), "shape (2, 2, 3) and dtype uint8"),
        (np.zeros((2, 2)), "shape (2, 2) and dtype float64"),
        (np.zeros((2, 2, 4)), "shape (2, 2, 4)"),
        (np.zeros((0, 2, 3)), "shape (0, 2, 3)"),
        (np.zeros((1, 2, 2, 3)), "shape (1, 2, 2, 3)"),
        (np.full((2, 2, 3), 1.01), "outside of [0, 1]"),
        (np.full((2, 2, 3), -1e-9), "outside of [0, 1]"),
        (np.full((2, 2, 3), np.nan), "outside of [0, 1]"),
        (np.full((2, 2, 3), np.inf), "outside of [0, 1]"),
        (None, "dtype object"),
    ],
)
def test_what_is_no_picture_is_refused(array, problem):
    with pytest.raises(ImageError) as caught:
        Source.of(array)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
