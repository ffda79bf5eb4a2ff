"""Truncated files of every format: a WeightsError. Mutated: test_fuzz_weights.py."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from support import caffe_files, matconvnet_files
from support.weights_files import write_keras
from support.weights_tiny import ramp, stored_arrays

from weights_convert import formats
from weights_convert.errors import WeightsError

KINDS = [
    "keras",
    "tiny_zip.pth",
    "tiny_legacy.pth",
    "kinds_zip.pth",
    "kinds_legacy.pth",
    "palette_legacy.pth",
    "safetensors",
    "caffe",
    "matconvnet",
]


@pytest.fixture(params=KINDS)
def whole(request: pytest.FixtureRequest, tmp_path: Path, fixtures: Path) -> Path:
    """A good file of each kind."""
    path = tmp_path / "whole"
    kernel = ramp((3, 3, 3, 4)).astype(np.float32)
    if request.param == "keras":
        write_keras(path, {"block1_conv1": {"block1_conv1_W_1:0": kernel}})
    elif request.param == "caffe":
        path.write_bytes(caffe_files.v1({"conv1_1": (kernel,)}).SerializeToString())
    elif request.param == "matconvnet":
        matconvnet_files.write(path, {"conv1_1": (kernel, ramp((4,)))})
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
