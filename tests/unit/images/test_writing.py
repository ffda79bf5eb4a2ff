"""Output files: pixels, tags, descriptions, and what is left after a failure."""

import contextlib
import io
import os
import resource
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

import nst_jax
from nst_jax.errors import ImageError
from nst_jax.images import encode, files, outputs, profiles

ENDINGS = [*(ending.removeprefix(".") for ending in encode.FORMATS), "PNG", "JPG"]
DESCRIPTION = {
    "photo": "Tübingen \u2603 \U0001f600.jpg",
    "weights": [1.5, 2e-7],
    "nested": {"steps": 500, "none": None, "flag": True},
}


@pytest.fixture
def image() -> np.ndarray:
    """Smooth, so that lossy formats keep it."""
    y, x = np.mgrid[0:1:24j, 0:1:33j]
    return np.stack([x, y, 1 - x * y], axis=-1).astype(np.float32)


@pytest.mark.parametrize("ending", ENDINGS)
def test_pixels_come_back(tmp_path, image, ending):
    files.write(tmp_path / f"a.{ending}", image)
    lines: list[str] = []
    back = files.read(tmp_path / f"a.{ending}", report=lines.append)
    lossy = ending.lower() in ("jpg", "jpeg", "webp")
    np.testing.assert_allclose(back, image, atol=0.07 if lossy else 0.5001 / 255)
    assert np.abs(back - image).mean() < (0.01 if lossy else 0.3 / 255)
    assert lines == []
    assert files.shape(tmp_path / f"a.{ending}") == image.shape[:2]
    assert os.listdir(tmp_path) == [f"a.{ending}"]


@pytest.mark.parametrize(
    ("ending", "format"),
    [("png", "PNG"), ("jpg", "JPEG"), ("webp", "WEBP"), ("tif", "TIFF")],
)
def test_the_ending_chooses_the_format_and_all_are_tagged(
    tmp_path, image, ending, format
):
    path = tmp_path / f"a.{ending}"
    files.write(path, image, description={"a": 1})
    with Image.open(path) as picture:
        assert picture.format == format
        assert picture.mode == "RGB"
        icc = ImageCms.ImageCmsProfile(io.BytesIO(picture.info["icc_profile"]))
        software = (
            picture.info["Software"] if format == "PNG" else picture.getexif()[0x0131]
        )
    assert "sRGB" in ImageCms.getProfileDescription(icc)
    assert software == f"nst_jax {nst_jax.__version__}"


def test_levels_are_clipped_and_rounded_to_nearest(tmp_path):
    values = np.array([-1, 0, 0.4999 / 255, 0.5001 / 255, 99.6 / 255, 1, 7])
    image = np.repeat(values[None, :, None], 3, axis=-1)
    files.write(tmp_path / "a.png", image)
    with Image.open(tmp_path / "a.png") as picture:
        levels = np.asarray(picture)
    assert levels[0, :, 0].tolist() == [0, 0, 0, 1, 100, 255, 255]


def test_jpeg_keeps_full_colour_resolution(tmp_path):
    files.write(tmp_path / "a.jpg", np.random.default_rng(0).random((32, 32, 3)))
    with Image.open(tmp_path / "a.jpg") as picture:
        assert [layer[1:3] for layer in picture.layer] == [(1, 1)] * 3


@pytest.mark.parametrize("ending", ENDINGS)
def test_description_comes_back(tmp_path, image, ending):
    path = tmp_path / f"a.{ending}"
    files.write(path, image, description=DESCRIPTION)
    assert files.read_description(path) == DESCRIPTION
    files.write(path, image)
    assert files.read_description(path) is None


def test_description_of_what_json_lacks(tmp_path, image):
    description = {
        "tuple": (1, "a"),
        "scalar": np.float32(0.5),
        "array": np.arange(3),
        "path": Path("x/y"),
    }
    files.write(tmp_path / "a.png", image, description=description)
    assert files.read_description(tmp_path / "a.png") == {
        "tuple": [1, "a"],
        "scalar": 0.5,
        "array": [0, 1, 2],
        "path": "x/y",
    }


def test_png_description_is_an_itxt_chunk(tmp_path, image):
    files.write(tmp_path / "a.png", image, description={"a": 1})
    content = (tmp_path / "a.png").read_bytes()
    chunks, at = {}, 8
    while at < len(content):
        (length,) = struct.unpack_from(">I", content, at)
        chunks[content[at + 4 : at + 8]] = content[at + 8 : at + 8 + length]
        at += length + 12
    assert chunks[b"iTXt"] == b'nst_jax\0\0\0\0\0{"a": 1}'


@pytest.mark.parametrize("ending", ["jpg", "webp", "tif"])
@pytest.mark.parametrize("text", ["a caption", '{"other": 1}', "[1]", '{"nst_jax": 3}'])
def test_descriptions_of_others_are_not_ours(tmp_path, ending, text):
    exif = Image.Exif()
    exif[0x010E] = text
    Image.new("RGB", (8, 8)).save(tmp_path / f"a.{ending}", exif=exif)
    assert files.read_description(tmp_path / f"a.{ending}") is None


def test_the_same_image_gives_the_same_bytes(tmp_path, image):
    for ending in ("png", "jpg", "webp", "tif"):
        contents = []
        for name in "ab":
            path = tmp_path / f"{name}.{ending}"
            files.write(path, image, description=DESCRIPTION)
            contents.append(path.read_bytes())
        assert contents[0] == contents[1]


def test_the_profile_does_not_carry_the_time():
    profile = profiles.srgb_profile()
    assert profile[24:36] == struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    assert ImageCms.ImageCmsProfile(io.BytesIO(profile)).tobytes() == profile


# Whole or not at all.


@contextlib.contextmanager
def files_no_longer_than(count: int) -> Iterator[None]:
    """As on a disk with so many bytes left."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_a_full_disk_leaves_all_as_it_was(tmp_path, ending):
    noise = np.random.default_rng(0).random((64, 64, 3))
    path = tmp_path / f"a.{ending}"
    files.write(path, 1 - noise)
    before = path.read_bytes()
    assert len(before) > 3000
    for target in (path, tmp_path / f"new.{ending}"):
        with files_no_longer_than(1000), pytest.raises(ImageError) as caught:
            files.write(target, noise)
        assert str(caught.value) == f"{target}: could not be written (File too large)"
    assert os.listdir(tmp_path) == [path.name]
    assert path.read_bytes() == before


class Failing:
    """Text that can't be made: in the middle of encoding."""

    def __init__(self, error: type[BaseException]):
        self.error = error

    def __str__(self) -> str:
        raise self.error("in the middle")


@pytest.mark.parametrize("ending", ["png", "jpg"])
@pytest.mark.parametrize(
    ("failure", "error"),
    [(OSError, ImageError), (KeyboardInterrupt, KeyboardInterrupt)],
)
def test_a_failing_encoder_leaves_all_as_it_was(
    tmp_path, image, ending, failure, error
):
    path = tmp_path / f"a.{ending}"
    files.write(path, 1 - image)
    before = path.read_bytes()
    for target in (path, tmp_path / f"new.{ending}"):
        with pytest.raises(error):
            files.write(target, image, description={"a": Failing(failure)})
    assert os.listdir(tmp_path) == [path.name]
    assert path.read_bytes() == before


def test_write_whole_is_whole_or_nothing(tmp_path):
    path = tmp_path / "a.state"
    outputs.write_whole(path, b"first")
    outputs.write_whole(path, b"second, longer")
    assert path.read_bytes() == b"second, longer"
    with files_no_longer_than(100), pytest.raises(OSError, match="too large"):
        outputs.write_whole(path, bytes(101))
    with pytest.raises(TypeError):
        outputs.write_whole(path, "text")
    (tmp_path / "folder").mkdir()
    for place in (tmp_path / "folder", tmp_path / "none" / "a", path / "a"):
        with pytest.raises(OSError, match=str(tmp_path)):
            outputs.write_whole(place, b"third")
    assert path.read_bytes() == b"second, longer"
    assert sorted(os.listdir(tmp_path)) == ["a.state", "folder"]
    assert not os.listdir(tmp_path / "folder")


def test_an_existing_file_is_replaced_and_the_umask_applies(tmp_path, image):
    path = tmp_path / "a.png"
    path.write_text("old")
    previous = os.umask(0o027)
    try:
        files.write(path, image)
    finally:
        os.umask(previous)
    assert files.read(path).shape == image.shape
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_link_stays_a_link(tmp_path, image):
    (tmp_path / "there").mkdir()
    (tmp_path / "a.png").symlink_to(tmp_path / "there" / "b.png")
    files.write(tmp_path / "a.png", image)
    assert (tmp_path / "a.png").is_symlink()
    assert os.listdir(tmp_path / "there") == ["b.png"]


def bad_targets(folder: Path) -> dict[Path, str]:
    (folder / "file").write_text("x")
    (folder / "folder.png").mkdir()
    allowed = "give the output one of .png, .jpg, .jpeg, .webp, .tif, .tiff"
    missing, file = folder / "missing", folder / "file"
    return {
        folder / "a.gif": f"the ending is '.gif'; {allowed}",
        folder / "a": f"no ending; {allowed}",
        folder / ".png": f"no ending; {allowed}",
        folder / "folder.png": "is a folder; give the name of a file",
        missing / "a.png": f"there is no folder {missing}; make it first",
        file / "a.png": f"{file} is a file, not a folder; choose another",
        folder / f"{'a' * 300}.png": "can't be written (File name too long); choose "
        "another name",
    }


def test_bad_targets_fail_early(tmp_path, image):
    for path, message in bad_targets(tmp_path).items():
        for attempt in (files.check_writable, lambda path: files.write(path, image)):
            with pytest.raises(ImageError) as caught:
                attempt(path)
            assert str(caught.value) == f"{path}: {message}"
    assert sorted(os.listdir(tmp_path)) == ["file", "folder.png"]


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Without the superuser's rights, which reach everywhere."""
    users = os.getresuid()
    if not users[1]:
        os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(*users)


def test_no_permission_to_write():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        (folder / "closed" / "below").mkdir(parents=True)
        folder.chmod(0o555)
        (folder / "closed").chmod(0o444)
        for path in (folder / "a.png", folder / "closed" / "below" / "a.png"):
            with as_nobody(), pytest.raises(ImageError) as caught:
                files.check_writable(path)
            problem = f"no permission to write in {path.parent}; choose another folder"
            assert str(caught.value) == f"{path}: {problem}"
        folder.chmod(0o755)
        (folder / "closed").chmod(0o755)


def test_check_writable_makes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in ("a.png", "./b.JPEG", tmp_path / "c.webp"):
        files.check_writable(path)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.full((2, 2, 3), np.nan), "12 of 12 values are not finite; not written"),
        (np.array([[[0, 1, np.inf]]]), "1 of 3 values are not finite; not written"),
        (np.zeros((2, 2)), "pixels of shape [2, 2]; an image is [h, w, 3]"),
        (np.zeros((2, 2, 4)), "pixels of shape [2, 2, 4]; an image is [h, w, 3]"),
        (np.zeros((0, 2, 3)), "pixels of shape [0, 2, 3]; an image is [h, w, 3]"),
        (
            np.zeros((2, 2, 3), np.uint8),
            "pixels of type uint8; an image is floating point in [0, 1]",
        ),
    ],
)
def test_what_is_no_image_is_not_written(tmp_path, pixels, message):
    with pytest.raises(ImageError) as caught:
        files.write(tmp_path / "a.png", pixels)
    assert str(caught.value) == f"{tmp_path / 'a.png'}: {message}"
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_other_floats_are_written(tmp_path, dtype):
    import jax.numpy as jnp

    kind = jnp.dtype(dtype)
    files.write(tmp_path / "a.png", np.full((2, 2, 3), 0.25).astype(kind))
    np.testing.assert_allclose(files.read(tmp_path / "a.png"), 64 / 255, rtol=1e-6)


def test_limits_of_the_formats_are_said(tmp_path):
    for name, size in ("a.webp", 16384), ("a.jpg", 65536):
        with pytest.raises(ImageError, match=r"can't be written as .*; try \.png"):
            files.write(tmp_path / name, np.zeros((1, size, 3), np.float32))
    with pytest.raises(ImageError, match="can't be written as JPEG"):
        files.write(
            tmp_path / "a.jpg", np.zeros((1, 1, 3)), description={"a": "x" * 70000}
        )
    assert os.listdir(tmp_path) == []
