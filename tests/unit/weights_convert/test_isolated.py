"""The process that reads what C libraries parse: its limits, and its ends."""

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


def test_formats_of_memory_safe_readers_stay_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolated, "subprocess", None)
    path = tmp_path / "w.safetensors"
    safetensors.numpy.save_file(stored_arrays(), path)
    assert isolated.read_file(path)[1].keys() == stored_arrays().keys()


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
    "answer",
    [
        b"noise\n",
        b"[]\n",
        b"{}\n",
        b'{"key": "w", "dtype": "|O", "shape": [1]}\n' + bytes(8),
        b'{"key": "w", "dtype": "<f4", "shape": [-1, -1]}\n' + bytes(4),
        b'{"key": "w", "dtype": "<f4", "shape": ["1"]}\n' + bytes(4),
    ],
)
def test_what_comes_back_is_checked(
    path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    # A library that has been taken over, and speaks for the child.
    folder = path.parent / "libraries"
    folder.mkdir()
    (folder / "h5py.py").write_text(
        f"import os\nfor n in range(3, 9):\n    try: os.write(n, {answer!r})\n"
        "    except OSError: pass\nos._exit(0)\n"
    )
    monkeypatch.syspath_prepend(folder)
    with pytest.raises(WeightsError, match=rf"^{path}: reading it gave nonsense"):
        isolated.read_file(path)


def test_more_than_the_file_can_hold_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolated, "allowance", lambda path: 400)
    with pytest.raises(WeightsError, match="holds more than any network"):
        isolated.read_file(path)


def test_nothing_is_imported_from_the_current_folder(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path.parent / "numpy.py").write_text("raise SystemExit\n")
    monkeypatch.chdir(path.parent)
    assert isolated.read_file(path)[0].name == "keras"
