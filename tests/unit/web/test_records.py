"""Jobs in their folders."""

import dataclasses
import itertools
import json
import os

import pytest

from nst_jax.web import records
from nst_jax.web.limits import Limits
from nst_jax.web.orders import Order
from nst_jax.web.records import Record, Shelf, thinned

ORDER = Order(
    *("optimise", "photo-cat", ("a", "b"), (1.0, 3.0), "classic"),
    options={"style_taps": ("relu1_1",), "size": 64},
    masks=("m", "n"),
)
RECORD = Record(
    *("0123456789abcdef", ORDER, 5.5, "cat, a + b", 64, 43, 200),
    losses=((0, 3.0), (1, 2.5)),
    events=("a line",),
)


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path / "jobs", Limits(points=3, state_bytes=250))


def test_a_job_is_read_back_as_it_was(shelf):
    shelf.save(RECORD)
    assert shelf.load(pytest.fail) == [RECORD]
    path = shelf.path(RECORD.id)
    assert path.stat().st_mode & 0o777 == 0o700
    assert (path / "job.json").stat().st_mode & 0o777 == 0o600
    many = dataclasses.replace(RECORD, losses=tuple((n, 1.0) for n in range(9)))
    shelf.save(many)
    assert shelf.load(pytest.fail)[0].losses == ((0, 1.0), (4, 1.0), (8, 1.0))
    passed = dataclasses.replace(
        RECORD, order=Order("apply", "photo-cat", network="glass")
    )
    shelf.save(passed)
    assert shelf.load(pytest.fail) == [passed]
    shelf.remove(RECORD.id)
    assert not path.exists()
    assert shelf.load(pytest.fail) == []


def test_json_has_what_a_page_is_told():
    told = RECORD.told(place=2, can_go_on=False)
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told["options"] == {"style_taps": ["relu1_1"], "size": 64}
    assert (told["place"], told["kind"], told["preset"]) == (2, "optimise", "classic")
    assert "losses" not in told


def test_what_is_damaged_is_passed_over_with_a_line(shelf):
    shelf.save(RECORD)
    path = shelf.path(RECORD.id, "job.json")
    good = json.loads(path.read_text())

    def without(name):
        return {key: value for key, value in good.items() if key != name}

    order = good["order"]
    for content in (
        *("", "{", "[]", "null", "5", "[" * 100_000, "\0\xff"),
        *(without("order"), without("title"), without("losses")),
        *({**good, "id": "../../etc"}, {**good, "state": "painted"}),
        *({**good, "width": "64"}, {**good, "losses": [5]}, {**good, "more": 1}),
        *({**good, "events": 5}, {**good, "order": None}, {**good, "order": "x"}),
        {**good, "order": {**order, "kind": "x"}},
        {**good, "order": {**order, "preset": "gone"}},
        {**good, "order": {**order, "options": {"gone": 1}}},
        {**good, "order": {**order, "options": {"size": -1}}},
        {**good, "order": {**order, "paintings": None}},
    ):
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="latin1")
        lines = []
        assert shelf.load(lines.append) == [], text[:80]
        assert len(lines) == 1
        assert "job.json: passed over" in lines[0]


def test_a_folder_without_a_job_goes_and_others_stay(shelf):
    shelf.save(RECORD)
    began = shelf.path("f" * 16)
    began.mkdir()
    (began / "start.png").write_bytes(b"x")
    other = shelf.path(RECORD.id).with_name("notes")
    other.mkdir()
    assert shelf.load(pytest.fail) == [RECORD]
    assert not began.exists()
    assert other.exists()


def test_the_oldest_states_go_where_there_are_too_many(shelf):
    names = [f"{n}" * 16 for n in range(4)]
    for age, name in enumerate(names):
        path = shelf.path(name, records.STATE)
        path.parent.mkdir()
        path.write_bytes(b"x" * 100)
        os.utime(path, (age, age))
        path.with_name(records.RESULT).write_bytes(b"x")
    shelf.trim_states({names[0]})
    assert [shelf.has(name, records.STATE) for name in names] == [
        *(True, False, False, True)
    ]


def test_points_are_thinned_evenly():
    points = [(n, float(n)) for n in range(100)]
    assert thinned(points, 100) == tuple(points)
    found = thinned(points, 12)
    assert len(found) == 12
    assert (found[0], found[-1]) == (points[0], points[-1])
    assert {b[0] - a[0] for a, b in itertools.pairwise(found)} == {9}
