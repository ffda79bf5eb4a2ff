"""Truncated and mutated files of every format: a value or a WeightsError, no more."""

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from weights_files import write_keras
from weights_tiny import ramp, stored_arrays

from weights_convert import formats
from weights_convert.errors import WeightsError

SEED = 2014
MUTATIONS = 600

KINDS = [
    "keras",
    "tiny_zip.pth",
    "tiny_legacy.pth",
    "kinds_zip.pth",
    "kinds_legacy.pth",
    "palette_legacy.pth",
    "safetensors",
]


@pytest.fixture(params=KINDS)
def whole(request: pytest.FixtureRequest, tmp_path: Path, fixtures: Path) -> Path:
    """A good file of each kind."""
    path = tmp_path / "whole"
    if request.param == "keras":
        kernel = ramp((3, 3, 3, 4)).astype(np.float32)
        write_keras(path, {"block1_conv1": {"block1_conv1_W_1:0": kernel}})
    elif request.param == "safetensors":
        safetensors.numpy.save_file(stored_arrays(), path, {"made": "here"})
    else:
        path.write_bytes((fixtures / request.param).read_bytes())
    return path


def _read(
    read: Callable[[Path], dict[str, np.ndarray]], path: Path, data: bytes
) -> bool:
    """Whether it could be read; every array is touched to its last value."""
    path.write_bytes(data)
    arrays: dict[str, np.ndarray] = {}
    refusal = ""
    try:
        arrays = read(path)
    except WeightsError as error:
        refusal = str(error)
    assert "\n" not in refusal
    assert not refusal or refusal.startswith(str(path))
    with np.errstate(all="ignore"):
        for array in arrays.values():
            array.sum()
    return not refusal


def test_truncated_anywhere(whole: Path, tmp_path: Path) -> None:
    read = formats.detect(whole).read
    data = whole.read_bytes()
    assert _read(read, tmp_path / "cut", data)
    for length in {*range(8, len(data), 97), len(data) - 1}:
        assert not _read(read, tmp_path / "cut", data[:length]), length


def test_mutated(whole: Path, tmp_path: Path) -> None:
    read = formats.detect(whole).read
    data = whole.read_bytes()
    generator = random.Random(SEED)
    refused = 0
    for _ in range(MUTATIONS):
        refused += not _read(read, tmp_path / "mutated", _mutate(data, generator))
    assert 0.2 * MUTATIONS < refused < MUTATIONS


def _mutate(data: bytes, generator: random.Random) -> bytes:
    """Some bytes changed, cut out, put in or cut off."""
    result = bytearray(data)
    for _ in range(generator.choice((1, 1, 2, 4, 8))):
        place, kind = generator.randrange(len(result)), generator.random()
        if kind < 0.7:
            flipped = result[place] ^ (1 << generator.randrange(8))
            byte = generator.randrange(256)
            result[place] = generator.choice((0, 255, byte, flipped))
        elif kind < 0.8:
            del result[place + 1 :]
        elif kind < 0.9:
            del result[place + 1 : place + generator.randrange(2, 16)]
        else:
            result[place:place] = generator.randbytes(generator.randrange(1, 9))
    return bytes(result)
