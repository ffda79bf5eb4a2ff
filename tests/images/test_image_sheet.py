"""Contact sheets, pixel by pixel."""

import numpy as np
import pytest

from nst_jax.images import sheet


def plain(height: int, width: int, *colour: float) -> np.ndarray:
    return np.broadcast_to(np.array(colour, np.float32), (height, width, 3))


def test_places_without_labels():
    images = [plain(2, 3, 0.1 * i, 0, 0) for i in range(5)]
    result = sheet.grid(images, 2, gap=1, background=0.5)
    assert result.dtype == np.float32
    expected = np.full((1 + 3 * 3, 1 + 2 * 4, 3), 0.5, np.float32)
    expected[1:3, 1:4] = images[0]
    expected[1:3, 5:8] = images[1]
    expected[4:6, 1:4] = images[2]
    expected[4:6, 5:8] = images[3]
    expected[7:9, 1:4] = images[4]
    np.testing.assert_array_equal(result, expected)


def test_different_sizes_are_centred():
    result = sheet.grid([plain(4, 2, 0, 0, 0), plain(2, 6, 0, 0, 0)], 2, gap=0)
    expected = np.ones((4, 12, 3), np.float32)
    expected[:, 2:4] = 0
    expected[1:3, 6:12] = 0
    np.testing.assert_array_equal(result, expected)


def test_no_more_columns_than_images():
    result = sheet.grid([plain(4, 5, 0, 0, 0)] * 2, 7, gap=1)
    assert result.shape == (1 + 5, 1 + 2 * 6, 3)


@pytest.mark.parametrize(("background", "ink"), [(1.0, 0.0), (0.1, 1.0)])
def test_labels_are_below_their_images(background, ink):
    images = [plain(10, 80, 0.3, 0.3, 0.3)] * 3
    labels = ["one", "", "gyp"]
    result = sheet.grid(
        images, 3, labels=labels, gap=4, background=background, label_size=20
    )
    assert result.shape == (4 + 10 + 30 + 4, 4 + 3 * 84, 3)
    strips = [result[14:44, 4 + 84 * i : 84 + 84 * i] for i in range(3)]
    for strip in strips[0], strips[2]:
        assert np.abs(strip - ink).min() < 0.05
        # Centred, and nothing cut off: background on all four edges.
        for edge in strip[0], strip[-1], strip[:, 0], strip[:, -1]:
            np.testing.assert_array_equal(edge, np.float32(background))
        used = np.nonzero((strip != np.float32(background)).any(axis=(0, 2)))[0]
        assert abs(used[0] - (79 - used[-1])) <= 3
    np.testing.assert_array_equal(strips[1], np.float32(background))
    for i in range(3):
        np.testing.assert_array_equal(result[4:14, 4 + 84 * i : 84 + 84 * i], images[i])


def test_accents_that_the_font_lacks_are_left_out():
    image = plain(10, 80, 0, 0, 0)
    accented, bare = (sheet.grid([image], 1, labels=[t]) for t in ("Gérôme", "Gerome"))
    np.testing.assert_array_equal(accented, bare)


def test_a_long_label_is_cut():
    image = plain(10, 60, 0, 0, 0)
    long, longer = (
        sheet.grid([image], 1, labels=["word " * n], gap=0) for n in (20, 30)
    )
    short = sheet.grid([image], 1, labels=["word"], gap=0)
    np.testing.assert_array_equal(long, longer)
    assert (long[10:] < 0.9).sum() > (short[10:] < 0.9).sum()
    assert long.shape == short.shape


@pytest.mark.parametrize(
    ("images", "columns", "labels", "message"),
    [
        ([], 2, None, "images: is empty"),
        ([plain(2, 2, 0, 0, 0)], 0, None, "columns: 0; must be 1 or more"),
        ([plain(2, 2, 0, 0, 0)], 1, ["a", "b"], "labels: 2 for 1 images"),
    ],
)
def test_bad_arguments(images, columns, labels, message):
    with pytest.raises(ValueError, match=message):
        sheet.grid(images, columns, labels=labels)
