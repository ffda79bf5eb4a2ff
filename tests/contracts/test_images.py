"""What every way of colour and every start keeps: a new one is tested by its line."""

import dataclasses

import numpy as np
import pytest

from nst_jax.fields import named
from nst_jax.images.coloring import Coloring
from nst_jax.options import STARTS, Options, chosen

_CHOICES = {f.name: f.metadata["choices"] for f in dataclasses.fields(Options)}
_KEEPING = ("style", "luminance_unmatched", "nnst")
"""Ways that leave the painting's own mean as it is."""

every_way = pytest.mark.parametrize("way", _CHOICES["color"])
every_start = pytest.mark.parametrize(
    "start", [name for name, home in STARTS.items() if home]
)


def way_of(name: str) -> Coloring:
    return chosen(Options(color=name), "color")


def soft(seed: int, shape: tuple[int, int], low: float, high: float) -> np.ndarray:
    """`[*shape, 3]`, correlated channels of their own means, well within [0, 1]."""
    rng = np.random.default_rng(seed)
    common, own = rng.random((*shape, 1)), rng.random((*shape, 3))
    means = rng.uniform(-0.1, 0.1, 3)
    image = np.clip(low + (high - low) * (0.5 * common + 0.5 * own) + means, 0, 1)
    image = image.astype(np.float32)
    image.setflags(write=False)  # Nothing changes what it is given.
    return image


PHOTO, PAINTING = soft(1, (33, 45), 0.4, 0.6), soft(2, (41, 37), 0.3, 0.9)
ODD = [np.zeros((3, 4, 3), np.float32), np.ones((1, 1, 3), np.float32)]
ODD += [np.eye(3, dtype=np.float32)[None], np.full((5, 5, 3), 0.3, np.float32)]


def assert_image(image: np.ndarray, shape: tuple[int, ...]) -> None:
    assert image.shape == shape
    assert image.dtype == np.float32
    assert np.isfinite(image).all()
    assert 0 <= image.min() <= image.max() <= 1


def is_grey(image: np.ndarray) -> bool:
    return bool(np.ptp(image, axis=-1).max() < 1e-6)


@every_way
def test_images_stay_images(way):
    coloring = way_of(way)
    for photo in (PHOTO, *ODD):
        seen = coloring.of_content(photo)
        assert_image(seen, photo.shape)
        for painting in (PAINTING, *ODD):
            assert_image(coloring.of_painting(painting, seen), painting.shape)
        for image in (np.ones_like(photo), np.zeros_like(photo), 1 - photo):
            for name in _CHOICES["color_after"]:
                after = chosen(Options(color_after=name), "color_after")
                made = coloring.of_result(image, photo, after=after)
                assert_image(made, photo.shape)


@every_way
def test_what_is_grey_is_grey_throughout(way):
    coloring = way_of(way)
    content = coloring.of_content(PHOTO)
    seen = [content, coloring.of_painting(PAINTING, content)]
    seen += [coloring.of_start(PAINTING)]
    assert [is_grey(image) for image in seen] == [coloring.grey] * 3
    result = coloring.of_result(content, PHOTO)
    # Unchanged, the photo is what comes out.
    np.testing.assert_allclose(result, PHOTO, atol=1e-6)
    if not coloring.grey:
        assert content is PHOTO
        assert coloring.of_start(PAINTING) is PAINTING
        assert coloring.of_result(PAINTING, PAINTING) is PAINTING


@every_way
def test_paintings_are_matched_to_the_photo(way):
    coloring = way_of(way)
    content = coloring.of_content(PHOTO)
    painting = coloring.of_painting(PAINTING, content)
    found, wanted = (
        [image.mean((0, 1), float), image.std((0, 1), dtype=float)]
        for image in (painting, content)
    )
    if way in _KEEPING:
        assert np.abs(found[0] - wanted[0]).min() > 0.05
    else:
        np.testing.assert_allclose(found, wanted, atol=2e-3)
    # One that has the photo's colours already keeps them.
    mirrored = content[::-1]
    np.testing.assert_allclose(
        coloring.of_painting(mirrored, content), mirrored, atol=1e-6
    )


@pytest.mark.parametrize("name", _CHOICES["color_after"])
@every_way
def test_matching_the_result_is_the_last_thing_done(way, name):
    coloring, after = way_of(way), chosen(Options(color_after=name), "color_after")
    image = coloring.of_start(soft(3, PHOTO.shape[:2], 0.2, 0.7))
    before = coloring.of_result(image, PHOTO)
    found = coloring.of_result(image, PHOTO, after=after)
    if after is None:
        np.testing.assert_array_equal(found, before)
    else:
        np.testing.assert_array_equal(found, after(before, PHOTO))
        assert np.abs(found.mean((0, 1)) - PHOTO.mean((0, 1))).max() < 1e-3


@every_start
def test_starts_are_images_of_their_seed(start):
    make = named(STARTS, start)
    for shape in ((64, 96), (1, 1), (1, 7), (5, 1), (33, 16)):
        image = make(np.random.default_rng(0), shape)
        assert_image(image, (*shape, 3))
        np.testing.assert_array_equal(image, make(np.random.default_rng(0), shape))
    image, other = (make(np.random.default_rng(seed), (64, 96)) for seed in (0, 1))
    assert (image != other).mean() > 0.4
    # Channels of their own.
    between = np.corrcoef(image.reshape(-1, 3).T)
    assert np.abs(between - np.eye(3)).max() < 0.5
