"""Frames: few, hardly larger than their pictures; and pictures put into them."""

import numpy as np
import pytest

from nst_jax.images.frames import Framed, frames
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


@pytest.mark.parametrize("limit", [1, 2, 6])
@pytest.mark.parametrize("slack", [0.0, 0.03, 0.5])
@pytest.mark.parametrize("seed", range(3))
def test_at_most_so_many_frames_that_hold_their_pictures(limit, slack, seed):
    shapes = random_shapes(seed, 40)
    found = frames(shapes, limit=limit, slack=slack)
    assert found.keys() == set(shapes)
    assert len(set(found.values())) <= limit
    for (height, width), frame in found.items():
        assert frame[0] >= height
        assert frame[1] >= width
    for frame in set(found.values()):
        held = [shape for shape in shapes if found[shape] == frame]
        # No larger than they need.
        assert frame == tuple(np.max(held, axis=0))


def test_one_shape_is_its_own_frame():
    assert frames([(33, 45)]) == {(33, 45): (33, 45)}
    assert frames([(33, 45)] * 7, limit=1) == {(33, 45): (33, 45)}
    assert frames([]) == {}


def test_the_order_does_not_matter():
    shapes = folder(0)
    assert frames(shapes) == frames(shapes[::-1]) == frames(sorted(shapes))


# By hand: sorted, the neighbours are (4, 10), (10, 9), (10, 10). Joining the first two
# costs 60 + 10 pixels, the last two 10 for each picture of (10, 9).
_SHAPES = [(10, 10), (4, 10), (10, 10), (10, 9), (10, 10)]


def test_the_cheapest_are_joined_first():
    assert frames(_SHAPES, limit=2, slack=0) == {
        (4, 10): (4, 10),
        (10, 9): (10, 10),
        (10, 10): (10, 10),
    }


def test_no_more_are_joined_than_the_limit_asks_for():
    own = {shape: shape for shape in _SHAPES}
    assert frames(_SHAPES, limit=3, slack=0) == own
    # The next join pads 10 of 4 frames' 400 pixels, the one after it 60 of 500.
    assert frames(_SHAPES, limit=3, slack=0.024) == own
    joined = own | {(10, 9): (10, 10)}
    assert frames(_SHAPES, limit=3, slack=0.025) == joined
    assert frames(_SHAPES, limit=3, slack=0.119) == joined
    assert set(frames(_SHAPES, limit=3, slack=0.12).values()) == {(10, 10)}


def test_every_picture_counts():
    # Joining the first two costs 40 pixels, the last two 10 for each of (9, 10).
    small, middle, large = (5, 10), (9, 10), (10, 10)
    found = frames([small, middle, large], limit=2, slack=0)
    assert found == {small: small, middle: large, large: large}
    found = frames([small, *[middle] * 5, large], limit=2, slack=0)
    assert found == {small: middle, middle: middle, large: large}


def test_frames_that_come_out_equal_are_one():
    # (2, 9) and (8, 3) make (8, 9), which is there already.
    found = frames([(2, 9), (8, 3), (8, 9)], limit=2, slack=0)
    assert len(set(found.values())) <= 2
    assert found[8, 9] == (8, 9)


# Pictures in frames.


def picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).random((height, width, 3), np.float32) + 0.1


def test_put_and_cut():
    image = picture(3, 4)
    framed = Framed.put(image, (5, 7))
    assert framed.pixels.shape == (5, 7, 3)
    assert framed.pixels.dtype == np.float32
    assert framed.extent == (3, 4)
    assert framed.masked
    np.testing.assert_array_equal(framed.pixels[:3, :4], image)
    assert not framed.pixels[3:].any()
    assert not framed.pixels[:, 4:].any()
    np.testing.assert_array_equal(framed.cut(framed.pixels), image)
    other = np.arange(70).reshape(5, 7, 2)
    np.testing.assert_array_equal(framed.cut(other), other[:3, :4])


@pytest.mark.parametrize("frame", [None, (3, 4)])
def test_a_frame_of_its_own_is_full(frame):
    image = picture(3, 4)
    framed = Framed.put(image, frame)
    assert not framed.masked
    assert Framed.put(image, frame, masked=True).masked
    np.testing.assert_array_equal(framed.pixels, image)
    np.testing.assert_array_equal(framed.cut(framed.pixels), image)


@pytest.mark.parametrize("frame", [(3, 5), (4, 4)])
def test_a_frame_larger_one_way_is_not_full(frame):
    assert Framed.put(picture(3, 4), frame).masked


@pytest.mark.parametrize("frame", [(2, 9), (9, 3), (2, 3)])
def test_a_frame_too_small_is_refused(frame):
    with pytest.raises(ValueError, match=r"can't hold an image of \(3, 4\)"):
        Framed.put(picture(3, 4), frame)
