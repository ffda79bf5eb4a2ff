"""The manifest: what is written is read, whatever befell the file."""

import dataclasses
import json
import os

import numpy as np
import pytest

from nst_jax.collection import manifest
from nst_jax.options import Options

PLAIN = manifest.Entry(
    output="a_b.png", content="in/a.jpg", style="b.png", key="0f", status="done"
)
FULL = manifest.Entry(
    output="dots/\u00e9\udcff.png",
    content="photos/cat.jpg",
    style="paintings/dots.jpg",
    key="a1b2",
    status="stopped",
    error=None,
    options={"size": 64, "style_taps": ["relu1_1"], "learning_rate": None},
    varied={"style_weight": 10.0},
    loss=0.25,
    iterations=7,
    seconds=1.5,
    losses=[[0, 3.0], [7, 0.25]],
    size=[64, 48],
    versions={"nst_jax": "0.1.0"},
    device="cpu",
    masks={"mask": ["sky.png", "ground.png"], "regions": {"#ff0000": ["a.jpg"]}},
)


def test_what_is_appended_is_read(tmp_path):
    path = tmp_path / "manifest.jsonl"
    for entry in PLAIN, FULL:
        manifest.append(path, entry)
    assert list(manifest.read(path).items()) == [
        (PLAIN.output, PLAIN),
        (FULL.output, FULL),
    ]
    first, second = path.read_bytes().splitlines()
    # Versions that know of no masks read what has none.
    assert b"masks" in second
    assert b"masks" not in first


def test_no_file_has_no_entries(tmp_path):
    assert manifest.read(tmp_path / "none.jsonl") == {}


def test_the_last_line_of_a_picture_holds_in_the_first_ones_place(tmp_path):
    path = tmp_path / "manifest.jsonl"
    again = dataclasses.replace(PLAIN, status="failed", error="no memory")
    for entry in PLAIN, FULL, again:
        manifest.append(path, entry)
    assert list(manifest.read(path).values()) == [again, FULL]


def test_a_line_is_on_the_disk_before_the_call_returns(tmp_path, monkeypatch):
    path, synced = tmp_path / "manifest.jsonl", []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.fstat(file).st_size))
    manifest.append(path, PLAIN)
    manifest.append(path, FULL)
    ends = np.cumsum([len(line) for line in path.read_bytes().splitlines(True)])
    assert synced == ends.tolist()


@pytest.mark.parametrize("kept", [1, 20, -1])
def test_after_a_cut_line_a_fresh_one_is_begun(tmp_path, kept):
    path = tmp_path / "manifest.jsonl"
    manifest.append(path, FULL)
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:kept])
    manifest.append(path, PLAIN)
    assert manifest.read(path) == {FULL.output: FULL, PLAIN.output: PLAIN}
    assert len(path.read_bytes().splitlines()) == 3


def bad_lines() -> dict[str, bytes]:
    good = dataclasses.asdict(PLAIN)
    without_key = {name: value for name, value in good.items() if name != "key"}
    changed = {
        "an unknown field": {**good, "colour": 1},
        "no key": without_key,
        "a number for a name": {**good, "output": 3},
        "an unknown status": {**good, "status": "perhaps"},
        "a text for a loss": {**good, "loss": "low"},
        "points that are none": {**good, "losses": [[1]]},
        "a size that is none": {**good, "size": [3]},
        "masks that are none": {**good, "masks": ["m.png"]},
        "a list": [1, 2],
        "null": None,
    }
    lines = {name: json.dumps(value).encode() for name, value in changed.items()}
    return {
        **lines,
        "not UTF-8": b'{"output": "\xff"}',
        "cut": json.dumps(good).encode()[:-9],
        "too deep": b"[" * 100_000,
        "empty": b"",
    }


@pytest.mark.parametrize("line", bad_lines().values(), ids=bad_lines())
def test_lines_that_are_no_entries_are_skipped(tmp_path, line):
    path = tmp_path / "manifest.jsonl"
    path.write_bytes(line + b"\n")
    assert manifest.read(path) == {}
    manifest.append(path, PLAIN)
    assert list(manifest.read(path)) == ["a_b.png"]


def test_what_json_lacks(tmp_path):
    path = tmp_path / "manifest.jsonl"
    odd = dataclasses.replace(
        PLAIN,
        loss=np.float32(np.inf),
        options={**dataclasses.asdict(Options()), "tv_weight": float("nan")},
        losses=[[np.int64(0), np.float32(2.0)], [1, float("nan")]],
        size=(np.int32(4), 3),
    )
    manifest.append(path, odd)

    def refuse(name):
        raise AssertionError(name)

    json.loads(path.read_bytes(), parse_constant=refuse)
    entry = manifest.read(path)["a_b.png"]
    assert (entry.loss, entry.options["tv_weight"]) == (None, None)
    assert (entry.losses, entry.size) == ([[0, 2.0], [1, None]], [4, 3])
    assert entry.options["content_taps"] == ["relu4_2"]


@pytest.mark.parametrize("n", [0, 1, 2, 199, 200, 201, 501, 100_001])
def test_curves_are_thinned(n):
    losses = 1 / np.arange(1, n + 1, dtype=np.float32)
    points = manifest.thin(losses, first=5)
    at = [iteration - 5 for iteration, _ in points]
    assert [loss for _, loss in points] == [float(losses[i]) for i in at]
    assert at == sorted(set(at))
    assert len(at) <= manifest.POINTS
    if n <= manifest.POINTS:
        assert len(at) == n
    else:
        assert (at[0], at[1], at[-1]) == (0, 1, n - 1)
        assert len(at) > 0.6 * manifest.POINTS
        assert np.diff(at).max() <= np.ceil((n - 1) / (manifest.POINTS // 2 - 1))


def test_thin_has_no_nan():
    assert manifest.thin(np.array([1.0, np.nan, np.inf])) == [
        [0, 1.0],
        [1, None],
        [2, None],
    ]


@pytest.mark.parametrize("end", [0, 1, 5, 12, 40, -1, None])
def test_a_manifest_is_known_wherever_a_crash_cut_it(tmp_path, end):
    path = tmp_path / "manifest.jsonl"
    assert manifest.is_ours(path)
    manifest.append(path, PLAIN)
    path.write_bytes(path.read_bytes()[:end])
    assert manifest.is_ours(path)
    manifest.append(path, PLAIN)
    assert manifest.is_ours(path)


@pytest.mark.parametrize("text", ["notes", "{}\n", '{"out": 1}\n', "\n\n", "[1]\n"])
def test_files_of_others_are_no_manifests(tmp_path, text):
    path = tmp_path / "manifest.jsonl"
    path.write_text(text)
    assert not manifest.is_ours(path)
