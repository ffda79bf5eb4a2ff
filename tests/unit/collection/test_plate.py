"""The plate of a figure: what stands where on it."""

import dataclasses

import numpy as np

from nst_jax.collection import plate

GREYS = {("r1", "c1"): 0.2, ("r1", "c2"): 0.4, ("r2", "c1"): 1 / 3}


def grid(**changes):
    pictures = {
        place: np.full((30, 40, 3), grey, np.float32) for place, grey in GREYS.items()
    }
    made = plate.Grid(["r1", "r2"], ["c1", "c2"], ("rows", "columns"), pictures, {}, {})
    return dataclasses.replace(made, **changes)


def where(drawn, grey):
    """Top, left, height and width of the area of a grey."""
    found = np.argwhere((np.abs(drawn - grey) < 1e-3).all(-1))
    top, left = found.min(0)
    height, width = found.max(0) + 1 - found.min(0)
    assert len(found) == height * width
    return top, left, height, width


def test_pictures_stand_where_their_row_and_column_cross():
    drawn = plate.draw("", [], {}, grid())
    areas = {place: where(drawn, grey) for place, grey in GREYS.items()}
    # Magnified to cells of 192 pixels.
    assert {area[2:] for area in areas.values()} == {(144, 192)}
    first, right, below = (
        areas[place] for place in (("r1", "c1"), ("r1", "c2"), ("r2", "c1"))
    )
    assert first[0] == right[0] < below[0] - 144
    assert first[1] == below[1] < right[1] - 192


def test_the_largest_picture_keeps_its_size():
    large = {("r1", "c1"): np.full((200, 300, 3), 0.2, np.float32)}
    assert where(plate.draw("", [], {}, grid(pictures=large)), 0.2)[2:] == (200, 300)


def ink(drawn):
    return int((drawn.max(-1) < 0.15).sum())


def test_labels_title_notes_and_captions_are_drawn():
    made = plate.draw("Title", ["a note"], {}, grid())
    blank = plate.draw("", [""], {}, grid())
    assert made.shape == blank.shape
    top, left, *_ = where(made, 0.2)
    assert ink(made[: top - 60]) > ink(blank[: top - 60]) == 0  # The title.
    assert ink(made[top - 30 : top, left:]) > 20  # Columns.
    assert ink(made[top:, :left]) > 20  # Rows.
    captions = {("r1", "c1"): "a caption"}
    under = plate.draw("Title", ["a note"], {}, grid(captions=captions))
    assert under.shape[0] > made.shape[0]
    below = under[top + 144 : top + 166, left : left + 192]
    assert below.min() < 0.6
    wide = plate.draw("Title " * 30, ["a note " * 60], {}, grid())
    assert wide.shape[1] == made.shape[1]
    assert wide.shape[0] > made.shape[0]


def test_accents_that_the_font_lacks_are_left_out():
    accented, bare = (
        plate.draw(text, [text], {text: None}, grid(rows=[text, "r2"]))
        for text in ("G\u00e9r\u00f4me", "Gerome")
    )
    np.testing.assert_array_equal(accented, bare)


def test_originals_and_heads_are_shown():
    light = np.full((30, 40, 3), 0.8, np.float32)
    dark = np.full((20, 40, 3), 0.7, np.float32)
    drawn = plate.draw("Title", [], {"photo": light}, grid(heads={"c2": dark}))
    photo, head = where(drawn, 204 / 255), where(drawn, 178 / 255)
    assert photo[2:] == (96, 128)
    assert head[2:] == (96, 192)
    cell = where(drawn, 0.4)
    assert head[1] == cell[1]
    assert photo[0] < head[0] < cell[0]


def test_what_is_missing_is_a_dash():
    drawn = plate.draw("", [], {"photo": None}, grid(heads={"c2": None}))
    dashes = (np.abs(drawn - 0.6) < 1e-3).all(-1)
    # The photo's, the head's, and that of the second row's second picture.
    assert np.diff(dashes.any(axis=1).astype(int)).tolist().count(1) >= 3
