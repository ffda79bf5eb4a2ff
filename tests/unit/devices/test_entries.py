"""Entries of the compilation cache that are damaged, and what is beside them."""

import hashlib
import os
import zlib

import filelock
import numpy as np
import pytest
from support import disks

from nst_jax.devices import entries

WHOLE = zlib.compress(np.random.default_rng(0).bytes(3000))
OTHER = zlib.compress(np.random.default_rng(1).bytes(3000))
"""Unpacks as well, and is no program of this key."""


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


DAMAGES = {
    "flipped": flipped,
    "cut": lambda content: content[:100],
    "empty": lambda _: b"",
    "other": lambda _: OTHER,
}
damaged = pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())


def named(key, kind):
    """As JAX names the entry of a program."""
    return f"{key}-{hashlib.sha256(key.encode()).hexdigest()}-{kind}"


def write(place, key="a", content=WHOLE, used=1):
    (place / named(key, "cache")).write_bytes(content)
    (place / named(key, "atime")).write_bytes(used.to_bytes(8, "little"))
    return place / named(key, "cache")


def kept(place):
    names = {path.name for path in place.iterdir() if path.name[0] != "."}
    keys = {name.split("-")[0] for name in names}
    # Each with its time of use and its sum, or nothing at all.
    kinds = ("cache", "atime", "sha256")
    assert names == {named(key, kind) for key in keys for kind in kinds}
    return keys


def test_what_is_whole_stays(tmp_path):
    entry = write(tmp_path)
    for _ in range(3):
        entries.drop_damaged(tmp_path)
        assert kept(tmp_path) == {"a"}
        assert entry.read_bytes() == WHOLE
    os.utime(entry, (1, 1))  # Copied, say.
    entries.drop_damaged(tmp_path)
    assert kept(tmp_path) == {"a"}


@damaged
def test_what_was_whole_and_is_no_more_goes(tmp_path, damage):
    write(tmp_path, "b")
    entry = write(tmp_path)
    entries.drop_damaged(tmp_path)
    status = entry.stat()
    entry.write_bytes(damage(WHOLE))
    # As a disk does that fails: its time is the one of before.
    os.utime(entry, ns=(status.st_atime_ns, status.st_mtime_ns))
    entries.drop_damaged(tmp_path)
    assert kept(tmp_path) == {"b"}
    write(tmp_path)  # Compiled anew.
    entries.drop_damaged(tmp_path)
    assert kept(tmp_path) == {"a", "b"}


def test_what_changed_goes_however_much_there_is(tmp_path):
    """Far more than is read each time, and used longest ago."""
    entry = write(tmp_path, used=1)
    with write(tmp_path, "b", used=2).open("wb") as file:
        file.write(WHOLE + bytes(2**26))  # What follows the stream is left out.
    entries.drop_damaged(tmp_path)
    entry.write_bytes(OTHER)
    entries.drop_damaged(tmp_path)
    assert kept(tmp_path) == {"b"}


@pytest.mark.parametrize("damage", [flipped, lambda c: c[:100], lambda _: b""])
def test_what_was_never_whole_goes(tmp_path, damage):
    """Cut by a kill or a full disk, before there was a sum."""
    write(tmp_path, content=damage(WHOLE))
    entries.drop_damaged(tmp_path)
    assert kept(tmp_path) == set()


def test_on_a_full_disk_what_is_damaged_goes_all_the_same(tmp_path):
    cut = write(tmp_path, content=WHOLE[:100])
    whole = write(tmp_path, "b")
    with disks.no_file_beyond(0):
        entries.drop_damaged(tmp_path)
    assert (cut.exists(), whole.exists()) == (False, True)
    entries.drop_damaged(tmp_path)
    assert kept(tmp_path) == {"b"}


@pytest.mark.parametrize("note", [b"", b"12", b"1 2 abc", b"\xff" * 90])
def test_a_damaged_sum_is_made_anew(tmp_path, note):
    entry = write(tmp_path)
    (tmp_path / named("a", "sha256")).write_bytes(note)
    entries.drop_damaged(tmp_path)
    assert kept(tmp_path) == {"a"}
    status = entry.stat()
    entry.write_bytes(OTHER)
    os.utime(entry, ns=(status.st_atime_ns, status.st_mtime_ns))
    entries.drop_damaged(tmp_path)
    assert kept(tmp_path) == set()


def test_what_is_left_of_entries_that_are_gone_goes_too(tmp_path):
    for kind in ("atime", "sha256"):
        (tmp_path / named("a", kind)).write_bytes(b"12345678")
    write(tmp_path, "b")
    entries.drop_damaged(tmp_path)
    assert kept(tmp_path) == {"b"}


def test_what_another_program_writes_is_left_alone(tmp_path):
    write(tmp_path, content=WHOLE[:100])
    with filelock.FileLock(tmp_path / ".lockfile"):
        entries.drop_damaged(tmp_path)
        assert (tmp_path / named("a", "cache")).read_bytes() == WHOLE[:100]
    entries.drop_damaged(tmp_path)
    assert kept(tmp_path) == set()


def test_a_folder_of_one_s_own_keeps_its_files(tmp_path):
    theirs = ("photos-cache", "a-atime", "b-sha256", f"{'0' * 63}-cache", "notes.txt")
    for name in theirs:
        (tmp_path / name).write_text("somebody's")
    (tmp_path / named("folder", "cache")).mkdir()
    entry = write(tmp_path, content=b"cut")
    entries.drop_damaged(tmp_path)
    assert not entry.exists()
    assert {(tmp_path / name).read_text() for name in theirs} == {"somebody's"}
