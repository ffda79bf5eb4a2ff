"""Pickled NumPy arrays that are damaged or hostile; good ones: tests/contracts."""

import pickle
import pickletools
from pathlib import Path

import numpy as np
import pytest
from support.weights_samples import numpy_pickle

from weights_convert.errors import WeightsError
from weights_convert.formats import numpy_pickle as reader


def _refusal(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        reader.read(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    return line.removeprefix(f"{path}: ")


class _Calls:
    def __init__(self, name: object, *arguments: object) -> None:
        self._call = name, arguments

    def __reduce__(self) -> object:
        return self._call


def test_other_names_are_refused_and_not_run(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    for name in (open, np.load, np.memmap):
        held = {"Conv_0": {"kernel": _Calls(name, str(canary), "w")}}
        said = _refusal(tmp_path / "a", pickle.dumps(held, protocol=3))
        assert f"{name.__name__}', which is neither array, dict nor number" in said
        assert "save the arrays as .npz or safetensors" in said
    assert not canary.exists()
    # The plain unpickler runs it, so the test above can fail.
    pickle.loads(pickle.dumps(_Calls(open, str(canary), "w"), protocol=3)).close()
    assert canary.exists()


@pytest.mark.parametrize(
    ("held", "why"),
    [
        ({"a": [1, 2]}, "holds no arrays by names"),
        ({"a": np.zeros(3, "O")}, "an array of 'O8', not of numbers"),
        ({"a": np.zeros(2, [("x", "f4"), ("y", "i4")])}, "not of numbers"),
        ({"a": np.zeros(2, "c8")}, "an array of 'c8', not of numbers"),
        ({"a": np.array(["text"])}, "an array of 'U4', not of numbers"),
        ({"a": np.zeros(2, "M8[s]")}, "an array of 'M8', not of numbers"),
    ],
)
def test_what_isnt_numbers(tmp_path: Path, held: object, why: str) -> None:
    assert why in _refusal(tmp_path / "a", pickle.dumps(held, protocol=3))


def test_numbers_that_dont_fit(tmp_path: Path) -> None:
    content = numpy_pickle({"a": np.zeros((3, 5), np.float32)})
    shape = b"K\x03K\x05"
    assert shape in content
    for other in (b"K\x03K\x06", b"K\x00K\x05", b"K\x03J\xff\xff\xff\xff"):
        said = _refusal(tmp_path / "a", content.replace(shape, other))
        assert "60 bytes for an array of f4" in said or "an array of shape" in said
    said = _refusal(tmp_path / "a", content.replace(b"f4", b"f9"))
    assert "an array of 'f9'" in said


def test_many_arrays_of_the_same_bytes(tmp_path: Path) -> None:
    data = bytes(100_000)
    content = b"\x80\x03}q\x00(" + pickle.dumps(data, protocol=3)[2:-1] + b"q\x010"
    kind = pickletools.optimize(pickle.dumps(np.dtype("f4"), protocol=3))[2:-1]
    built = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n"
    built += b"K\x00\x85C\x01b\x87R"
    for number in range(30):
        name = f"{number:02}".encode()
        state = b"(K\x01J" + (25_000).to_bytes(4, "little") + b"\x85" + kind
        content += b"X\x02\x00\x00\x00" + name + built + state + b"\x89h\x01tb"
    assert "declares 3000000 bytes" in _refusal(tmp_path / "a", content + b"u.")


def test_dicts_without_an_end(tmp_path: Path) -> None:
    deep: dict[str, object] = {"a": np.zeros(2)}
    for _ in range(40):
        deep = {"inner": deep}
    assert "too deep" in _refusal(tmp_path / "a", numpy_pickle(deep))
    endless: dict[str, object] = {"a": np.arange(3.0)}
    endless["self"] = endless
    (tmp_path / "a").write_bytes(numpy_pickle(endless))
    found = reader.read(tmp_path / "a")
    np.testing.assert_array_equal(found["a"], np.arange(3.0))
    assert list(found) == ["a"]


def test_an_array_cant_be_altered_after_its_check(tmp_path: Path) -> None:
    content = numpy_pickle({"a": np.arange(4, dtype=np.float32)})
    state = pickle.dumps((1, (9,), None, False, b""), protocol=3)[2:-1]
    at = content.rindex(b"b")
    said = _refusal(tmp_path / "a", content[: at + 1] + state + content[at:])
    assert "an array of None, not of numbers" in said
