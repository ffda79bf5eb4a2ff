"""Frames: few, hardly larger than their pictures; and pictures put into them."""

import numpy as np
import pytest

from nst_jax.images.frames import frames, pad
from nst_jax.images.resize import fit


def padding(shapes, found) -> float:
    """Share of all frames' pixels that is no picture."""
    filled = sum(height * width for height, width in shapes)
    return 1 - filled / sum(found[shape][0] * found[shape][1] for shape in shapes)


def folder(seed: int, size: int = 512) -> list[tuple[int, int]]:
    """Shapes of 100 photos: cameras and phones, both ways up, and 15 odd crops."""
    rng = np.random.default_rng(seed)
    ratios = [(2, 3)] * 25 + [(3, 4)] * 20 + [(9, 16)] * 10 + [(1, 1)] * 10
    ratios += [(3, 2)] * 10 + [(4, 3)] * 7 + [(16, 9)] * 3
    ratios += [tuple(map(int, rng.integers(600, 2400, 2))) for _ in range(15)]
    rng.shuffle(ratios)
    return [fit(1000 * int(h), 1000 * int(w), size) for h, w in ratios]


def random_shapes(seed: int, count: int) -> list[tuple[int, int]]:
    rng = np.random.default_rng(seed)
    return [tuple(map(int, shape)) for shape in rng.integers(10, 200, (count, 2))]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("size", [256, 512, 2048])
def test_a_folder_of_photos_needs_few_frames_and_little_padding(seed, size):
    shapes = folder(seed, size)
    assert len(shapes) == 100
    assert len(set(shapes)) >= 18
    found = frames(shapes)
    assert found.keys() == set(shapes)
    assert len(set(found.values())) <= 6
    assert padding(shapes, found) < 0.08


def test_photos_without_crops_are_hardly_padded():
    shapes = [fit(h, w, 512) for h, w in [(2, 3), (3, 4), (9, 16), (1, 1), (3, 2)]]
    shapes = [shape for shape in shapes for _ in range(20)]
    found = frames(shapes)
    assert found == {shape: shape for shape in shapes}


@pytest.mark.parametrize("seed", range(3))
def test_few_frames_that_hold_their_pictures(seed):
    shapes = random_shapes(seed, 40)
    found = frames(shapes)
    assert found.keys() == set(shapes)
    assert len(set(found.values())) <= 6
    for frame in set(found.values()):
        held = [shape for shape in shapes if found[shape] == frame]
        # As large as they need, and no larger.
        assert frame == tuple(np.max(held, axis=0))


def test_one_shape_is_its_own_frame():
    assert frames([(33, 45)]) == frames([(33, 45)] * 7) == {(33, 45): (33, 45)}
    assert frames([]) == {}


def test_the_order_does_not_matter():
    shapes = folder(0)
    assert frames(shapes) == frames(shapes[::-1]) == frames(sorted(shapes))


def test_every_picture_counts_in_whether_a_join_pads_too_much():
    """By hand: 5 rows of 100 for each picture of (95, 100), of all frames' pixels."""
    small, large = (95, 100), (100, 100)
    # 2.5 %, then 3 of 4 pictures: 3.75 %.
    assert frames([small, large]) == {small: large, large: large}
    assert frames([small] * 3 + [large]) == {small: small, large: large}


def test_the_cheapest_are_joined_first_and_no_more_than_needed():
    """Seven shapes that would each pad far more than 3 %."""
    shapes = [(10 * n, 10 * n) for n in range(1, 8)]
    own = {shape: shape for shape in shapes}
    # Joining the first two costs 20^2 - 10^2, the next two 30^2 - 20^2, and so on.
    assert frames(shapes) == own | {(10, 10): (20, 20)}
    assert frames(shapes[1:]) == {shape: shape for shape in shapes[1:]}
    # Of many smallest pictures each costs that much: 3 x 300 against 1 x 500.
    assert frames([(10, 10)] * 3 + shapes[1:])[20, 20] == (30, 30)


def test_frames_that_come_out_equal_are_one():
    # (2, 9) and (8, 3), cheapest here, make (8, 9), which is there already.
    shapes = [(2, 9), (8, 3), (8, 9), *((40 * n, 40 * n) for n in range(1, 6))]
    found = frames(shapes)
    assert len(set(found.values())) <= 6
    assert found[8, 9] == (8, 9)


# Pictures in frames.


def picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).random((height, width, 3), np.float32) + 0.1


def test_padding_is_zero_below_and_right():
    image = picture(3, 4)
    padded = pad(image, (5, 7))
    assert padded.shape == (5, 7, 3)
    assert padded.dtype == np.float32
    np.testing.assert_array_equal(padded[:3, :4], image)
    assert not padded[3:].any()
    assert not padded[:, 4:].any()
    assert pad(image, (3, 4)) is image


@pytest.mark.parametrize("frame", [(2, 9), (9, 3), (2, 3)])
def test_a_frame_too_small_is_refused(frame):
    with pytest.raises(ValueError, match=r"can't hold an image of \(3, 4\)"):
        pad(picture(3, 4), frame)
