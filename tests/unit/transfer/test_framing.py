"""Frames shared at every size of a run, each picture framed once."""

import dataclasses
import weakref

import numpy as np
import pytest

from nst_jax.images import color, resize
from nst_jax.options import Options
from nst_jax.transfer import framing
from nst_jax.transfer.framing import Framing
from nst_jax.transfer.pictures import Reader

SIZES = (64, 128)
_OPTIONS = Options(size=128, pyramid=2)


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width, 3), np.float32)


def results(pairs, options=_OPTIONS):
    """Of each pair of shapes, read by one reader."""
    arrays = {shape: picture(*shape) for pair in pairs for shape in pair}
    reader = Reader()
    return [reader.read(arrays[c], [arrays[s]], options) for c, s in pairs]


# Two ratios near 3:4, two near 16:9, and paintings about square and upright.
PAIRS = [
    ((128, 96), (100, 100)),
    ((128, 97), (90, 50)),
    ((256, 146), (100, 99)),
    ((128, 72), (90, 51)),
]


def test_pictures_that_share_a_frame_share_it_at_all_sizes():
    made = results(PAIRS)
    framed = Framing(made, SIZES)
    full = [framed.frame(one) for one in made]
    assert full == [(128, 97), (128, 97), (128, 73), (128, 73)]
    for size in SIZES:
        lanes = [framed.lane(one, size) for one in made]
        shapes = [lane.content.pixels.shape[:2] for lane in lanes]
        assert shapes[0] == shapes[1] != shapes[2] == shapes[3]
        paintings = [lane.styles[0].pixels.shape[:2] for lane in lanes]
        assert paintings[0] == paintings[2] != paintings[1] == paintings[3]
        for one, lane in zip(made, lanes, strict=True):
            for found, image in zip(
                (lane.content, *lane.styles), (one.content, *one.styles), strict=True
            ):
                resized = resize.resize_longest(image, size)
                assert found.extent == resized.shape[:2]
                np.testing.assert_array_equal(found.cut(found.pixels), resized)
    # The lanes of the last, the full size.
    assert shapes == full


def test_a_picture_is_framed_once(monkeypatch):
    calls = []

    def counted(image, longest):
        calls.append(longest)
        return resize.resize(image, resize.fit(*image.shape[:2], longest))

    made = results([(c, s) for c, _ in PAIRS[:2] for _, s in PAIRS[:3]])
    monkeypatch.setattr(framing.resize, "resize_longest", counted)
    framed = Framing(made, SIZES)
    lanes = [framed.lane(one, size) for _ in range(2) for one in made for size in SIZES]
    # Two photos and three paintings, at two sizes.
    assert sorted(calls) == [64] * 5 + [128] * 5
    assert lanes[0].content is lanes[2].content is lanes[12].content
    assert lanes[0].styles[0] is lanes[6].styles[0]
    assert lanes[0].content is not lanes[1].content


def test_pictures_live_as_long_as_a_lane_and_some_paintings_longer(monkeypatch):
    made = results(PAIRS)
    framed = Framing(made, SIZES)

    def pictures(one):
        lane = framed.lane(one, 128)
        return weakref.ref(lane.content), weakref.ref(lane.styles[0])

    photo, painting = pictures(made[0])
    assert photo() is None
    assert painting() is framed.lane(made[0], 128).styles[0]
    # Room for two of them.
    monkeypatch.setattr(framing, "_KEPT", 2 * 128 * 128)
    found = [pictures(one)[1] for one in made]
    assert [one() is None for one in found] == [True, True, False, False]


def test_a_painting_is_recoloured_once_for_each_photo_and_way():
    ways = [
        {"color": "histogram"},
        {"color": "histogram", "style_weight": 3.0},
        {"color": "linear"},
    ]
    made = [
        dataclasses.replace(one, options=dataclasses.replace(_OPTIONS, **way))
        for one in results([(c, PAIRS[0][1]) for c, _ in PAIRS[:2]])
        for way in ways
    ]
    framed = Framing(made, SIZES)
    for size in SIZES:
        first, same, other, elsewhere, *_ = (
            framed.lane(one, size).styles[0] for one in made
        )
        assert first is same
        assert len({first, other, elsewhere}) == 3
        content = framed.lane(made[3], size).content
        expected = color.match_histograms(
            resize.resize_longest(made[3].styles[0], size),
            content.cut(content.pixels),
        )
        found = elsewhere.cut(elsewhere.pixels)
        np.testing.assert_array_equal(found, expected)


def test_a_lane_has_the_options_of_its_result():
    (one,) = results(PAIRS[:1])
    other = dataclasses.replace(one, options=Options(size=128, style_weight=3.0))
    framed = Framing([one, other], SIZES)
    assert framed.lane(one, 128).options is one.options
    assert framed.lane(other, 128).options is other.options


def test_one_result_fills_its_frames():
    (one,) = results(PAIRS[2:3])
    for size in SIZES:
        lane = Framing([one], SIZES).lane(one, size)
        for found in (lane.content, lane.styles[0]):
            assert found.pixels.shape[:2] == found.extent
            assert not found.masked


def test_all_or_none_of_a_frame_are_masked():
    made = results([*PAIRS, ((60, 128), (100, 100))])
    framed = Framing(made, SIZES)
    lanes = [framed.lane(one, 128) for one in made]
    # (128, 97) fills the frame that (128, 96) does not.
    assert lanes[1].content.extent == lanes[1].content.pixels.shape[:2] == (128, 97)
    assert [lane.content.masked for lane in lanes] == [True] * 4 + [False]
    assert [lane.styles[0].masked for lane in lanes] == [True] * 5


def test_style_scale_sizes_the_paintings_at_every_size():
    (one,) = results(PAIRS[:1], dataclasses.replace(_OPTIONS, style_scale=0.75))
    framed = Framing([one], SIZES)
    sides = [max(framed.lane(one, size).styles[0].extent) for size in SIZES]
    assert sides == [48, 96]


def test_a_photo_that_is_a_painting_too_has_a_frame_of_each_kind():
    made = results([((128, 97), (128, 96)), ((128, 96), (90, 50))])
    assert made[0].styles[0] is made[1].content
    for order in (made, made[::-1]):
        framed = Framing(made, SIZES)
        lanes = [framed.lane(one, 128) for one in order]
        assert {lane.content.pixels.shape for lane in lanes} == {(128, 97, 3)}


@pytest.mark.parametrize("scales", [(0.4981, 0.4979), (0.4979, 0.4981)])
def test_paintings_may_differ_in_size_below_the_full_one(scales):
    """Both 255 pixels at 512, 128 and 127 at 256."""
    photo, painting = picture(20, 30), picture(30, 30)
    reader, sizes = Reader(), (256, 512)
    made = [
        reader.read(photo, [painting], Options(size=512, style_scale=scale))
        for scale in scales
    ]
    framed = Framing(made, sizes)
    sides = {
        size: [framed.lane(one, size).styles[0].extent[0] for one in made]
        for size in sizes
    }
    assert sorted(sides[256]) == [127, 128]
    assert sides[512] == [255, 255]
    frames = {framed.lane(one, 256).styles[0].pixels.shape[:2] for one in made}
    assert frames == {(128, 128)}
