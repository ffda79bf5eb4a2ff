"""The parts of the figures: which runs make a study, and the plate that shows it."""

import dataclasses

import figure_helpers  # noqa: F401
import numpy as np
import pytest
from study import plan, plate

from nst_jax.commands.asked import Pair
from nst_jax.options import Options, OptionsError


def pair(row, column, style="p.png", **options):
    return Pair("a.png", style, Options(**options), {"across": column, "down": row})


def study(*pairs):
    return plan.Study("A title", "down", "across", pairs)


def test_pictures_that_differ_in_steps_are_of_one_run():
    pairs = [
        pair("x", "9", steps=9),
        pair("x", "4", steps=4),
        pair("y", "4", steps=4, seed=1),
        pair("y", "9", "q.png", steps=9),
    ]
    assert plan.runs(pairs) == [
        plan.Run((1, 0), (4, 9)),
        plan.Run((2,), (4,)),
        plan.Run((3,), (9,)),
    ]
    run = plan.runs(pairs)[0]
    assert [run.at(n) for n in (0, 4, 5, 9)] == [0, 0, 1, 1]
    assert [run.begins(index) for index in (0, 1)] == [0, 4]


@pytest.mark.parametrize("options", [{"solver": "adam"}, {"pyramid": 2}])
def test_runs_whose_course_depends_on_their_steps_are_apart(options):
    pairs = [pair("x", "9", steps=9, **options), pair("x", "4", steps=4, **options)]
    assert len(plan.runs(pairs)) == 2


def test_what_can_be_lanes_shares_a_program():
    pairs = [
        pair("x", "1", style_weight=1.0),
        pair("x", "2", style_weight=2.0, init="noise", tv_weight=1.0),
        pair("y", "1", pooling="avg"),
        pair("y", "2", style_tap_weights=(1.0, 0.0, 0.0, 0.0, 0.0)),
        pair("z", "2", steps=3),
    ]
    found = plan.programs(pairs)
    assert [[run.places for run in runs] for runs in found] == [
        [(0,), (1,), (3,)],
        [(2,)],
        [(4,)],
    ]


def test_labels_and_names_of_a_study():
    made = study(pair("a b", "1/2"), pair("a b", "x"), pair("c", "x"))
    assert (made.row_labels, made.column_labels) == (["a b", "c"], ["1/2", "x"])
    assert made.names == ["a-b_1_2.png", "a-b_x.png", "c_x.png"]
    with pytest.raises(OptionsError, match=r"a_x\.png is the name of two"):
        _ = study(pair("a", "x"), pair("a", "x")).names
    noted = dataclasses.replace(made, notes=["n"], left_out=["m"])
    assert noted.remarks == ["n", "Left out: m"]


GREYS = {("r1", "c1"): 0.2, ("r1", "c2"): 0.4, ("r2", "c1"): 0.6}


def grid(**changes):
    pictures = {
        place: np.full((30, 40, 3), grey, np.float32) for place, grey in GREYS.items()
    }
    made = plate.Grid(["r1", "r2"], ["c1", "c2"], ("rows", "columns"), pictures, {}, {})
    return dataclasses.replace(made, **changes)


def where(sheet, grey):
    """Top, left, height and width of the area of a grey."""
    found = np.argwhere((np.abs(sheet - grey) < 0.003).all(-1))
    top, left = found.min(0)
    height, width = found.max(0) + 1 - found.min(0)
    return top, left, height, width


def test_pictures_stand_where_their_row_and_column_cross():
    sheet = plate.draw("Title", ["a note"], {}, grid())
    areas = {place: where(sheet, grey) for place, grey in GREYS.items()}
    # Magnified to cells of 192 pixels.
    assert {area[2:] for area in areas.values()} == {(144, 192)}
    first, right, below = (
        areas[place] for place in (("r1", "c1"), ("r1", "c2"), ("r2", "c1"))
    )
    assert first[0] == right[0] < below[0] - 144
    assert first[1] == below[1] < right[1] - 192


def ink(sheet):
    return int((sheet.max(-1) < 0.15).sum())


def test_labels_title_notes_and_captions_are_drawn():
    plain = plate.draw("Title", ["a note"], {}, grid())
    blank = plate.draw("", [""], {}, grid(rows=["r1", "r2"], columns=["c1", "c2"]))
    assert plain.shape == blank.shape
    top = where(plain, 0.2)[0]
    left = where(plain, 0.2)[1]
    assert ink(plain[: top - 80]) > ink(blank[: top - 80]) == 0  # The title.
    assert ink(plain[top - 30 : top, left:]) > 20  # Columns.
    assert ink(plain[top:, :left]) > 20  # Rows.
    under = plate.draw(
        "Title", ["a note"], {}, grid(captions={("r1", "c1"): "a caption"})
    )
    assert under.shape[0] > plain.shape[0]
    wide = plate.draw("Title " * 30, ["a note " * 60], {}, grid())
    assert wide.shape[1] == plain.shape[1]
    assert wide.shape[0] > plain.shape[0]


def test_originals_and_heads_are_shown():
    light = np.full((30, 40, 3), 0.8, np.float32)
    dark = np.full((20, 40, 3), 0.7, np.float32)
    sheet = plate.draw("Title", [], {"photo": light}, grid(heads={"c2": dark}))
    photo, head = where(sheet, 0.8), where(sheet, 0.7)
    assert photo[2:] == (96, 128)
    assert head[2:] == (96, 192)
    cell = where(sheet, 0.4)
    assert head[1] == cell[1]
    assert photo[0] < head[0] < cell[0]
    # What is missing is a dash.
    assert plate.draw("T", [], {"photo": None}, grid(heads={"c2": None})).size
