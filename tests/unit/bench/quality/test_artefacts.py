import numpy as np
import pytest
from support.eyes import scene, strokes

from bench.quality import artefacts
from nst_jax.images import color

PHOTO, PAINTING = scene((96, 128)), strokes((80, 96), seed=2, length=13)
RNG = np.random.default_rng(0)


def counted(image):
    return artefacts.counted(np.clip(image, 0, 1).astype(np.float32), PHOTO, PAINTING)


def test_the_photo_has_none():
    found = counted(PHOTO)
    assert found["clipped"] == found["grid"] == 0
    assert found["border"] == pytest.approx(1)
    assert "tint" not in found


@pytest.mark.parametrize("period", artefacts.LAGS)
def test_grids_are_found_at_their_lags(period):
    line = (np.arange(128) % period == 0) * 0.15
    found = counted(PHOTO + line[None, :, None])
    assert found["grid"] > 0.05
    # A period between the lags is none of theirs.
    line = (np.arange(128) % 11 == 0) * 0.15
    assert counted(PHOTO + line[None, :, None])["grid"] < found["grid"] / 2


def test_noise_is_grain():
    quiet, loud = (
        counted(PHOTO + sigma * RNG.normal(size=PHOTO.shape))["grain"]
        for sigma in (0.02, 0.1)
    )
    assert 2 < loud / quiet < 5
    assert counted(PHOTO)["grain"] < quiet
    flat = np.full((64, 64, 3), 0.5) + 0.1 * RNG.normal(size=(64, 64, 1))
    # White noise has its variance spread evenly: that part above .35 cycles a pixel.
    part = 1 - np.pi * 0.35**2
    assert artefacts.grain(flat) == pytest.approx(0.1 * part**0.5, rel=0.1)


def test_a_ruled_frame_is_busier_than_the_inside():
    ruled = PHOTO.copy()
    ruled[:4:2], ruled[:, :4:2] = 0.9, 0.9
    assert counted(ruled)["border"] > 1.5
    assert artefacts.border(np.zeros((12, 12, 3), np.float32)) == 1


def test_clipping_is_counted_beyond_both():
    burnt = PHOTO.copy()
    burnt[:24] = 1
    beyond = max(artefacts.clipped(PHOTO), artefacts.clipped(PAINTING))
    assert counted(burnt)["clipped"] == pytest.approx(0.25 - beyond, abs=0.02)


def test_tint_is_of_grey_pairs_alone():
    grey = color.grey(PHOTO), color.grey(PAINTING)
    tinted = grey[0] + np.array([0.03, 0, 0], np.float32)
    assert artefacts.counted(tinted, *grey)["tint"] == pytest.approx(0.03, abs=1e-3)
    assert artefacts.counted(grey[0], *grey)["tint"] == pytest.approx(0, abs=1e-6)
    assert "tint" not in artefacts.counted(tinted, grey[0], PAINTING)
