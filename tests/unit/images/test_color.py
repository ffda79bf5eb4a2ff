"""Colours carried over: against float64 references, and pictures without any."""

import numpy as np
import pytest
import scipy.linalg

from nst_jax.images import color

_FORMS = ("symmetric", "cholesky")


def pixels(seed: int, shape: tuple[int, int], spread: float = 0.06) -> np.ndarray:
    """`[*shape, 3]`: correlated channels of their own means, all inside of [0, 1]."""
    rng = np.random.default_rng(seed)
    mixing = np.eye(3) + rng.uniform(-0.4, 0.6, (3, 3))
    noise = np.clip(rng.normal(size=(*shape, 3)), -2.5, 2.5)
    image = rng.uniform(0.4, 0.6, 3) + spread * noise @ mixing
    return np.clip(image, 0, 1).astype(np.float32)


def shades(seed: int, shape: tuple[int, int]) -> np.ndarray:
    """`[*shape, 3]`: a grey picture."""
    rng = np.random.default_rng(seed)
    return np.repeat(rng.uniform(0.2, 0.8, (*shape, 1)), 3, axis=-1).astype(np.float32)


PAINTING, PHOTO = pixels(1, (30, 41), 0.05), pixels(2, (25, 33), 0.08)
GREY, FLAT = shades(3, (20, 22)), np.full((9, 8, 3), 0.3, np.float32)


def moments(image):
    colors = image.reshape(-1, 3).astype(np.float64)
    return colors.mean(axis=0), np.cov(colors.T, bias=True)


def mapped(image, reference, form):
    matrix, offset = color.linear_map(image, reference, form)
    return image.astype(np.float64) @ matrix.T + offset


# Linear.


@pytest.mark.parametrize("form", _FORMS)
def test_means_and_covariances_become_the_references(form):
    found, wanted = moments(mapped(PAINTING, PHOTO, form)), moments(PHOTO)
    assert np.abs(moments(PAINTING)[1] / wanted[1] - 1).max() > 0.5
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-12)
    np.testing.assert_allclose(found[1], wanted[1], atol=1e-14)
    # Nothing of these is outside of [0, 1].
    image = color.match_linear(PAINTING, PHOTO, form)
    assert image.dtype == np.float32
    np.testing.assert_allclose(image, mapped(PAINTING, PHOTO, form), atol=1e-7)


def test_forms_are_those_of_the_paper():
    given, wanted = moments(PAINTING)[1], moments(PHOTO)[1]
    roots = [scipy.linalg.sqrtm(covariance) for covariance in (given, wanted)]
    expected = roots[1] @ scipy.linalg.inv(roots[0])
    found, _ = color.linear_map(PAINTING, PHOTO, "symmetric")
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    factors = [scipy.linalg.cholesky(one, lower=True) for one in (given, wanted)]
    expected = factors[1] @ scipy.linalg.inv(factors[0])
    found, _ = color.linear_map(PAINTING, PHOTO, "cholesky")
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("form", _FORMS)
def test_an_image_with_the_references_statistics_stays(form):
    mirrored = PHOTO[:, ::-1]
    np.testing.assert_allclose(
        color.match_linear(mirrored, PHOTO, form), mirrored, atol=1e-6
    )


def test_only_the_cholesky_form_depends_on_the_order_of_channels():
    def turned(form):
        matrix, _ = color.linear_map(PAINTING, PHOTO, form)
        flipped, _ = color.linear_map(PAINTING[..., ::-1], PHOTO[..., ::-1], form)
        return np.abs(flipped[::-1, ::-1] - matrix).max()

    assert turned("symmetric") < 1e-9
    assert turned("cholesky") > 0.01


@pytest.mark.parametrize("form", _FORMS)
def test_a_grey_photo_gives_grey_paintings_of_its_statistics(form):
    found = mapped(PAINTING, GREY, form)
    np.testing.assert_allclose(found, found[..., :1].repeat(3, -1), atol=1e-7)
    for got, wanted in zip(moments(found), moments(GREY), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-6)


@pytest.mark.parametrize("form", _FORMS)
@pytest.mark.parametrize("flat", [GREY, FLAT, GREY[:1, :1]], ids=["grey", "flat", "1"])
def test_pictures_without_colour_stay_finite(form, flat):
    for image, reference in ((flat, PHOTO), (PHOTO, flat), (flat, flat), (flat, FLAT)):
        found = color.match_linear(image, reference, form)
        assert np.isfinite(found).all()
        np.testing.assert_allclose(
            mapped(image, reference, form).mean((0, 1)), reference.mean((0, 1)), 1e-5
        )
    # Noise in the chroma grows by the root of the ratio of variances at most.
    matrix, _ = color.linear_map(flat, PHOTO, form)
    largest = np.linalg.eigvalsh(moments(PHOTO)[1])[-1]
    assert np.linalg.norm(matrix, 2) <= (largest / color.EPSILON) ** 0.5 * (1 + 1e-6)


def test_what_leaves_the_range_is_clipped():
    loud = pixels(4, (20, 20), spread=0.3)
    found = color.match_linear(PAINTING, loud)
    assert (found.min(), found.max()) == (0, 1)
    exact = mapped(PAINTING, loud, "symmetric")
    assert exact.max() > 1.01
    np.testing.assert_allclose(found, np.clip(exact, 0, 1), atol=1e-6)


# Histograms.


def test_a_channel_gets_the_references_values():
    other = np.ascontiguousarray(pixels(5, PHOTO.shape[:2]))
    found = color.match_histograms(other, PHOTO)
    assert found.dtype == np.float32
    for channel in range(3):
        given, got, wanted = (i[..., channel].ravel() for i in (other, found, PHOTO))
        assert len(np.unique(given)) == len(np.unique(wanted)) == len(wanted)
        np.testing.assert_array_equal(np.sort(got), np.sort(wanted))
        # The order of the pixels is kept.
        np.testing.assert_array_equal(np.argsort(got), np.argsort(given))


def test_distributions_of_another_size_agree_to_a_pixel():
    found = color.match_histograms(PAINTING, PHOTO)
    levels = np.linspace(0, 1, 101)
    for channel in range(3):
        shares = [
            np.searchsorted(np.sort(i[..., channel].ravel()), levels, "right")
            / i[..., channel].size
            for i in (found, PHOTO)
        ]
        np.testing.assert_allclose(*shares, atol=1.1 / PHOTO[..., 0].size)


def test_equal_values_stay_equal():
    steps = np.array([[0.1, 0.1, 0.4, 0.9]], np.float32)[..., None]
    reference = np.array([[0.0, 0.2, 0.6, 1.0]], np.float32)[..., None]
    # The two of 0.1 are as dark as the reference's darkest two are on average.
    np.testing.assert_allclose(
        color.match_histograms(steps, reference).ravel(), [0.1, 0.1, 0.6, 1.0]
    )
    flat = color.match_histograms(FLAT, PHOTO)
    np.testing.assert_allclose(
        flat, np.broadcast_to(np.median(PHOTO, (0, 1)), FLAT.shape), rtol=1e-6
    )
    np.testing.assert_array_equal(
        color.match_histograms(PHOTO, FLAT), np.full_like(PHOTO, 0.3)
    )


def test_dark_and_light_are_treated_alike():
    inked = np.where(PAINTING < 0.5, 0, PAINTING)
    negative = color.match_histograms(1 - inked, 1 - PHOTO)
    np.testing.assert_allclose(
        color.match_histograms(inked, PHOTO), 1 - negative, atol=1e-6
    )


def test_a_photo_matched_to_itself_stays():
    np.testing.assert_array_equal(color.match_histograms(PHOTO, PHOTO), PHOTO)


# Luminance.


def test_luminance_is_bt_601s():
    primaries = np.eye(3, dtype=np.float32)[None]
    np.testing.assert_allclose(
        color.luminance(primaries)[0, :, 0], [0.299, 0.587, 0.114], rtol=1e-6
    )
    np.testing.assert_allclose(color.grey(GREY), GREY, atol=1e-7)
    expected = PHOTO.astype(np.float64) @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(color.grey(PHOTO)[..., 2], expected, atol=1e-7)


def test_matched_luminance_has_the_photos_mean_and_deviation():
    found = color.match_luminance(PAINTING, PHOTO)
    wanted = PHOTO.astype(np.float64) @ color.LUMA
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, found[..., :1].repeat(3, -1))
    assert found[..., 0].mean(dtype=float) == pytest.approx(wanted.mean(), abs=1e-7)
    assert found[..., 0].std(dtype=float) == pytest.approx(wanted.std(), abs=1e-7)
    # Shifted and scaled: the order of light and dark is the painting's.
    given = PAINTING @ np.float32(color.LUMA)
    assert np.corrcoef(found[..., 0].ravel(), given.ravel())[0, 1] > 1 - 1e-9
    assert np.isfinite(color.match_luminance(FLAT, PHOTO)).all()
    flat = color.match_luminance(PAINTING, FLAT)
    np.testing.assert_allclose(flat, np.full_like(flat, 0.3), atol=1e-6)


def test_luminance_of_one_and_chroma_of_the_other():
    light = shades(6, PHOTO.shape[:2]) / 2 + 0.25
    found = color.with_luminance(PHOTO, light)
    yuv = np.linalg.inv([[1, 0, 1.13983], [1, -0.39465, -0.5806], [1, 2.03211, 0]])
    wanted, got = PHOTO @ yuv.T, found @ yuv.T
    # None of these had to be made paler.
    np.testing.assert_allclose(got[..., 1:], wanted[..., 1:], atol=1e-5)
    np.testing.assert_allclose(got[..., 0], light[..., 0], atol=1e-5)
    np.testing.assert_allclose(color.with_luminance(PHOTO, PHOTO), PHOTO, atol=1e-6)


def test_colours_that_do_not_exist_keep_luminance_and_hue():
    red = np.array([[[0.9, 0.1, 0.1]]], np.float32)
    for level in (0.0, 0.02, 0.9, 1.0):
        found = color.with_luminance(red, np.full((1, 1, 3), level, np.float32))
        assert 0 <= found.min() <= found.max() <= 1
        np.testing.assert_allclose(color.luminance(found), level, atol=1e-6)
        chroma, wanted = found - level, red - color.luminance(red)
        share = (chroma / wanted).ravel()
        np.testing.assert_allclose(share, share[0], atol=1e-5)
        assert 0 <= share[0] < 1
        # As saturated as can be.
        assert found.max() == pytest.approx(1, abs=1e-6) or found.min() < 1e-6
    np.testing.assert_array_equal(color.with_luminance(FLAT, FLAT), FLAT)


# By a mask.


def test_a_mask_says_where_colours_are_the_photos():
    image = pixels(5, PHOTO.shape[:2], 0.02)
    share = np.zeros(PHOTO.shape[:2], np.float32)
    share[:, :10], share[:, 10:20] = 1, 0.25
    found = color.by_mask(image, PHOTO, share)
    assert found.dtype == np.float32
    light = color.luminance(image)
    np.testing.assert_allclose(color.luminance(found), light, atol=1e-6)
    np.testing.assert_array_equal(found[:, :10], image[:, :10])
    # Nothing of these is beyond what a colour can be: chroma is the photo's.
    chroma, own = PHOTO - color.luminance(PHOTO), image - light
    np.testing.assert_allclose((found - light)[:, 20:], chroma[:, 20:], atol=1e-6)
    mixed = (0.25 * own + 0.75 * chroma)[:, 10:20]
    np.testing.assert_allclose((found - light)[:, 10:20], mixed, atol=1e-6)


def test_a_photo_without_colour_gives_none():
    tinted = np.clip(GREY + np.float32([0, 0.004, 0.008]), 0, 1)
    image = pixels(5, GREY.shape[:2])
    found = color.by_mask(image, tinted, np.zeros(GREY.shape[:2], np.float32))
    assert np.ptp(found, axis=-1).max() <= 1e-7
