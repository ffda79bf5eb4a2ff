"""Colours carried over as scikit-image does it."""

import numpy as np
import pytest
from skimage import exposure
from skimage.color import rgb2yuv, yuv2rgb

from nst_jax.images import color

pytestmark = pytest.mark.parity


@pytest.fixture(params=["smooth", "8 bit"])
def pictures(request) -> tuple[np.ndarray, np.ndarray]:
    """A painting and a photo of different sizes, `[h, w, 3]` float32 in [0, 1]."""
    rng = np.random.default_rng(5)
    found = [
        rng.beta(*shape, (*size, 3))
        for shape, size in (((2, 5), (40, 31)), ((4, 2), (25, 37)))
    ]
    if request.param == "8 bit":
        found = [np.round(image * 255) / 255 for image in found]
    painting, photo = (image.astype(np.float32) for image in found)
    return painting, photo


def test_histograms(pictures):
    painting, photo = pictures
    expected = exposure.match_histograms(painting, photo, channel_axis=-1)
    found = color.match_histograms(painting, photo)
    # It ranks a pixel by those up to it, ours by those below and half of its equals.
    np.testing.assert_allclose(found, expected, atol=0.02)
    assert np.abs(found - expected).mean() < 0.003
    assert np.abs(found - painting).mean() > 0.1


def test_luminance_and_chroma(pictures):
    _, photo = pictures
    light = photo[::-1] * 0.2 + 0.4
    yuv = rgb2yuv(photo.astype(np.float64))
    yuv[..., 0] = rgb2yuv(light.astype(np.float64))[..., 0]
    expected = yuv2rgb(yuv)
    found = color.with_luminance(photo, light)
    inside = ((expected > 0) & (expected < 1)).all(-1)
    assert inside.mean() > 0.3
    np.testing.assert_allclose(found[inside], expected[inside], atol=2e-5)
    np.testing.assert_allclose(color.luminance(found)[..., 0], yuv[..., 0], atol=1e-6)
