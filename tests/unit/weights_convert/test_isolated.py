"""The process that reads what C libraries parse: its limits, and its ends."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from support.weights_files import write_keras
from support.weights_tiny import ramp, stored_arrays

from weights_convert import isolated
from weights_convert.errors import WeightsError
from weights_convert.formats import keras_hdf5

KERNEL = ramp((3, 3, 3, 4)).astype(np.float32)


def _header(dtype: str, shape: list) -> bytes:
    return json.dumps({"key": "w", "dtype": dtype, "shape": shape}).encode() + b"\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "w.h5"
    layer = {"kernel": KERNEL, "bias": ramp((4,)), "scalar": np.float16(2.5)}
    write_keras(path, {"block1_conv1": layer})
    return path


def test_arrays_come_back_as_they_are_read(path: Path) -> None:
    found, arrays = isolated.read_file(path)
    assert found.name == "keras"
    expected = keras_hdf5.read(path)
    assert arrays.keys() == expected.keys()
    for key, array in expected.items():
        np.testing.assert_array_equal(arrays[key], array)
        assert (arrays[key].dtype, arrays[key].shape) == (array.dtype, array.shape)


def test_errors_come_back_too(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WeightsError, match=rf"^{path}: truncated or damaged Keras"):
        isolated.read_file(path)


def test_formats_of_memory_safe_readers_stay_here(path: Path) -> None:
    # A process of its own has no time for anything.
    with pytest.raises(WeightsError, match="reading it took over 0 s"):
        isolated.read_file(path, seconds=0)
    safetensors.numpy.save_file(stored_arrays(), path)
    arrays = isolated.read_file(path, seconds=0)[1]
    assert arrays.keys() == stored_arrays().keys()


@pytest.mark.parametrize(
    ("library", "line"),
    [
        ("import os; os.abort()", "reading it ended in SIGABRT; damaged or hostile"),
        ("import os; os._exit(7)", "reading it failed with status 7"),
        ("while True: pass", "reading it took over 1 s; damaged or hostile, get it"),
        ("content = bytes(1 << 31)", "asks for more memory than there is"),
        ("import os; os.write(1, b'noise'); os.abort()", "reading it ended in SIGABRT"),
        ("raise SystemError('twice\\nover')", r"damaged \(twice over\); get it again"),
    ],
)
def test_whatever_the_library_does_is_one_line(
    path: Path, monkeypatch: pytest.MonkeyPatch, library: str, line: str
) -> None:
    # The child imports this in the place of h5py.
    folder = path.parent / "libraries"
    folder.mkdir()
    (folder / "h5py.py").write_text(f"{library}\n")
    monkeypatch.syspath_prepend(folder)
    start = time.perf_counter()
    with pytest.raises(WeightsError, match=line) as caught:
        isolated.read_file(path, seconds=1 if "while" in library else None)
    assert time.perf_counter() - start < 30
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (b"noise\n", "reading it gave nonsense"),
        (b"[]\n", "reading it gave nonsense"),
        (b"{}\n", "reading it gave nonsense"),
        (_header("|O", [1]) + bytes(8), "reading it gave nonsense"),
        (_header("<f4", [-1, -1]) + bytes(4), "reading it gave nonsense"),
        (_header("<f4", ["1"]) + bytes(4), "reading it gave nonsense"),
        (_header("<f4", [1 << 40]), "holds more than any network; damaged or hostile"),
        (_header("<f4", [0]) * 10_000, "holds more than any network"),
    ],
)
def test_what_comes_back_is_checked(
    path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes, line: str
) -> None:
    # A library that has been taken over, and speaks for the child.
    folder = path.parent / "libraries"
    folder.mkdir()
    (folder / "answer").write_bytes(answer)
    (folder / "h5py.py").write_text(
        "import os, pathlib\n"
        "answer = pathlib.Path(__file__).with_name('answer').read_bytes()\n"
        "for n in range(3, 9):\n"
        "    try:\n"
        "        with open(n, 'wb', closefd=False) as file: file.write(answer)\n"
        "    except OSError: pass\n"
        "os._exit(0)\n"
    )
    monkeypatch.syspath_prepend(folder)
    with pytest.raises(WeightsError, match=rf"^{path}: {line}"):
        isolated.read_file(path)


def test_nothing_is_imported_from_the_current_folder(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path.parent / "numpy.py").write_text("raise SystemExit\n")
    monkeypatch.chdir(path.parent)
    assert isolated.read_file(path)[0].name == "keras"
