import jax
import numpy as np
import pytest
from scipy import ndimage
from support.eyes import layers, scene, strokes, tiny_eyes

from bench.quality.eyes import LEAST, shrunk
from bench.quality.yardstick import MEASURES, Yardstick
from nst_jax.errors import ImageError

PHOTO = scene((80, 96))
PAINTING = strokes((96, 88), seed=1, length=14)
STYLES = ("S1", "S2", "S3")


@pytest.fixture(scope="module")
def eyes():
    return tiny_eyes()


@pytest.fixture(scope="module")
def measure(eyes):
    return Yardstick(eyes, layers(), PHOTO, PAINTING)


@pytest.fixture(scope="module")
def own():
    """The painting's own strokes, others of them: of the photo's shape."""
    return strokes(PHOTO.shape[:2], seed=1, length=14)


@pytest.fixture(scope="module")
def result(own):
    """Something between: the strokes, over the photo."""
    return (0.7 * own + 0.3 * PHOTO).astype(np.float32)


@pytest.mark.slow
def test_a_padded_picture_is_seen_as_it_is_alone(eyes):
    image = scene((70, 96))
    seen = eyes.see(image)
    compared = 0
    for eye, network in zip(eyes.eyes, eyes.networks, strict=True):
        alone = jax.jit(lambda net, x, eye=eye: net(x, eye.taps))(
            network, shrunk(image, 2)
        )
        for tap, view in alone.items():
            if min(view.features.shape[:2]) < LEAST:
                assert (eye.name, 2, tap) not in seen
                continue
            found = seen[eye.name, 2, tap]
            np.testing.assert_allclose(found, view.features, rtol=1e-4, atol=1e-4)
            compared += 1
    assert compared >= 3


@pytest.mark.slow
def test_the_scale_goes_from_the_painting_to_the_photo(measure):
    photo = measure(PHOTO).scaled
    for name in STYLES:
        assert photo[name] == pytest.approx(1)
    for name in ("C1", "C2", "C3"):
        assert photo[name] == pytest.approx(0, abs=1e-6)
    assert set(MEASURES) <= set(photo)
    assert {"S1.vgg16", "S1.alexnet", "S2.vgg16", "C1.vgg16"} <= set(photo)


@pytest.mark.slow
def test_the_painting_is_nearer_than_a_result_which_is_nearer_than_the_photo(
    measure, own, result
):
    of_own, of_result = measure(own).scaled, measure(result).scaled
    for name in STYLES:
        assert of_own[name] < of_result[name] < 1, name
        assert abs(of_own[name]) < 0.6, name


def test_noise_and_blur_take_style_away(measure, own):
    rng = np.random.default_rng(0)
    noisy = np.clip(own + 0.15 * rng.normal(size=own.shape), 0, 1).astype(np.float32)
    blurred = ndimage.gaussian_filter(own, (2.5, 2.5, 0)).astype(np.float32)
    plain = measure(own).scaled
    for spoilt in (noisy, blurred):
        found = measure(spoilt).scaled
        for name, least in (("S1", 0.05), ("S2", 0.005)):
            assert found[name] > plain[name] + least, name


def test_colours_have_no_places(measure, own):
    rng = np.random.default_rng(0)
    shuffled = rng.permutation(own.reshape(-1, 3)).reshape(own.shape)
    raw = measure(own).raw
    # But at smaller scales pixels are averaged with others.
    assert measure(shuffled).raw["S3"] > raw["S3"]
    for moved in (own[::-1], own[:, ::-1]):
        found = measure(np.ascontiguousarray(moved)).raw["S3"]
        assert found == pytest.approx(raw["S3"], rel=0.05)


def test_a_change_of_tone_keeps_the_content(measure, own):
    toned = (PHOTO**0.9).astype(np.float32)
    found, lost = measure(toned).scaled, measure(own).scaled
    for name in ("C1", "C2", "C3"):
        assert 0 < found[name] < 0.7 * lost[name], name
        assert lost[name] > 0.7, name


def test_a_photo_in_the_paintings_style_has_no_scale(eyes):
    painted = strokes((80, 96), seed=1, length=14)
    found = Yardstick(eyes, layers(), painted, painted)(painted).scaled
    assert found["S1"] is None
    assert found["S3"] is None


def test_small_pictures_are_refused(eyes):
    with pytest.raises(ImageError, match=r"photo of 96x40 pixels.*larger --size"):
        Yardstick(eyes, (), PHOTO[:40], PAINTING)
