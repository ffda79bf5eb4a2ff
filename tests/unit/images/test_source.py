"""Sources: what tells them apart, what travels, and what is known before reading."""

import hashlib
import io
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.png_files import GREY, chunk, write_png

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
    assert source.given is None
    assert source.name == str(path)
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


def _closed() -> io.BytesIO:
    file = io.BytesIO(b"no matter")
    file.close()
    return file


@pytest.mark.parametrize(
    ("array", "problem"),
    [
        (np.zeros((2, 2, 3), np.int64), "shape (2, 2, 3) and dtype int64"),
        (np.zeros((2, 2, 3), bool), "shape (2, 2, 3) and dtype bool"),
        (np.zeros(7, np.uint8), "shape (7,)"),
        (np.zeros((2, 2, 2)), "shape (2, 2, 2)"),
        (np.zeros((2, 2, 5), np.uint8), "shape (2, 2, 5)"),
        (np.zeros((0, 2, 3)), "shape (0, 2, 3)"),
        (np.zeros((1, 2, 2, 3)), "shape (1, 2, 2, 3)"),
        (np.full((2, 2, 3), 1.01), "outside of [0, 1]"),
        (np.full((2, 2, 3), -1e-9), "outside of [0, 1]"),
        (np.full((2, 2, 3), np.nan), "values that are not finite"),
        (np.full((2, 2, 3), np.inf), "values that are not finite"),
        (None, "dtype object"),
        (io.StringIO("text"), "file object without a picture: open the file as binary"),
        (io.BytesIO(b""), "file object without a picture"),
        (_closed(), "file object without a picture"),
    ],
)
def test_what_is_no_picture_is_refused(array, problem):
    with pytest.raises(ImageError) as caught:
        Source.of(array)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


# Other doors.


@pytest.fixture
def levels() -> np.ndarray:
    """`[5, 7, 4]` uint8."""
    return np.random.default_rng(1).integers(0, 256, (5, 7, 4), dtype=np.uint8)


def test_arrays_of_8_bits_and_grey_ones(levels):
    unit = levels.astype(np.float32) / 255
    for array in (levels[..., :3], unit[..., :3], unit[..., :3].astype(float)):
        np.testing.assert_array_equal(Source.of(array).read(), unit[..., :3])
    grey = np.repeat(unit[..., :1], 3, axis=-1)
    for array in (levels[..., 0], levels[..., :1], unit[..., 0], unit[..., :1]):
        source, lines = Source.of(array), []
        assert source.shape() == (5, 7)
        np.testing.assert_array_equal(source.read(lines.append), grey)
        assert lines == []
    assert Source.of(levels[..., 0]) != Source.of(unit[..., 0])


@pytest.mark.parametrize("floating", [False, True])
def test_alpha_is_composited_on_white_and_said(levels, floating):
    unit = levels.astype(np.float32) / 255
    source, lines = Source.of(unit if floating else levels), []
    alpha = unit[..., 3:]
    expected = unit[..., :3] * alpha + (1 - alpha)
    np.testing.assert_allclose(source.read(lines.append), expected, atol=1e-6)
    assert lines == [f"{source.name}: has transparency; composited on white"]
    assert source.name.startswith("array ")
    opaque = levels.copy()
    opaque[..., 3] = 255
    lines.clear()
    read = Source.of(opaque).read(lines.append)
    np.testing.assert_array_equal(read, unit[..., :3])
    assert lines == []


def encoded(levels, kind, **options):
    file = io.BytesIO()
    Image.fromarray(levels).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG"])
def test_bytes_and_file_objects_are_what_their_file_is(tmp_path, levels, kind):
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded(levels[..., :3].copy(), kind, exif=exif)
    (tmp_path / "a").write_bytes(content)
    file = Source.of(tmp_path / "a")
    with open(tmp_path / "a", "rb") as opened:
        sources = [Source.of(opened)]
    sources += [Source.of(io.BytesIO(content)), Source.of(content)]
    sources += [Source.of(bytearray(content)), Source.of(memoryview(content))]
    assert len(set(sources)) == 1
    for source in sources:
        assert source.shape() == file.shape() == (7, 5)
        np.testing.assert_array_equal(source.read(), file.read())
        assert source.digest() == file.digest()
    assert pickle.loads(pickle.dumps(sources[0])).shape() == (7, 5)
    other = encoded(levels[::-1, :, :3].copy(), kind)
    assert Source.of(other) != sources[0]


def test_bytes_that_are_no_picture():
    source = Source.of(b"no picture")
    line = "picture of 10 bytes: is not an image, or of an unknown kind; give a PNG"
    for attempt in (source.shape, source.read):
        with pytest.raises(ImageError, match=line):
            attempt()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_pil_images_are_what_their_file_is(tmp_path, levels, mode, kind):
    if mode == "I;16":
        picture = Image.fromarray(levels[..., 0].astype(np.uint16) * 257)
    else:
        colours = levels[..., :3].copy() if mode == "P" else levels
        picture = Image.fromarray(colours).convert(mode)
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "a"
    if (mode, kind) == ("CMYK", "PNG"):
        pytest.skip("PNG has none")
    options = {"compression": "tiff_lzw"} if kind == "TIFF" else {}
    picture.save(path, kind, exif=exif, **options)
    expected, said = Source.of(path).read(), []
    with Image.open(path) as opened:
        sources = [Source.of(opened), Source.of(opened)]
        opened.load()
    assert sources[0] == sources[1]
    for source in sources:
        assert source.shape() == (7, 5)
        np.testing.assert_array_equal(source.read(said.append), expected)
        np.testing.assert_array_equal(source.read(), expected)
        assert source.name.startswith("picture ")
    assert pickle.loads(pickle.dumps(sources[0])).read().shape == (7, 5, 3)
    assert bool(said) == (mode in ("LA", "RGBA", "CMYK"))


def test_a_pil_image_is_taken_as_it_is_now(levels):
    picture = Image.fromarray(levels[..., :3].copy())
    source = Source.of(picture)
    picture.putpixel((0, 0), (0, 0, 0))
    assert Source.of(picture) != source
    np.testing.assert_array_equal(source.read(), levels[..., :3] / np.float32(255))
    # What is more than its pixels counts too.
    palette = Image.fromarray(levels[..., 0].copy(), "L").convert("P")
    other = palette.copy()
    other.putpalette([7] * 768)
    assert Source.of(other) != Source.of(palette)


def test_a_few_bit_colour_that_is_transparent(tmp_path):
    key = chunk(b"tRNS", struct.pack(">H", 1))
    path = write_png(tmp_path / "a.png", (1, 4), 2, GREY, [bytes([0b00011011])], key)
    with Image.open(path) as opened:
        source = Source.of(opened)
    np.testing.assert_array_equal(source.read(), Source.of(path).read())


# Paths.


def test_a_tilde_is_the_home(path, array, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(path.parent))
    place = tmp_path / "elsewhere"
    place.mkdir()
    monkeypatch.chdir(place)
    assert Source.of("~/a.png").key == str(path)
    assert Source.of(Path("~/a.png")).shape() == (5, 7)
    # What really has that name is meant, by whatever it is called.
    (place / "~").mkdir()
    files.write(place / "~/a.png", array[:3])
    assert Source.of("~/a.png").shape() == (3, 7)
    assert Source.of("./~/a.png").shape() == (3, 7)
    assert files.expanded("~/b.png") == str(path.with_name("b.png"))
    assert files.expanded("b~.png") == "b~.png"
    assert files.expanded("~nobody-of-that-name/b.png") == "~nobody-of-that-name/b.png"
    assert files.expanded("~/a.png", "lists") == str(path)
    assert files.expanded("a.png", "lists") == "lists/a.png"


@pytest.mark.parametrize("kind", ["pipe", "loop", "device", "sparse", "none"])
def test_nothing_is_hashed_before_it_is_looked_at(tmp_path, kind):
    place = tmp_path / "a.png"
    match kind:
        case "pipe":
            os.mkfifo(place)
        case "loop":
            place.symlink_to(place)
        case "device":
            place.symlink_to("/dev/zero")
        case "sparse":
            place.touch()
            os.truncate(place, 2**40)
    source = Source.of(place)
    assert source.digest() == ""
    for attempt in (source.shape, source.read):
        with pytest.raises(ImageError, match=r"a\.png: "):
            attempt()


def test_names_need_not_be_text(tmp_path, array):
    name = os.fsencode(tmp_path) + b"/na\xefve.png"
    files.write(os.fsdecode(name), array)
    assert Source.of(os.fsdecode(name)).read().shape == (5, 7, 3)
    missing = Source.of(os.fsdecode(name + b"!"))
    with pytest.raises(ImageError, match="no such file"):
        missing.read()
    with pytest.raises(ImageError, match="can't be opened"):
        Source.of("a\0b").read()
    assert Source.of("a\0b").digest() == ""
