"""What a study asks for: jobs and the iterations at which their pictures are taken."""

import pytest
from support import figure_helpers  # noqa: F401  # Before what it finds.

# isort: split
import figure
import study
from support.classic import classic

from nst_jax.errors import OptionsError


def cell(row, column, style="p.png", **options):
    return study.Cell(row, column, "a.png", style, classic(**options))


def wanted(*cells):
    return study.Study("A title", "down", "across", cells).wanted()


def test_pictures_that_differ_in_steps_are_of_one_job():
    found = wanted(
        cell("x", "9", steps=9),
        cell("x", "2", steps=2),
        cell("x", "4", steps=4),
        cell("y", "4", steps=4, seed=1),
        cell("y", "9", "q.png", steps=9),
    )
    assert [(one.at, one.job.at, one.job.options.steps) for one in found] == [
        *((None, (2, 4), 9), (2, (2, 4), 9), (4, (2, 4), 9)),
        (None, (), 4),
        (None, (), 9),
    ]
    assert len({one.job for one in found}) == 3
    # Each is kept as if it had been made alone.
    assert [one.made.options.steps for one in found] == [9, 2, 4, 4, 9]


@pytest.mark.parametrize("options", [{"solver": "adam"}, {"pyramid": 2}])
def test_jobs_whose_course_depends_on_their_steps_are_apart(options):
    found = wanted(*(cell("x", f"{n}", steps=n, **options) for n in (9, 4)))
    assert [(one.at, one.job.at, one.job.options.steps) for one in found] == [
        (None, (), 9),
        (None, (), 4),
    ]


def test_what_can_be_lanes_shares_a_program():
    pictures = wanted(
        cell("x", "1", style_weight=1.0),
        cell("x", "2", style_weight=2.0, init="noise", tv_weight=1.0),
        cell("y", "1", pooling="avg"),
        cell("y", "2", style_tap_weights=(1.0, 0.0, 0.0, 0.0, 0.0)),
        cell("z", "2", solver="adam", steps=3),
    )
    first, second, third, fourth, fifth = (one.job for one in pictures)
    assert study.together(pictures) == [[first, second, fourth], [third], [fifth]]


def test_names_and_labels_of_pictures():
    found = wanted(cell("a b", "1/2"), cell("a b", "x"), cell("c", "x"))
    assert [one.name for one in found] == ["a-b_1_2.png", "a-b_x.png", "c_x.png"]
    assert found[0].varied == {"down": "a b", "across": "1/2"}
    with pytest.raises(OptionsError, match=r"a_x\.png is the name of two"):
        wanted(cell("a", "x"), cell("a", "x", seed=1))


def test_numbers_of_flags():
    assert figure.numbers("x", "3,1e2,3") == [3, 100]
    assert figure.counts("x", "8, 2,8") == [2, 8]
    assert figure.one("x", [2.5]) == 2.5
