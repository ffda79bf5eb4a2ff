"""Colours of paintings for what was painted, by statistics and by loops."""

import numpy as np
import pytest

from nst_jax.images import recolor
from nst_jax.images.color import lightness_and_chroma, of_lightness_and_chroma, oklab
from nst_jax.images.coloring import NNST
from nst_jax.images.recolor import recolored

RNG = np.random.default_rng(0)


def picture(height, width, low=0.0, high=1.0):
    coarse = RNG.uniform(low, high, (height // 4 + 1, width // 4 + 1, 3))
    return np.float32(np.kron(coarse, np.ones((4, 4, 1)))[:height, :width])


IMAGE, PHOTO, PAINTING = picture(21, 17), picture(21, 17), picture(14, 30, 0.2, 0.9)


def test_the_matrices_turned_round():
    values = RNG.random((50, 3))
    found = of_lightness_and_chroma(lightness_and_chroma(values))
    np.testing.assert_allclose(found, values, atol=1e-5)
    # Of black and white, which are the same made linear, it is OkLab.
    ends = np.array([[0.0, 0, 0], [1, 1, 1]])
    np.testing.assert_allclose(lightness_and_chroma(ends), oklab(ends), atol=1e-12)


def test_light_and_dark_are_what_was_painted_and_hues_the_photos():
    found = lightness_and_chroma(recolored(IMAGE, PHOTO, [PAINTING]))
    wanted = lightness_and_chroma(PAINTING).reshape(-1, 3)
    lightness = np.clip(
        lightness_and_chroma(IMAGE)[..., 0], wanted[:, 0].min(), wanted[:, 0].max()
    )
    inside = np.all((found > -9) & (found < 9), axis=-1)
    near = np.abs(found[..., 0] - lightness) < 1e-3
    assert near[inside].mean() > 0.8  # The rest is out of what screens show.
    # Photo and result: which places are of one hue.
    again = lightness_and_chroma(recolored(1 - IMAGE, PHOTO, [PAINTING]))
    correlated = np.corrcoef(found[..., 1].ravel(), again[..., 1].ravel())[0, 1]
    assert correlated > 0.9


def test_chroma_has_the_paintings_mean_and_covariance_before_it_is_smoothed():
    values, wanted = RNG.normal(size=(30, 40, 2)), RNG.normal(size=(500, 2))
    wanted = wanted @ [[2, 0.5], [0, 1]] + [3, -1]
    found = recolor._matched(values, wanted).reshape(-1, 2)
    np.testing.assert_allclose(found.mean(0), wanted.mean(0), atol=1e-12)
    np.testing.assert_allclose(np.cov(found.T), np.cov(wanted.T), rtol=5e-3, atol=1e-3)
    # Little is added to both: of equal ones nothing changes.
    same = recolor._matched(values, values.reshape(-1, 2))
    np.testing.assert_allclose(same, values, atol=1e-12)


def test_the_filter_against_loops(monkeypatch):
    monkeypatch.setattr(recolor, "_PASSES", 1)
    chroma, light = RNG.normal(size=(5, 6, 2)), RNG.random((5, 6))
    found = recolor._smoothed(chroma, light)
    for row, column in ((0, 0), (2, 3), (4, 5)):
        total, weights = 0, 0
        for down in (-1, 0, 1):
            for across in (-1, 0, 1):
                i, j = np.clip(row + down, 0, 4), np.clip(column + across, 0, 5)
                weight = np.exp(-10 * abs(light[row, column] - light[i, j]))
                total, weights = total + weight * chroma[i, j], weights + weight
        np.testing.assert_allclose(found[row, column], total / weights)


def test_a_painting_without_hues_leaves_the_picture_none():
    grey = np.repeat(PAINTING[..., :1], 3, axis=-1)
    found = recolored(IMAGE, PHOTO, [grey])
    assert np.ptp(found, axis=-1).max() < 0.02
    assert grey.min() - 0.01 < found.min() < found.max() < grey.max() + 0.01


def test_several_paintings_count_as_one():
    found = recolored(IMAGE, PHOTO, [PAINTING[:7], PAINTING[7:]])
    np.testing.assert_allclose(found, recolored(IMAGE, PHOTO, [PAINTING]), atol=1e-6)
    assert found.dtype == np.float32
    assert found.shape == IMAGE.shape


def test_without_a_painting_nothing_is_changed():
    assert NNST.of_result(IMAGE, PHOTO) is IMAGE
    np.testing.assert_array_equal(
        NNST.of_result(IMAGE, PHOTO, [PAINTING]), recolored(IMAGE, PHOTO, [PAINTING])
    )


@pytest.mark.parametrize("flat", [0.0, 0.5, 1.0])
def test_flat_pictures(flat):
    plain = np.full(IMAGE.shape, flat, np.float32)
    for pictures in ((plain, PHOTO, PAINTING), (IMAGE, plain, PAINTING)):
        image, photo, painting = pictures
        found = recolored(image, photo, [painting])
        assert np.isfinite(found).all()
    found = recolored(IMAGE, PHOTO, [plain])
    np.testing.assert_allclose(found, flat, atol=1e-3)
