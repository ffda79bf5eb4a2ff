"""Stored weights are hashed once, and again whenever they may have changed."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from support.weights_tiny import TINY, stored_arrays

from weights_convert import store, verified
from weights_convert.errors import DamagedError, WeightsError


@pytest.fixture
def path(home: Path) -> Path:
    """Stored weights, not so new that a change might not show, and recorded."""
    path = store.save(TINY, stored_arrays(), {"source": "a test"})
    os.utime(path, (1e9, 1e9))
    store.load(TINY)
    assert verified.recall(path) == store.tensors_digest(stored_arrays())
    return path


def _flip(path: Path, place: int, bit: int = 0) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1 << bit
    path.write_bytes(data)


@pytest.mark.parametrize("place", [-1, -2, -600, -1100])
@pytest.mark.parametrize("bit", [0, 7])
def test_a_flipped_bit_is_found_on_loading(path: Path, place: int, bit: int) -> None:
    _flip(path, place, bit)
    for look in (store.load, store.stored_digest, store.verify):
        with pytest.raises(DamagedError, match=r"wrong hash.*`nst-weights fetch tiny "):
            look(TINY)
    _flip(path, place, bit)
    store.load(TINY)


def test_even_with_its_old_time(path: Path) -> None:
    _flip(path, -1)
    os.utime(path, (1e9, 1e9))
    with pytest.raises(DamagedError, match="wrong hash"):
        store.load(TINY)


def test_a_header_that_lies_does_not_count(path: Path) -> None:
    arrays = {
        key: np.ascontiguousarray(value) for key, value in stored_arrays().items()
    }
    safetensors.numpy.save_file(arrays, path, {"tensors_sha256": "0" * 64})
    with pytest.raises(DamagedError, match=f"wrong hash: expected sha256 {'0' * 64}"):
        store.stored_digest(TINY)
    with pytest.raises(DamagedError, match="wrong hash"):
        store.load(TINY)


def _damages(record: Path) -> Iterator[bytes]:
    content = record.read_bytes()
    for place in range(0, len(content), 29):
        yield content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
    yield content[:-10]
    yield content * 100
    yield b""
    yield b"\xff" * 200


def test_a_damaged_record_does_no_harm(path: Path) -> None:
    record = path.with_suffix(".verified")
    digest = store.stored_digest(TINY)
    for damaged in list(_damages(record)):
        record.write_bytes(damaged)
        assert verified.recall(path) is None
        assert store.stored_digest(TINY) == digest
    record.unlink()
    os.mkfifo(record)  # not waited for
    assert store.stored_digest(TINY) == digest


def test_a_folder_that_cannot_be_written_is_only_read(path: Path) -> None:
    record = path.with_suffix(".verified")
    record.unlink()
    record.mkdir()
    (record / "more").touch()  # The record can't be put there, by root neither.
    assert store.stored_digest(TINY) == store.tensors_digest(stored_arrays())
    _flip(path, -1)
    with pytest.raises(DamagedError):
        store.load(TINY)


def test_weights_that_did_not_change_are_not_read_again(path: Path) -> None:
    digest = store.stored_digest(TINY)
    path.write_bytes(b"no weights")
    os.utime(path, (1e9, 1e9))
    verified.record(path, verified.stamp(path), digest)
    assert store.stored_digest(TINY) == digest
    with pytest.raises(WeightsError, match="truncated or damaged"):
        store.load(TINY)


def test_what_has_just_changed_is_not_recorded(path: Path) -> None:
    os.utime(path)
    verified.record(path, verified.stamp(path), "0" * 64)
    assert verified.recall(path) is None
    os.utime(path, (1e9, 1e9))
    verified.record(path, "another stamp", "0" * 64)
    assert verified.recall(path) is None
