"""Pictures as they are given, read once and brought to their sizes."""

import dataclasses
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from nst_jax.errors import ImageError
from PIL import Image

from nst_jax.images import files, noise, resize
from nst_jax.options import Options
from nst_jax.transfer import pictures
from nst_jax.transfer.pictures import Reader

_OPTIONS = Options(size=32)


def made(seed: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width, 3), np.float32)


PHOTO, PAINTING = made(1, 50, 40), made(2, 20, 64)


@pytest.fixture
def reads(monkeypatch):
    """The paths that are read from now on, in order."""
    paths = []

    def read(path, **keywords):
        paths.append(Path(path).name)
        return files_read(path, **keywords)

    files_read = files.read
    monkeypatch.setattr(pictures.files, "read", read)
    return paths


def test_sizes_of_photo_and_paintings():
    options = dataclasses.replace(_OPTIONS, style_scale=0.55)
    found = Reader().read(PHOTO, [PAINTING, PHOTO], options)
    np.testing.assert_array_equal(found.content, resize.resize_longest(PHOTO, 32))
    np.testing.assert_array_equal(found.styles[0], resize.resize_longest(PAINTING, 18))
    np.testing.assert_array_equal(found.styles[1], resize.resize_longest(PHOTO, 18))
    assert found.start is None
    assert found.options is options
    assert found.content.dtype == found.styles[0].dtype == np.float32


@pytest.mark.parametrize(
    ("crop", "shape"), [("1:1", (32, 32)), ("3:2", (21, 32)), ("10:16", (32, 20))]
)
def test_crop_gives_all_pictures_one_aspect_ratio(crop, shape):
    options = dataclasses.replace(_OPTIONS, crop=crop, init="style")
    found = Reader().read(PHOTO, [PAINTING, PHOTO], options)
    width, height = map(int, crop.split(":"))
    for image, given in zip(
        (found.content, *found.styles), (PHOTO, PAINTING, PHOTO), strict=True
    ):
        part = resize.crop(given, (height, width))
        np.testing.assert_array_equal(image, resize.resize(part, shape))
    np.testing.assert_array_equal(found.start, resize.crop(PAINTING, (height, width)))


def test_pictures_cropped_and_whole_are_told_apart():
    reader, cropped = Reader(), dataclasses.replace(_OPTIONS, crop="1:1")
    whole = reader.read(PHOTO, [PAINTING], _OPTIONS)
    assert reader.read(PHOTO, [PAINTING], cropped).content.shape == (32, 32, 3)
    assert reader.read(PHOTO, [PAINTING], _OPTIONS).content is whole.content


@pytest.mark.parametrize(
    ("size", "scale", "longest"), [(100, 1.0, 100), (100, 0.256, 26), (10, 1e-6, 1)]
)
def test_style_size(size, scale, longest):
    options = dataclasses.replace(_OPTIONS, style_scale=scale)
    assert pictures.style_size(size, options) == longest


def test_results_that_share_a_picture_share_its_array(tmp_path, reads):
    for name, image in (("photo.png", PHOTO), ("painting.png", PAINTING)):
        files.write(tmp_path / name, image)
    photo, painting = tmp_path / "photo.png", str(tmp_path / "painting.png")
    reader = Reader()
    first = reader.read(photo, [painting, PAINTING], _OPTIONS)
    second = reader.read(str(photo), [Path(painting), PAINTING], _OPTIONS)
    assert first.content is second.content
    assert first.styles[0] is second.styles[0]
    assert first.styles[1] is second.styles[1]
    assert reads == ["photo.png", "painting.png"]
    # Another size is another array.
    other = dataclasses.replace(_OPTIONS, style_scale=0.5)
    third = reader.read(photo, [painting], other)
    assert third.content is first.content
    assert third.styles[0].shape == (5, 16, 3)


def test_arrays_that_come_and_go_are_not_mixed_up():
    reader = Reader()
    seeds = range(5)
    found = [reader.read(made(i, 32, 32), [made(9, 32, 32)], _OPTIONS) for i in seeds]
    for seed, one in zip(seeds, found, strict=True):
        np.testing.assert_array_equal(one.content, made(seed, 32, 32))


def made_start(init, seed=0, start=None):
    options = dataclasses.replace(_OPTIONS, init=init, seed=seed)
    return pictures.Pictures(
        resize.resize_longest(PHOTO, 32), (PAINTING,), start, options
    )


@pytest.mark.parametrize("kind", noise.KINDS)
def test_noise_is_the_seeds(kind):
    found = made_start(kind, seed=3).start_at(16)
    assert found.shape == (16, 13, 3)
    expected = noise.KINDS[kind](np.random.default_rng(3), (16, 13))
    np.testing.assert_array_equal(found, expected)


def test_starts_are_resized_to_the_photo():
    content = made_start("content")
    assert content.start_at(32) is content.content
    np.testing.assert_array_equal(
        content.start_at(16), resize.resize(content.content, (16, 13))
    )
    style = Reader().read(
        PHOTO, [PAINTING, PHOTO], dataclasses.replace(_OPTIONS, init="style")
    )
    # The first painting, from its full size.
    np.testing.assert_array_equal(style.start, PAINTING)
    np.testing.assert_array_equal(
        style.start_at(32), resize.resize(PAINTING, style.content.shape[:2])
    )


def test_a_start_from_a_file(tmp_path, reads):
    files.write(tmp_path / "start.png", PAINTING)
    path = str(tmp_path / "start.png")
    options = dataclasses.replace(_OPTIONS, init=path)
    reader = Reader()
    found = [reader.read(PHOTO, [PAINTING], options) for _ in range(2)]
    assert found[0].start is found[1].start
    assert reads == ["start.png"]
    np.testing.assert_array_equal(found[0].start, files.read(path))


def test_notes_about_a_file_are_given_once(tmp_path):
    path = tmp_path / "clear.png"
    Image.new("RGBA", (40, 30), (255, 0, 0, 100)).save(path)
    lines = []
    reader = Reader(lines.append)
    for scale in (1.0, 1.0, 0.5):
        options = dataclasses.replace(_OPTIONS, style_scale=scale)
        reader.read(path, [path], options)
    assert len(lines) == 1
    assert lines[0].startswith(f"{path}: has transparency")


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (
            np.zeros((3, 3, 3), np.uint8),
            r"shape \(3, 3, 3\) and dtype uint8: .* by 255",
        ),
        (np.zeros((3, 3), np.float32), r"shape \(3, 3\) and dtype float32"),
        (np.zeros((3, 3, 4), np.float32), r"shape \(3, 3, 4\)"),
        (np.zeros((0, 3, 3), np.float32), r"shape \(0, 3, 3\)"),
        (np.full((3, 3, 3), 1.5), r"outside of \[0, 1\]"),
        (np.full((3, 3, 3), -0.1), r"outside of \[0, 1\]"),
        (np.full((3, 3, 3), np.nan), r"outside of \[0, 1\]"),
        ([PHOTO], r"shape \(1, 50, 40, 3\)"),
        ("nowhere.png", r"nowhere\.png: no such file"),
    ],
)
def test_what_is_no_picture(picture, message):
    for pair in ((picture, [PAINTING]), (PHOTO, [PAINTING, picture])):
        with pytest.raises(ImageError, match=message):
            Reader().read(*pair, _OPTIONS)


@pytest.mark.parametrize("kind", [np.float64, np.float16, jnp.asarray])
def test_float_arrays_of_any_kind_are_pictures(kind):
    given = kind(np.linspace(0, 1, 32 * 32 * 3, dtype=np.float32).reshape(32, 32, 3))
    found = Reader().read(given, [PAINTING], _OPTIONS)
    assert type(found.content) is np.ndarray
    np.testing.assert_array_equal(found.content, np.asarray(given, np.float32))
