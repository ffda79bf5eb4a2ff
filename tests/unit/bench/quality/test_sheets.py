import csv
import json
import re

import numpy as np
import pytest
from support.eyes import scene, strokes

from bench.quality import judge, sheets
from nst_jax.errors import ImageError, OptionsError
from nst_jax.images import files

PAINTING = strokes((60, 40), seed=1, length=9)
DARK, LIGHT = 0.25, 0.75


def comparisons(count=4):
    photos = [scene((32, 48), seed=n) for n in range(count)]
    return [
        sheets.Comparison(
            f"pair{n}",
            sheets.COMPARED,
            photo,
            PAINTING,
            np.full_like(photo, DARK),
            np.full_like(photo, LIGHT),
        )
        for n, photo in enumerate(photos)
    ]


@pytest.fixture
def made(tmp_path):
    """Sheets, their key."""
    folder, key = tmp_path / "sheets", tmp_path / "key.json"
    count = sheets.write(
        comparisons(), folder, key, systems=("dark", "light"), secret=lambda: "s"
    )
    assert count == 12
    return folder, key


def sides(path):
    """Means and deviations of A and B on a sheet."""
    sheet = files.read(path)
    below = sheet[-12 - 32 : -12]
    parts = below[:, 12 : 12 + 48], below[:, 24 + 48 : 24 + 96]
    return [(float(part.mean()), float(part.std())) for part in parts]


def test_each_is_there_in_both_orders_and_names_say_nothing(made):
    folder, key = made
    told = json.loads(key.read_text())["sheets"]
    assert {path.stem for path in folder.glob("*.png")} == set(told)
    seen = {}
    for name, one in told.items():
        (a, _), (b, _) = sides(folder / f"{name}.png")
        assert re.fullmatch("[0-9a-f]{12}", name)
        seen.setdefault((one["kind"], one["pair"]), []).append((a, b))
    for (kind, _), both in seen.items():
        assert len(both) == 2
        assert both[0] == pytest.approx(both[1][::-1], abs=1e-3)
        if kind == sheets.COMPARED:
            assert sorted(both[0]) == pytest.approx((DARK, LIGHT), abs=0.01)
        if kind == sheets.SAME:
            assert both[0] == pytest.approx((DARK, DARK), abs=0.01)


def answer(made, choose, *, rater="r"):
    """Rows of a rater who is shown (mean, deviation) of A and B for each question."""
    rows = []
    text = (made[0] / "answers.csv").read_text()
    for row in csv.DictReader(text.splitlines()):
        a, b = sides(made[0] / f"{row['sheet']}.png")
        given = {question: choose(question, a, b) for question in sheets.QUESTIONS}
        rows.append({**row, "rater": rater, **given})
    return rows


def careful(question, a, b):
    """Likes what is dark and dislikes noise."""
    value = 1 if question == "flaws" and abs(a[1] - b[1]) > 0.02 else 0
    if abs(a[value] - b[value]) < 0.02:
        return "="
    return "A" if a[value] < b[value] else "B"


def test_a_careful_rater_counts(made):
    key = json.loads(made[1].read_text())
    found = judge.votes(answer(made, careful), key)
    assert judge.failed(found) == {}
    out = judge.tally(found, "hang")
    assert (out.wins, out.losses, out.ties, out.dropped) == (4, 0, 0, 0)
    assert out.chance == pytest.approx(1 / 16)


def test_who_looks_at_the_side_alone_is_left_out(made):
    key = json.loads(made[1].read_text())
    left = answer(made, lambda *_: "A", rater="left")
    found = judge.votes([*left, *answer(made, careful)], key)
    assert set(judge.failed(found)) == {"left"}
    assert judge.tally(found, "hang").counted == 4
    alone = judge.votes(left, key)
    assert judge.tally(alone, "hang").counted == 0

    def blind(question, a, b):
        return "=" if question == "flaws" else careful(question, a, b)

    assert judge.failed(judge.votes(answer(made, blind), key)) == {
        "r": "didn't see noise"
    }
    kinds = {name: one["kind"] for name, one in key["sheets"].items()}
    few = [row for row in answer(made, careful) if kinds[row["sheet"]] != sheets.SAME]
    assert set(judge.failed(judge.votes(few, key))) == {"r"}


def test_answers_that_differ_by_order_are_dropped(made):
    key = json.loads(made[1].read_text())

    def leaning(question, a, b):
        if question != "style":
            return careful(question, a, b)
        return "A"  # Whatever is there.

    out = judge.tally(judge.votes(answer(made, leaning), key), "style")
    assert (out.counted, out.dropped, out.wins, out.losses) == (0, 4, 0, 0)
    assert out.chance == 1


def test_raters_are_summed_pair_by_pair(made):
    key = json.loads(made[1].read_text())

    def contrary(question, a, b):
        given = careful(question, a, b)
        if question == "flaws":
            return given
        return {"A": "B", "B": "A"}.get(given, "=")

    rows = [
        *answer(made, careful, rater="one"),
        *answer(made, careful, rater="two"),
        *answer(made, contrary, rater="three"),
    ]
    out = judge.tally(judge.votes(rows, key), "hang")
    assert (out.wins, out.losses, out.counted) == (4, 0, 12)


def test_the_report_reads_files(made, tmp_path):
    rows = answer(made, careful)
    path = tmp_path / "answers.csv"
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)
    text = judge.judged([path], made[1])
    assert text.startswith("dark against light, 1 rater.")
    assert "| hang | 4 | 0 | 0 | 4 | 0 | 0.062 |" in text


def test_what_is_no_answer_is_said(made, tmp_path):
    key = json.loads(made[1].read_text())
    rows = answer(made, careful)
    for change, line in [
        ({"style": "C"}, "style: 'C' is no answer; give one of A, B, ="),
        ({"sheet": "none"}, "sheet 'none': not in the key"),
    ]:
        with pytest.raises(OptionsError, match=line):
            judge.votes([{**rows[0], **change}], key)
    with pytest.raises(OptionsError, match="answered twice by 'r'"):
        judge.votes([rows[0], rows[0]], key)
    bad = tmp_path / "bad.json"
    bad.write_text("{}")
    with pytest.raises(OptionsError, match=r"bad.json: is no key of sheets"):
        judge.judged([], bad)
    with pytest.raises(OptionsError, match=r"nowhere.csv: No such file"):
        judge.judged([tmp_path / "nowhere.csv"], made[1])


def test_nothing_is_overwritten_and_the_key_lies_elsewhere(made, tmp_path):
    folder, key = made
    names = ("a", "b")
    with pytest.raises(ImageError, match="isn't empty"):
        sheets.write(comparisons(), folder, tmp_path / "k.json", systems=names)
    new = tmp_path / "new"
    for place in (new / "key.json", key):
        with pytest.raises(ImageError, match="keep the key elsewhere"):
            sheets.write(comparisons(), new, place, systems=names)
    with pytest.raises(OptionsError, match="no pair has a picture by both"):
        sheets.write([], new, tmp_path / "k.json", systems=names)
    assert not new.exists()
