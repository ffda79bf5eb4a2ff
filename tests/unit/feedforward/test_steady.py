"""The consistency loss: 0 of what moves with the picture, and nothing of borders."""

import jax
import numpy as np
import pytest

from nst_jax.feedforward import steady


def test_warp_by_whole_pixels_moves_the_picture(photo):
    flow = np.zeros((1, 33, 45, 2), np.float32)
    flow[..., 0], flow[..., 1] = 3, -2
    moved = np.asarray(steady.warp(photo[None], flow))[0]
    np.testing.assert_allclose(moved[:-3, 2:], photo[3:, :-2], atol=1e-6)
    np.testing.assert_allclose(
        moved[-3:, 2:], np.tile(photo[-1:, :-2], (3, 1, 1)), atol=1e-6
    )


def test_warp_between_pixels_is_bilinear():
    ramp = np.linspace(0, 1, 11, dtype=np.float32)[None, None, :, None]
    flow = np.zeros((1, 1, 11, 2), np.float32)
    flow[..., 1] = 0.25
    moved = np.asarray(steady.warp(ramp, flow))[0, 0, :, 0]
    np.testing.assert_allclose(moved[:-1], ramp[0, 0, :-1, 0] + 0.025, atol=1e-6)


@pytest.mark.slow
def test_what_moves_with_the_photo_costs_noise_alone(photo):
    photos = photo[None]

    def darker(images):
        return 0.5 * images

    key = jax.random.key(0)
    found = steady.inconsistency(darker, photos, darker(photos), key)
    assert found.shape == (1,)
    assert 0 < found[0] < (255 * 0.5 * 0.02) ** 2

    def of_places(images):  # Stays where it is, whatever the photo does.
        return np.broadcast_to(photos[:, ::-1], images.shape)

    still = steady.inconsistency(of_places, photos, of_places(photos), key)
    assert still[0] > 100 * found[0]
