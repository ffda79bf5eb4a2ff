"""Contact sheets, pixel by pixel."""

import itertools

import numpy as np
import pytest

from nst_jax.collection import sheet

CELL, GAP, STRIP = 256, 8, 24  # Strip: one line of 16-pixel letters.
SHADE = 235 / 255


def plain(height: int, width: int, *colour: int) -> np.ndarray:
    """A picture of one colour, given in 8 bits."""
    levels = np.array(colour, np.float32) / 255
    return np.broadcast_to(levels, (height, width, 3))


def labelled(contents, styles, results, **options) -> np.ndarray:
    names = {"content_labels": [""] * len(contents), "style_labels": [""] * len(styles)}
    drawn = sheet.table(contents, styles, results, **{**names, **options})
    assert drawn.mode == "RGB"
    return np.asarray(drawn, np.float32) / 255


def extent(made: np.ndarray, picture: np.ndarray) -> tuple[int, int]:
    """Height and width of a colour's area, which is a rectangle."""
    rows, columns = np.nonzero((abs(made - picture[0, 0]) < 1e-6).all(axis=-1))
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert len(rows) == height * width
    return height, width


def test_places_in_a_table():
    photos = [plain(128, 256, 10, 0, 0), plain(128, 256, 20, 0, 0)]
    painting = plain(256, 256, 0, 10, 0)
    results = [plain(128, 256, 10, 0, 99), plain(128, 256, 20, 0, 99)]
    made = labelled(photos, [painting], results)
    top, left = 2 * GAP + CELL + STRIP + GAP, 2 * GAP + CELL + GAP
    pitch = 128 + STRIP + GAP
    expected = np.ones((top + 2 * pitch, left + CELL + GAP, 3), np.float32)
    expected[: top - GAP] = SHADE
    expected[:, : left - GAP] = SHADE
    expected[GAP : GAP + CELL, left : left + CELL] = painting
    for i in range(2):
        rows = np.s_[top + i * pitch : top + i * pitch + 128]
        expected[rows, GAP : GAP + CELL] = photos[i]
        expected[rows, left : left + CELL] = results[i]
    np.testing.assert_allclose(made, expected, atol=1e-6)


def test_results_go_painting_by_painting_through_the_first_photo():
    blues = [10, 20, 30, 40, 50, 60]
    made = labelled(
        [plain(8, 8, 255, 255, 0)] * 2,
        [plain(8, 8, 255, 255, 0)] * 3,
        (plain(8, 8, 255, 0, blue) for blue in blues),
    )
    # Pixels without green are the results' alone.
    seen = made[..., 2][made[..., 1] == 0].reshape(2, CELL, 3, CELL)
    np.testing.assert_allclose(seen[:, 0, :, 0].ravel() * 255, blues, atol=1e-4)


def test_pictures_are_scaled_to_their_cells_with_their_aspect_ratio():
    red, green, blue = (
        plain(500, 1000, 255, 0, 0),
        plain(9, 3, 0, 255, 0),
        plain(333, 500, 0, 0, 255),
    )
    made = labelled([red], [green], [blue])
    assert extent(made, red) == (128, 256)
    assert extent(made, green) == (256, 85)
    # The row is as high as the photo: the result is a little less wide.
    assert extent(made, blue) == (128, 192)


def test_missing_pictures_are_dashes():
    one = plain(32, 32, 255, 0, 0)
    made = labelled([one], [one, one], [one, None])
    bottom, right = made.shape[0] - STRIP - GAP, made.shape[1] - GAP
    box = made[bottom - CELL : bottom, right - CELL : right]
    rows, columns = np.nonzero(box[..., 0] < 0.9)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (8, 42)
    assert (rows.mean(), columns.mean()) == pytest.approx((127.5, 127.5), abs=1)
    unknown = labelled([None], [None], [None])
    assert unknown.shape == labelled([one], [one], [one]).shape


def strips(content: str, style: str) -> list[np.ndarray]:
    """The photo's and the painting's names; nothing else has changed with them."""
    one = plain(CELL, CELL, 128, 128, 128)
    bare = labelled([one], [one], [one])
    named = labelled(
        [one], [one], [one], content_labels=[content], style_labels=[style]
    )
    changed = (bare != named).any(axis=-1)
    below_photo = np.s_[-GAP - STRIP : -GAP, GAP : GAP + CELL]
    below_painting = np.s_[GAP + CELL : GAP + CELL + STRIP, -GAP - CELL : -GAP]
    cut = [named[below_photo], named[below_painting]]
    for place in below_photo, below_painting:
        changed[place] = False
    assert not changed.any()
    return cut


def test_names_stand_below_the_originals_only():
    for strip in strips("one", "gyp"):
        assert strip.min() < 0.3
        # Centred, and nothing cut off: background on all four edges.
        for edge in strip[0], strip[-1], strip[:, 0], strip[:, -1]:
            np.testing.assert_allclose(edge, SHADE, atol=1e-6)
        used = np.nonzero((strip < 0.9).any(axis=(0, 2)))[0]
        assert abs(used[0] - (CELL - 1 - used[-1])) <= 3


def test_accents_that_the_font_lacks_are_left_out():
    for accented, bare in zip(
        strips("G\u00e9r\u00f4me", "\u0141 \u00c5"),
        strips("Gerome", "\u0141 A"),
        strict=True,
    ):
        np.testing.assert_array_equal(accented, bare)


def test_a_long_label_is_cut():
    long, longer = strips("word " * 20, "word " * 30)
    np.testing.assert_array_equal(long, longer)
    short, _ = strips("word", "word")
    assert (long < 0.9).sum() > 3 * (short < 0.9).sum()


def test_a_hundred_paintings_stay_below_the_bound():
    tiny, cell = plain(3, 4, 255, 0, 0), plain(3, 4, 0, 0, 255)
    made = labelled([tiny], [tiny] * 100, [cell] * 100)
    assert 8000 < max(made.shape) <= 9000
    assert (made[..., 0] == 0).mean() > 0.2
    with pytest.raises(ValueError, match="1 photo x 1000 paintings; too many for 9"):
        labelled([tiny], [tiny] * 1000, itertools.repeat(cell))


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ((0, 1, 0), "labels: 0 photos, 1 painting"),
        ((2, 2, 3), "results: only 3 pictures for 4 cells"),
        ((2, 2, 5), "results: more pictures for 4 cells"),
    ],
)
def test_bad_tables(counts, message):
    pictures = [[plain(2, 2, 0, 0, 0)] * count for count in counts]
    with pytest.raises(ValueError, match=message):
        labelled(*pictures)


def test_one_picture_a_label():
    one = [plain(2, 2, 0, 0, 0)]
    with pytest.raises(ValueError, match="contents: only 1 picture for 2 cells"):
        sheet.table(one, one, one, content_labels=["a", "b"], style_labels=["c"])
    with pytest.raises(ValueError, match="styles: more pictures for 1 cell"):
        sheet.table(one, one * 2, one, content_labels=["a"], style_labels=["c"])
