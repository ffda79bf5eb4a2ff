"""ONNX's messages: every kind of number, and what a hostile file may claim."""

import struct
from pathlib import Path

import numpy as np
import pytest
from support.onnx_files import field, model, node, tensor, varint

from weights_convert import formats
from weights_convert.errors import WeightsError
from weights_convert.formats import onnx_graph


def _file(path: Path, graph: bytes) -> Path:
    path.write_bytes(field(1, 8) + field(7, graph))
    return path


def _initialiser(path: Path, content: bytes) -> Path:
    return _file(path, field(5, content))


def _floats(*values: float) -> bytes:
    return b"".join(varint(4 << 3 | 5) + struct.pack("<f", value) for value in values)


_NAMED, _ONE = field(8, "w"), np.ones(1, np.float32)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (field(2, 1) + _floats(1, 2.5), np.float32([1, 2.5])),
        (field(2, 1) + field(4, struct.pack("<2f", 1, 2)), np.float32([1, 2])),
        (field(2, 11) + field(10, struct.pack("<2d", 1, 2)), np.float64([1, 2])),
        (field(2, 7) + field(7, 3) + field(7, -4), np.int64([3, -4])),
        (field(2, 7) + field(7, varint(3) + varint(-4)), np.int64([3, -4])),
        (field(2, 3) + field(5, 3) + field(5, -4), np.int8([3, -4])),
        (field(2, 10) + field(5, 0x3C00) + field(5, 0xC000), np.float16([1, -2])),
        (field(2, 3) + field(9, b"\x03\xfc"), np.int8([3, -4])),
    ],
)
def test_every_way_to_hold_numbers(
    tmp_path: Path, content: bytes, expected: np.ndarray
) -> None:
    path = _initialiser(tmp_path / "one", field(1, 2) + content + _NAMED)
    found = onnx_graph.read(path)["w"]
    np.testing.assert_array_equal(found, expected, strict=True)


def test_shapes_and_constants_of_every_attribute(tmp_path: Path) -> None:
    nodes = [
        node("Constant", [], "value", value=np.float32([[1, 2]])),
        node("Constant", [], "value_float", value_float=2.5),
        node("Constant", [], "value_int", value_int=-3),
        node("Constant", [], "value_ints", value_ints=[1, -2]),
        node("Constant", [], "value_floats", value_floats=[0.5, 2.0]),
        node("Constant", [], "text", value_string="x"),
    ]
    path = tmp_path / "one"
    path.write_bytes(model(nodes, {"cube": np.ones((2, 1, 3), np.float32)}))
    graph = onnx_graph.read_graph(path)
    assert graph.inputs == ("image",)
    assert graph.outputs == ("painted",)
    assert [one.outputs for one in graph.nodes] == [("text",)]
    found = {name: array.tolist() for name, array in graph.constants.items()}
    assert found == {
        **{"value": [[1, 2]], "value_float": 2.5, "value_int": -3},
        **{"value_ints": [1, -2], "value_floats": [0.5, 2.0]},
        "cube": [[[1, 1, 1]], [[1, 1, 1]]],
    }


def _refusal(path: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        onnx_graph.read(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    return line


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (field(2, 1) + field(13, "data.bin"), "keeps its weights in another file"),
        (field(2, 1) + field(14, 1), "keeps its weights in another file beside it"),
        (field(2, 16) + field(9, b"ab"), "has numbers of type 16, not known here"),
        (field(2, 1) + field(9, b"abcde"), "ends within a number"),
        (field(2, 1) + field(9, b"abcdefgh"), "has 2 numbers for the shape [3]"),
        (field(2, 7) + field(7, varint(0) * (1 << 21)), "more numbers in pieces"),
        (field(1, 1) * 20, "more numbers in pieces"),
        (field(1, -3) + field(2, 1), "for the shape [3, -3]"),
        (field(1, 1 << 40) * 3 + field(2, 1), "for the shape [3, 1099511627776"),
        (field(2, "x"), "field 2 is a message, expected a number"),
        (field(8, b"\xff\xfe") + field(2, 1), "damaged"),
    ],
)
def test_tensors_that_arent_any(tmp_path: Path, content: bytes, why: str) -> None:
    assert why in _refusal(
        _initialiser(tmp_path / "one", field(1, 3) + content + _NAMED)
    )


def test_files_without_a_graph_or_weights(tmp_path: Path) -> None:
    (path := tmp_path / "one").write_bytes(field(1, 8) + field(2, "torch"))
    assert formats.detect(path).name == "onnx"
    assert "an ONNX file without a graph" in _refusal(path)
    assert "an ONNX file without weights" in _refusal(_file(path, field(2, "x")))
    path.write_bytes(b"")
    assert "the file is empty" in _refusal(path)


def test_what_is_read_is_bounded(tmp_path: Path) -> None:
    """Files of a megabyte or less that would take hours, or all memory."""
    steps = field(5, tensor("q", np.zeros(1 << 18, np.int8)))
    steps += field(5, tensor("s", np.float32(1)))
    many = b"".join(
        field(1, node("DequantizeLinear", ["q", "s"], f"v{n}")) for n in range(5000)
    )
    pieces = field(2, 1) + (_floats(1) + field(8, "w")) * 2000
    for name, graph, why in (
        ("folded", steps + many, "more constants than any network"),
        ("pieces", field(5, pieces), "more numbers in pieces than any"),
        ("fields", field(2, "") * 500_000, "more fields than any network"),
    ):
        assert why in _refusal(_file(tmp_path / name, graph)), name


def test_what_isnt_known_is_not_gone_into(tmp_path: Path) -> None:
    nested = b""
    for _ in range(2000):
        nested = field(6, nested)
    attribute = field(5, field(1, "body") + nested)
    path = _file(tmp_path / "one", field(1, attribute) + field(5, tensor("w", _ONE)))
    np.testing.assert_array_equal(onnx_graph.read(path)["w"], _ONE)


def test_scales_that_dont_fit(tmp_path: Path) -> None:
    given = {"q": np.zeros((2, 3), np.int8), "s": np.ones(4, np.float32)}
    given["z"] = np.zeros(2, np.int8)
    two = np.ones(2, np.float32)
    for change, axis, why in (
        ({}, 0, "4 scales for axis 0 of (2, 3)"),
        ({"s": two}, 1, "2 scales for axis 1 of (2, 3)"),
        ({"s": two}, 9, "2 scales for axis 9 of (2, 3)"),
        ({"s": two, "z": np.zeros(3, np.int8)}, 0, "3 zeros for 2 scales"),
    ):
        one = node("DequantizeLinear", ["q", "s", "z"], "w", axis=axis)
        (path := tmp_path / "one").write_bytes(model([one], {**given, **change}))
        assert why in _refusal(path)
