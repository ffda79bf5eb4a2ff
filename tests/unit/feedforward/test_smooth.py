"""Steadied clips flicker less: measured where the motion is known."""

import itertools

import numpy as np
import pytest
from support import stylizers
from support.batch_folder import picture

from nst_jax.feedforward import smooth
from nst_jax.feedforward.stream import stream

MOVED = (1, 2)
FRAME = (32, 72)


def clip(count: int, noise: float) -> list[np.ndarray]:
    """A photo over which a camera moves by `MOVED` a frame, with its noise."""
    rng = np.random.default_rng(0)
    photo = picture(3, 64, 128) * 0.6 + 0.4 * picture(4, 64, 128)[::-1]
    photo[10:60:5] *= 0.5
    photo[:, ::7] *= 0.6
    frames = []
    for number in range(count):
        top, left = (2 + step * number for step in MOVED)
        part = photo[top : top + FRAME[0], left : left + FRAME[1]]
        noisy = part + noise * rng.standard_normal(part.shape)
        frames.append(np.clip(noisy, 0, 1).astype(np.float32))
    return frames


def warp_error(frames: list[np.ndarray]) -> float:
    """How unlike each is the one before, moved as the camera did."""
    down, right = MOVED
    errors = [
        np.abs(a[down:, right:] - b[:-down, :-right])[6:-6, 6:-6].mean()
        for a, b in itertools.pairwise(frames[2:])
    ]
    return float(np.mean(errors))


@pytest.mark.slow
def test_a_steadied_clip_has_half_the_warp_error():
    stylizer = stylizers.stylizer(stylizers.PLAIN)
    frames = clip(10, noise=0.03)
    plain = list(stream(stylizer, frames))
    steadied = list(stream(stylizer, frames, smooth=4))
    assert warp_error(steadied) < 0.5 * warp_error(plain)
    # What is painted stays: the first frame, and the picture on the whole.
    np.testing.assert_allclose(steadied[0], plain[0], atol=1e-4)
    assert np.abs(steadied[-1].mean((0, 1)) - plain[-1].mean((0, 1))).max() < 0.05
    # Frames side by side are what they are one after the other, the last ones fewer.
    together = list(stream(stylizer, frames, smooth=4, lanes=3))
    np.testing.assert_allclose(together, steadied, atol=1e-4)


@pytest.mark.slow
def test_what_comes_and_goes_changes_nothing_elsewhere():
    stylizer = stylizers.stylizer(stylizers.PLAIN)
    scene = picture(7, *FRAME)
    frames = [scene.copy() for _ in range(16)]
    for number, frame in enumerate(frames):
        if number % 4 > 1:
            frame[4:28, 2:20] = (0.9, 0.9, 0.1)

    def elsewhere(painted):
        pairs = itertools.pairwise(painted[8:])
        return np.mean([np.abs(a - b)[:, -16:].mean() for a, b in pairs])

    plain = elsewhere(list(stream(stylizer, frames)))
    steadied = elsewhere(list(stream(stylizer, frames, smooth=4)))
    assert steadied < 0.05 * plain


@pytest.mark.slow
def test_another_scene_begins_anew():
    stylizer = stylizers.stylizer(stylizers.PLAIN)
    dark, light = 0.2 * picture(1, *FRAME), 1 - 0.2 * picture(2, *FRAME)
    alone = list(stream(stylizer, [light] * 2, smooth=4))
    cut = list(stream(stylizer, [dark] * 3 + [light] * 2, smooth=4))
    np.testing.assert_allclose(cut[3], alone[0], atol=1e-5)


def test_what_moved_is_found():
    frames = clip(2, noise=0.0)
    marks = np.arange(FRAME[0] * FRAME[1] * 3, dtype=np.float32)
    apart, moved = smooth._matched(frames[1], frames[0], marks.reshape(*FRAME, 3))
    inner = np.s_[8:-8, 8:-8]
    assert np.asarray(apart)[inner].max() < 1e-6
    wanted = np.roll(marks.reshape(*FRAME, 3), (-MOVED[0], -MOVED[1]), (0, 1))
    np.testing.assert_array_equal(np.asarray(moved)[inner], wanted[inner])
