"""How results are written: bits of a channel, and the photo's alpha channel."""

import dataclasses

import numpy as np
import pytest
from PIL import Image
from support.batch_pictures import PAINTINGS, PHOTOS, SHALLOW, job

from nst_jax.errors import ImageError, OptionsError
from nst_jax.images import files, resize
from nst_jax.transfer.results import Result

QUICK = dataclasses.replace(SHALLOW, steps=1)
KEEP = dataclasses.replace(QUICK, transparency="keep")


@pytest.fixture(scope="module")
def opacity():
    """Of the first photo: a hole, and a ramp."""
    found = np.ones(PHOTOS[0].shape[:2], np.float32)
    found[:, :8] = np.linspace(0, 1, 8)
    found[20:, 15:] = 0
    return found


def result(options=QUICK, **changed) -> Result:
    image = np.random.default_rng(1).random((6, 7, 3), np.float32)
    losses = np.zeros(2, np.float32)
    made = Result(image, 1.0, losses, 1, 0.1, 0.1, (), options)
    return dataclasses.replace(made, **changed)


def levels(path) -> np.ndarray:
    import tifffile

    return tifffile.imread(path)


def test_results_are_saved_with_the_bits_that_are_asked_for(tmp_path):
    deep = dataclasses.replace(QUICK, bits=16)
    for made, bits, expected in (
        (result(), None, np.uint8),
        (result(), 16, np.uint16),
        (result(deep), None, np.uint16),
        (result(deep), 8, np.uint8),
    ):
        made.save(tmp_path / "a.tif", bits=bits)
        found = levels(tmp_path / "a.tif")
        assert found.dtype == expected
        most = np.iinfo(expected).max
        np.testing.assert_array_equal(found, np.rint(made.image * np.float32(most)))
        assert files.read_description(tmp_path / "a.tif")["loss"] == 1.0
    with pytest.raises(OptionsError, match="bits=12 is out of range: give 8 or 16"):
        result().save(tmp_path / "a.tif", bits=12)
    with pytest.raises(ImageError, match="bits=16 needs"):
        result().save(tmp_path / "a.jpg", bits=16)


def test_how_it_is_written_makes_another_file_of_the_same_run():
    jobs = [job(PHOTOS[0], PAINTINGS[0], options) for options in (QUICK, KEEP)]
    jobs.append(job(PHOTOS[0], PAINTINGS[0], dataclasses.replace(QUICK, bits=16)))
    contents = {source.key: source.key for source in jobs[0].sources}
    assert len({one.digest(contents, "w") for one in jobs}) == 3
    assert len({one.trunk for one in jobs}) == 1


@pytest.mark.slow
def test_the_photos_alpha_is_kept(alone, opacity, tmp_path):
    photo = np.dstack([PHOTOS[0], opacity])
    lines = []
    plain = alone(photo, PAINTINGS[0], QUICK)
    kept = alone(photo, PAINTINGS[0], KEEP)
    assert plain.alpha is None
    # It is painted as it is without: on white.
    np.testing.assert_array_equal(kept.image, plain.image)
    np.testing.assert_array_equal(kept.alpha, opacity)
    assert not lines
    for bits, mode in ((8, np.uint8), (16, np.uint16)):
        kept.save(tmp_path / "a.tif", bits=bits)
        found = levels(tmp_path / "a.tif")
        assert (found.shape[2], found.dtype) == (4, mode)
        most = np.iinfo(mode).max
        np.testing.assert_array_equal(
            found[..., 3], np.rint(opacity * np.float32(most))
        )
    for name in ("a.png", "a.webp"):
        kept.save(tmp_path / name)
        with Image.open(tmp_path / name) as picture:
            assert picture.mode == "RGBA"
    with pytest.raises(ImageError, match="JPEG has none"):
        kept.save(tmp_path / "a.jpg")


@pytest.mark.slow
def test_it_is_resized_and_cropped_with_the_photo(alone, opacity):
    photo = np.dstack([PHOTOS[0], opacity])
    options = dataclasses.replace(KEEP, size=20, crop="1:1", steps=0)
    found = alone(photo, PAINTINGS[0], options)
    square = resize.crop(opacity[..., None], (1, 1))
    np.testing.assert_allclose(
        found.alpha, resize.resize(square, (20, 20))[..., 0], atol=1e-6
    )
    assert found.image.shape == (20, 20, 3)


@pytest.mark.slow
def test_lanes_keep_their_own_and_opaque_ones_none(together, opacity):
    photos = [np.dstack([PHOTOS[0], opacity]), PHOTOS[1], PHOTOS[0]]
    lines = []
    found = together(photos, PAINTINGS[0], KEEP, report=lines.append)
    np.testing.assert_array_equal(found[0].alpha, opacity)
    assert found[1].alpha is found[2].alpha is None
    said = [line for line in lines if "has no transparency to be kept" in line]
    assert len(said) == 2
