"""Contact sheets, pixel by pixel."""

import numpy as np
import pytest

from nst_jax.collection import sheet


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


def labelled(contents, styles, results, **options) -> np.ndarray:
    names = {"content_labels": [""] * len(contents), "style_labels": [""] * len(styles)}
    return sheet.table(contents, styles, results, **{**names, **options})


def test_places_in_a_table():
    photos = [plain(4, 8, 0.1, 0, 0), plain(4, 8, 0.2, 0, 0)]
    painting = plain(8, 8, 0, 0.1, 0)
    results = [plain(4, 8, 0.1, 0, 1), plain(4, 8, 0.2, 0, 1)]
    made = labelled(photos, [painting], results, cell=8, gap=2, label_size=1)
    strip = 2  # Of the empty label: 1.5 times its size, rounded.
    expected = np.ones((2 + 8 + strip + 4 + 2 * (4 + strip + 2), 24, 3), np.float32)
    expected[: 2 + 8 + strip + 2] = 0.92
    expected[:, :12] = 0.92
    expected[2:10, 14:22] = painting
    for i, top in enumerate((16, 24)):
        expected[top : top + 4, 2:10] = photos[i]
        expected[top : top + 4, 14:22] = results[i]
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, expected, atol=1e-6)


def test_results_go_painting_by_painting_through_the_first_photo():
    blues = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    made = labelled(
        [plain(8, 8, 1, 1, 0)] * 2,
        [plain(8, 8, 1, 1, 0)] * 3,
        (plain(8, 8, 1, 0, blue) for blue in blues),
        cell=8,
    )
    # Pixels without green are the results' alone.
    seen = made[..., 2][made[..., 1] == 0].reshape(2, 8, 3, 8)
    np.testing.assert_allclose(seen[:, 0, :, 0].ravel(), blues, atol=1e-6)


def test_pictures_are_scaled_to_their_cells_with_their_aspect_ratio():
    red, green, blue = (
        plain(50, 100, 1, 0, 0),
        plain(9, 3, 0, 1, 0),
        plain(40, 80, 0, 0, 1),
    )
    made = labelled([red], [green], [blue], cell=20, background=0.5)
    for colour, height, width in (red, 10, 20), (green, 20, 7), (blue, 10, 20):
        rows, columns = np.nonzero((abs(made - colour[0, 0]) < 1e-6).all(axis=-1))
        assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (height, width)
        assert len(rows) == height * width


def test_missing_pictures_are_dashes():
    one = plain(32, 32, 1, 0, 0)
    made = labelled([one], [one, one], [one, None], cell=32, gap=4)
    box = made[-24 - 4 - 32 : -24 - 4, -4 - 32 : -4]
    rows, columns = np.nonzero(box[..., 0] < 0.9)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (1, 5)
    assert abs(columns.mean() - 15.5) <= 1
    unknown = labelled([None], [None], [None], cell=32)
    assert unknown.shape == labelled([one], [one], [one], cell=32).shape


def test_names_stand_below_the_originals_only():
    one = plain(40, 40, 0.5, 0.5, 0.5)
    options = {"cell": 40, "gap": 4}
    bare = labelled([one], [one], [one], **options)
    named = labelled(
        [one], [one], [one], content_labels=["cat"], style_labels=["dots"], **options
    )
    changed = (bare != named).any(axis=-1)
    below_painting = np.s_[4 + 40 : 4 + 40 + 24, -4 - 40 : -4]
    below_photo = np.s_[-4 - 24 : -4, 4 : 4 + 40]
    for place in below_painting, below_photo:
        assert changed[place].any()
        changed[place] = False
    assert not changed.any()


def test_a_hundred_by_a_hundred_stays_below_the_bound():
    tiny, cell = plain(3, 4, 1, 0, 0), plain(3, 4, 0, 0, 1)
    made = labelled([tiny] * 100, [tiny] * 100, [cell] * 10_000, longest=3000)
    assert 2000 < max(made.shape) <= 3000
    assert (made[..., 0] < 0.5).mean() > 0.2
    with pytest.raises(ValueError, match="100 photos x 1 paintings; too many for 500"):
        labelled([tiny] * 100, [tiny], [cell] * 100, longest=500)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ((0, 1, 0), "labels: 0 photos, 1 paintings"),
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
    with pytest.raises(ValueError, match="contents: only 1 pictures for 2 cells"):
        sheet.table(one, one, one, content_labels=["a", "b"], style_labels=["c"])
    with pytest.raises(ValueError, match="styles: more pictures for 1 cells"):
        sheet.table(one, one * 2, one, content_labels=["a"], style_labels=["c"])
