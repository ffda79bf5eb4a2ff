"""Noise to start from, by its statistics."""

import numpy as np
import pytest
import scipy.stats

from nst_jax.images import noise

SHAPE = (64, 96)
_MEAN = np.array([123.68, 116.779, 103.939]) / 255


def made(start, seed=0):
    return start(np.random.default_rng(seed), SHAPE)


def test_uniform():
    assert scipy.stats.kstest(made(noise.uniform).ravel(), "uniform").pvalue > 0.01


def test_mean_is_flat_but_for_a_trace():
    image = made(noise.mean).astype(np.float64)
    np.testing.assert_allclose(image.mean((0, 1)), _MEAN, atol=1e-7)
    np.testing.assert_allclose(image.std((0, 1)), 0.001 / 255, rtol=0.05)


def test_gaussian_is_normal_where_it_is_not_clipped():
    image = made(noise.gaussian)
    normal = scipy.stats.norm(_MEAN, 90 / 255)
    # Shares below 0, 1/4, 1/2, 3/4 and 1.
    for level in np.linspace(0, 1, 5):
        shares = (
            (image <= level).mean((0, 1)) if level < 1 else (image < 1).mean((0, 1))
        )
        np.testing.assert_allclose(shares, normal.cdf(level), atol=0.02)


def test_pink_has_amplitudes_of_one_over_frequency():
    height, width = SHAPE
    amplitude = np.mean(
        [
            np.abs(np.fft.fft2(made(noise.pink, seed), axes=(0, 1)))
            for seed in range(30)
        ],
        axis=(0, 3),
    )
    down = np.fft.fftfreq(height)[:, None]
    across = np.fft.fftfreq(width)
    frequency = np.hypot(down, across).ravel()[1:]
    slope = scipy.stats.linregress(np.log(frequency), np.log(amplitude.ravel()[1:]))
    assert slope.slope == pytest.approx(-1, abs=0.02)
    assert slope.rvalue < -0.98
    image = made(noise.pink)
    np.testing.assert_array_equal(image.min((0, 1)), 0)
    np.testing.assert_array_equal(image.max((0, 1)), 1)
