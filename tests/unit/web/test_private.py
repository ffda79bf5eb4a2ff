"""Folders for the user alone: those that are there stay as they are."""

import os

import pytest

from nst_jax.errors import OptionsError
from nst_jax.web import private


def mode(path) -> int:
    return path.stat().st_mode & 0o777


def test_what_is_made_is_for_the_user_alone(tmp_path):
    made = private.folder(tmp_path / "a/b")
    assert mode(made) == 0o700
    assert private.folder(made) == made


@pytest.mark.parametrize("given", [0o777, 0o755, 0o750, 0o701, 0o720])
def test_what_is_open_to_others_is_refused_and_stays_so(tmp_path, given):
    there = tmp_path / "there"
    there.mkdir()
    there.chmod(given)
    with pytest.raises(OptionsError, match="there: is open to other users; give a new"):
        private.folder(there)
    assert mode(there) == given
    assert not [*there.iterdir()]


def test_what_cannot_be_made_or_is_of_others_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(OptionsError, match=r"file: can't be used \(File exists"):
        private.folder(tmp_path / "file")
    with pytest.raises(OptionsError, match=r"inner: can't be used \(Not a dir"):
        private.inner(tmp_path / "file/inner")
    there = private.folder(tmp_path / "there")
    monkeypatch.setattr(os, "getuid", lambda: -1)
    with pytest.raises(OptionsError, match="there: is another user's"):
        private.folder(there)
