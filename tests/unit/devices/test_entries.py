"""Entries of the compilation cache that are damaged, and what is beside them."""

import os
import zlib

import filelock
import numpy as np
import pytest

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


def write(place, key="a", content=WHOLE, used=1):
    (place / f"{key}-cache").write_bytes(content)
    (place / f"{key}-atime").write_bytes(used.to_bytes(8, "little"))
    return place / f"{key}-cache"


def kept(place):
    names = {path.name for path in place.iterdir() if path.name[0] != "."}
    keys = {name.split("-")[0] for name in names}
    # Each with its time of use and its sum, or nothing at all.
    kinds = ("cache", "atime", "sha256")
    assert names == {f"{key}-{kind}" for key in keys for kind in kinds}
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


@pytest.mark.parametrize("note", [b"", b"12", b"1 2 abc", b"\xff" * 90])
def test_a_damaged_sum_is_made_anew(tmp_path, note):
    entry = write(tmp_path)
    (tmp_path / "a-sha256").write_bytes(note)
    entries.drop_damaged(tmp_path)
    assert kept(tmp_path) == {"a"}
    status = entry.stat()
    entry.write_bytes(OTHER)
    os.utime(entry, ns=(status.st_atime_ns, status.st_mtime_ns))
    entries.drop_damaged(tmp_path)
    assert kept(tmp_path) == set()


def test_what_is_left_of_entries_that_are_gone_goes_too(tmp_path):
    for name in ("a-atime", "a-sha256"):
        (tmp_path / name).write_bytes(b"12345678")
    write(tmp_path, "b")
    entries.drop_damaged(tmp_path)
    assert kept(tmp_path) == {"b"}


def test_what_another_program_writes_is_left_alone(tmp_path):
    write(tmp_path, content=WHOLE[:100])
    with filelock.FileLock(tmp_path / ".lockfile"):
        entries.drop_damaged(tmp_path)
        assert (tmp_path / "a-cache").read_bytes() == WHOLE[:100]
    entries.drop_damaged(tmp_path)
    assert kept(tmp_path) == set()
