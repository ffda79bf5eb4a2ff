"""Pictures that are sent: checked, named at random, kept for the user alone."""

import json
import os
import time
from pathlib import Path

import pytest
from support.ateliers import png

from nst_jax.errors import ImageError
from nst_jax.images import encode, files
from nst_jax.web.limits import Limits
from nst_jax.web.refusals import AbsentError, LimitError
from nst_jax.web.uploads import IDENTIFIER, Uploads, shown_name


@pytest.fixture
def uploads(tmp_path):
    """Uploads of a folder, by limits; lines are raised."""

    def made(**limits):
        return Uploads(tmp_path / "uploads", Limits(**limits), pytest.fail)

    return made


def test_a_picture_is_kept_as_it_was_sent_for_the_user_alone(uploads, tmp_path):
    kept = uploads()
    body = png(24, 32)
    one = kept.add(body, "../../etc/cat.png", ())
    assert IDENTIFIER.fullmatch(one.id)
    assert (one.name, one.width, one.height) == ("cat.png", 32, 24)
    assert kept.path(one.id).read_bytes() == body
    assert kept.path(one.id).parent == tmp_path / "uploads"
    assert (tmp_path / "uploads").stat().st_mode & 0o777 == 0o700
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "uploads").iterdir()}
    assert modes == {0o600}
    assert files.shape(kept.small(one.id)) == (24, 32)
    assert "created" not in one.told()
    # They are there at the next start.
    assert uploads().get(one.id) == one


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("cat.png", "cat.png"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("a\nb\x1b[31m.png", "a\\nb\\x1b[31m.png"),
        ("gnp.\u202egpj.exe", "gnp.\\u202egpj.exe"),
        ("", "picture"),
        ("..", "picture"),
        (".", "picture"),
        ("a/", "a"),
        ("\udcff.png", "?.png"),
        ("x" * 300 + ".jpeg", "x" * 74 + ".jpeg"),
        ("y" * 300, "y" * 80),
    ],
)
def test_names_are_lines_and_no_paths(given, shown):
    assert shown_name(given) == shown


def test_what_is_no_picture_is_refused_by_its_own_name(uploads):
    kept = uploads(pixels=800, body_bytes=10_000)
    for body, name, line in (
        (b"no picture", "a.png", "a.png: is not an image"),
        (b"", "a.png", "a.png: is not an image"),
        (b"%PDF-1.7", "a.jpg", "a.jpg: is a PDF file"),
        (png()[:-40], "cut.png", "cut.png: can't be decoded"),
        (png(40, 40), "b.png", "b.png: has more than 800 pixels"),
        (png(), "b.nef", "b.nef: is a raw picture"),
    ):
        with pytest.raises(ImageError) as caught:
            kept.add(body, name, ())
        assert str(caught.value).startswith(line)
    with pytest.raises(LimitError, match="10001 bytes are more than 10000"):
        kept.add(b"x" * 10_001, "large.png", ())
    assert not [*kept._folder.iterdir()]


def test_the_oldest_that_no_job_needs_goes(uploads):
    kept = uploads(uploads=3)
    first, second, third = (kept.add(png(), f"{n}.png", ()) for n in range(3))
    fourth = kept.add(png(), "3.png", {first.id})
    assert second.id not in kept
    assert all(one.id in kept for one in (first, third, fourth))
    with pytest.raises(LimitError, match="too many pictures"):
        kept.add(png(), "4.png", {first.id, third.id, fourth.id})
    with pytest.raises(AbsentError, match="no picture"):
        kept.path(second.id)
    assert len([*kept._folder.iterdir()]) == 3 * 3


def test_the_same_file_is_one(uploads):
    kept = uploads(uploads=2)
    first = kept.add(png(), "a.png", ())
    other = kept.add(png(), "b.png", ())  # Commands name each as it was sent.
    assert other.id != first.id
    again = kept.add(png(), "a.png", {first.id, other.id})
    assert (again.id, len([*kept._folder.iterdir()])) == (first.id, 2 * 3)
    assert "digest" not in again.told()
    # It was sent last, so that it isn't the next to go; and it is known later too.
    third = uploads(uploads=2).add(png(8, 8), "c.png", ())
    later = uploads(uploads=2)
    assert first.id in later
    assert third.id in later
    assert other.id not in later
    assert later.add(png(), "a.png", ()).id == first.id


def test_where_all_are_needed_room_is_asked_for(uploads):
    kept, asked = uploads(uploads=2), []
    both = {kept.add(png(), f"{n}.png", ()).id for n in range(2)}

    def free(held):
        asked.append(held)
        return both - {gone}

    gone, stays = sorted(both)
    new = kept.add(png(), "2.png", both, free)
    assert asked == [both]
    assert gone not in kept
    assert stays in kept
    gone = ""
    with pytest.raises(LimitError, match="too many pictures"):
        kept.add(png(), "3.png", {stays, new.id}, lambda held: held)
    assert len(asked) == 1


def test_those_of_an_older_version_are_read(uploads):
    kept = uploads()
    one = kept.add(png(), "a.png", ())
    path = kept.path(one.id).with_suffix(".json")
    about = json.loads(path.read_text())
    del about["digest"]
    path.write_text(json.dumps(about))
    assert uploads().get(one.id).digest == ""


def test_what_is_old_goes_at_the_start(uploads):
    kept = uploads()
    old, needed = (kept.add(png(), name, ()) for name in ("a.png", "b.png"))
    for one in (old, needed):
        path = kept.path(one.id).with_suffix(".json")
        about = json.loads(path.read_text())
        path.write_text(json.dumps({**about, "created": time.time() - 1e6}))
    left = Path(kept._folder, "0123456789abcdef")
    left.write_bytes(b"of a writer that was killed")
    again = uploads()
    again.clean({needed.id})
    assert old.id not in again
    assert needed.id in again
    assert not left.exists()


def test_what_is_damaged_is_passed_over(tmp_path):
    kept = Uploads(tmp_path, Limits(), pytest.fail)
    good, bad = (kept.add(png(), name, ()) for name in ("a.png", "b.png"))
    about = json.loads((tmp_path / f"{good.id}.json").read_text())
    for content in (
        "{",
        "[]",
        "null",
        "[" * 100_000,
        json.dumps({**about, "id": "../x"}),
        json.dumps({**about, "id": bad.id, "width": "wide"}),
        json.dumps({**about, "id": bad.id, "further": 1}),
    ):
        (tmp_path / f"{bad.id}.json").write_text(content)
        lines = []
        again = Uploads(tmp_path, Limits(), lines.append)
        assert good.id in again
        assert bad.id not in again
        assert len(lines) == 1
        assert "passed over" in lines[0]


def test_a_result_tells_its_settings(uploads):
    from nst_jax.options import Options

    about = {"options": vars(Options(size=128, style_weight=3.0, init="/etc/passwd"))}
    told = uploads().add(png(description=about), "r.png", ()).told()
    assert told["settings"] == {
        "kind": "optimise",
        "preset": None,
        "network": None,
        "options": {"size": 128, "style_weight": 3.0},
        "shares": [],
    }
    nested = encode.encode(
        *([[[0.5, 0.5, 0.5]]], "PNG"), description={"options": {"size": 64}}
    )
    assert uploads().add(nested, "s.png", ()).settings["options"] == {"size": 64}
    assert uploads().add(png(), "p.png", ()).settings is None


def test_a_disk_without_room_leaves_nothing(uploads, monkeypatch):
    kept = uploads()

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LimitError, match=r"a.png: can't be kept \(No space left"):
        kept.add(png(), "a.png", ())
    assert not [*kept._folder.iterdir()]
