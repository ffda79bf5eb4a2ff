"""ONNX files, as far as weights and the order of things go, without `onnx`.

Field numbers: onnx/onnx.proto of ONNX 1.20 (IR 3 to 13). `onnx` itself weighs as much
as the rest of this project's dependencies for what is one walk over two messages; the
wire format is read by `protobuf_wire`, bounded as the other readers are.
"""

import dataclasses
import math
import mmap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from weights_convert.errors import WeightsError
from weights_convert.formats.limits import allowance
from weights_convert.formats.onnx_nodes import DTYPES, FREE, MAX_AXES, Node, folded
from weights_convert.formats.protobuf_wire import BYTES, Budget, Field, fields, varint

_IR_VERSION, _GRAPH = 1, 7  # ModelProto
_NODE, _INITIALIZER, _INPUT, _OUTPUT = 1, 5, 11, 12  # GraphProto
_DIMS, _TYPE, _FLOATS, _INT32S, _INT64S, _NAME, _RAW, _DOUBLES = 1, 2, 4, 5, 7, 8, 9, 10
_EXTERNAL, _LOCATION = 13, 14  # TensorProto
_A_NAME, _A_F, _A_I, _A_S, _A_T, _A_FLOATS, _A_INTS = 1, 2, 3, 4, 5, 7, 8

_MAX_FIELDS = 500_000  # Magenta's quantised graph has some 30,000
_MAX_PIECES = 1000  # Runs of floats of a tensor; writers make one.
_MAX_VARINTS = 1 << 20  # Whole numbers of a tensor; weights are stored raw.
_LATEST_IR = 32


@dataclasses.dataclass(frozen=True)
class Graph:
    """A network's operations, in the order of the file, and its constants.

    Attributes:
      nodes: those that compute something.
      constants: by name: initialisers, `Constant`s, and what `DequantizeLinear` and
        exporters' computations of shapes make of these.
      inputs: names that are fed.
      outputs: names that are asked for.
    """

    nodes: tuple[Node, ...]
    constants: Mapping[str, np.ndarray]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def matches(path: Path) -> bool:
    """Whether a file starts like a `ModelProto`: its IR version, then a known field."""
    with path.open("rb") as file:
        head = memoryview(file.read(64))
    try:
        tag, position = varint(head, 0)
        version, position = varint(head, position)
        following, _ = varint(head, position)
    except WeightsError:
        return False
    known = following >> 3 in (2, 3, 4, 5, 6, 7, 8, 14) and following & 7 in (0, BYTES)
    return tag == _IR_VERSION << 3 and 0 < version <= _LATEST_IR and known


def read_graph(path: Path) -> Graph:
    """Reads a file.

    Raises:
      WeightsError: damaged, without a graph, or with weights in other files.
    """
    with path.open("rb") as file:
        try:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            raise WeightsError(f"{path}: the file is empty; get it again") from None
    try:
        return _model(memoryview(mapped), allowance(path))
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from error
    except UnicodeDecodeError as error:
        raise WeightsError(f"{path}: damaged ({error}); get it again") from error
    except MemoryError:
        raise WeightsError(f"{path}: asks for more memory than there is") from None


def read(path: Path) -> dict[str, np.ndarray]:
    """The constants of a file, by their names in it.

    Raises:
      WeightsError: see `read_graph`; or there are none.
    """
    constants = dict(read_graph(path).constants)
    if not constants:
        raise WeightsError(f"{path}: an ONNX file without weights")
    return constants


def _model(data: memoryview, room: int) -> Graph:
    budget = Budget(_MAX_FIELDS)
    found = None
    for field in fields(data, budget):  # To the end, which may have been cut off.
        if field.number == _GRAPH:
            found = _graph(field.content(), budget, room)
    if found is not None:
        return found
    raise WeightsError("an ONNX file without a graph; get it again")


def _graph(data: memoryview, budget: Budget, room: int) -> Graph:
    nodes: list[Node] = []
    constants: dict[str, np.ndarray] = {}
    inputs, outputs = [], []
    for field in fields(data, budget):
        if field.number == _INITIALIZER:
            name, array = _tensor(field.content(), budget)
            constants[name] = array
        elif field.number == _NODE:
            nodes.append(_node(field.content(), budget))
        elif field.number == _INPUT:
            inputs.append(_name(field.content(), budget))
        elif field.number == _OUTPUT:
            outputs.append(_name(field.content(), budget))
    computing = []
    for node in nodes:
        found = folded(node, constants)
        if found is None:
            computing.append(node)
            continue
        room -= 0 if node.op in FREE else found.nbytes
        if room < 0:
            raise WeightsError("computes more constants than any network; hostile")
        constants.update(dict.fromkeys(node.outputs, found))
    fed = tuple(name for name in inputs if name not in constants)
    return Graph(tuple(computing), constants, fed, tuple(outputs))


def _node(data: memoryview, budget: Budget) -> Node:
    inputs, outputs, op = [], [], ""
    attributes: dict[str, Any] = {}
    for field in fields(data, budget):
        if field.number == 1:
            inputs.append(_text(field))
        elif field.number == 2:
            outputs.append(_text(field))
        elif field.number == 4:
            op = _text(field)
        elif field.number == 5:
            name, value = _attribute(field.content(), budget)
            attributes[name] = value
    return Node(op, tuple(inputs), tuple(outputs), attributes)


def _attribute(data: memoryview, budget: Budget) -> tuple[str, Any]:
    name, value = "", cast(Any, None)
    many: list[int] = []
    for field in fields(data, budget):
        if field.number == _A_NAME:
            name = _text(field)
        elif field.number in (_A_F, _A_FLOATS):
            found = field.numbers("<f4")
            value = float(found[0]) if field.number == _A_F and found.size else found
        elif field.number == _A_I:
            value = _signed(field.integer())
        elif field.number == _A_S:
            value = bytes(field.content()).decode("utf-8", "replace")
        elif field.number == _A_T:
            value = _tensor(field.content(), budget)[1]
        elif field.number == _A_INTS:
            many += _integers(field)
    return name, many or value


def _tensor(data: memoryview, budget: Budget) -> tuple[str, np.ndarray]:
    name, shape, kind = "", cast(list[int], []), 0
    parts: list[np.ndarray] = []
    whole: list[int] = []
    for field in fields(data, budget):
        if field.number == _DIMS:
            shape += _integers(field)
        elif field.number == _TYPE:
            kind = field.integer()
        elif field.number == _NAME:
            name = _text(field)
        elif field.number == _RAW:
            parts = [np.frombuffer(field.content(), np.uint8)]
        elif field.number in (_FLOATS, _DOUBLES):
            parts.append(field.numbers("<f4" if field.number == _FLOATS else "<f8"))
        elif field.number in (_INT32S, _INT64S):
            whole += _integers(field)
        elif field.number == _EXTERNAL or (
            field.number == _LOCATION and field.integer() == 1
        ):
            raise WeightsError(
                "keeps its weights in another file beside it; save it as one file"
            )
        short = len(whole) <= _MAX_VARINTS and len(parts) <= _MAX_PIECES
        if not short or len(shape) > MAX_AXES:
            raise WeightsError("has more numbers in pieces than any network")
    found = parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else None
    return name, _shaped(name, shape, kind, found, whole)


def _shaped(
    name: str,
    shape: list[int],
    kind: int,
    found: np.ndarray | None,
    whole: list[int],
) -> np.ndarray:
    if kind not in DTYPES:
        raise WeightsError(f"{name!r:.80} has numbers of type {kind}, not known here")
    dtype = np.dtype(DTYPES[kind])
    if found is None and kind == 10:  # Halves are kept as the bits of integers.
        found = np.array(whole, np.int64).astype("<u2").view("<f2")
    elif found is None:
        found = np.array(whole, np.int64).astype(dtype)
    elif found.dtype == np.uint8:
        if found.size % dtype.itemsize:
            raise WeightsError(f"damaged: {name!r:.80} ends within a number")
        found = found.view(dtype)
    good = all(0 <= side < 1 << 31 for side in shape)
    if not good or math.prod(shape) != found.size:
        raise WeightsError(
            f"damaged: {name!r:.80} has {found.size} numbers for the shape {shape}"
        )
    return found.reshape(shape)


def _integers(field: Field) -> list[int]:
    return (
        list(_varints(field.content()))
        if field.kind == BYTES
        else [_signed(field.integer())]
    )


def _varints(data: memoryview) -> Iterator[int]:
    if len(data) > _MAX_VARINTS:
        raise WeightsError("has more numbers in pieces than any network")
    position = 0
    while position < len(data):
        value, position = varint(data, position)
        yield _signed(value)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _name(data: memoryview, budget: Budget) -> str:
    names = [_text(field) for field in fields(data, budget) if field.number == 1]
    return names[0] if names else ""


def _text(field: Field) -> str:
    return bytes(field.content()).decode()
