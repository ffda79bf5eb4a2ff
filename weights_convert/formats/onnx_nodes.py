"""Nodes of ONNX graphs, and the constants that some of them make of constants.

Operators: onnx/defs of opset 8 to 20, as far as exporters wrap weights and the widths
of paddings in them.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from weights_convert.errors import WeightsError

# TensorProto.DataType, little-endian.
DTYPES = {
    **{1: "<f4", 2: "u1", 3: "i1", 4: "<u2", 5: "<i2", 6: "<i4", 7: "<i8"},
    **{9: "?", 10: "<f2", 11: "<f8"},
}
MAX_AXES = 8
_MAX_SHAPE = 64  # Numbers of what exporters compute paddings with.


@dataclasses.dataclass(frozen=True)
class Node:
    """One operation: its inputs and outputs by name, its attributes by name."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    def integers(self, name: str, default: Sequence[int] = ()) -> list[int]:
        """An attribute that is a list of whole numbers.

        Raises:
          WeightsError: it is something else.
        """
        found = self.attributes.get(name, list(default))
        if not isinstance(found, list):
            raise WeightsError(f"damaged: {self.op} has no whole numbers in {name!r}")
        return found

    def number(self, name: str, default: float) -> float:
        """An attribute that is a number.

        Raises:
          WeightsError: it is something else.
        """
        found = self.attributes.get(name, default)
        if not isinstance(found, int | float):
            raise WeightsError(f"damaged: {self.op} has no number in {name!r}")
        return found


def folded(node: Node, constants: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """The constant that a node makes of constants alone, or None.

    Raises:
      WeightsError: scales and zeros that don't fit what they are of.
    """
    if node.op == "Constant":
        return _constant(node)
    if not node.inputs or not all(name in constants for name in node.inputs if name):
        return None
    given = [constants[name] for name in node.inputs if name]
    if node.op == "DequantizeLinear" and len(given) in (2, 3):
        axis = node.attributes.get("axis", 1)
        return _dequantized(*given, axis=axis if isinstance(axis, int) else 1)
    if node.op == "Identity":
        return given[0]
    short = all(one.size <= _MAX_SHAPE and one.dtype.kind == "i" for one in given)
    if node.op not in _SHAPES or not short:
        return None
    try:
        found = _SHAPES[node.op](node, *given)
    except (IndexError, KeyError, TypeError, ValueError, MemoryError):
        return None  # Whoever needs it will say that it is no constant.
    return found if found.size <= _MAX_SHAPE else None


def _constant(node: Node) -> np.ndarray | None:
    for name in ("value", "value_float", "value_int", "value_floats", "value_ints"):
        if (value := node.attributes.get(name)) is not None:
            kind = np.int64 if "int" in name else np.float32
            return value if isinstance(value, np.ndarray) else np.asarray(value, kind)
    return None


def _filled(node: Node, shape: np.ndarray) -> np.ndarray:
    if shape.size > MAX_AXES or shape.prod(dtype=object) > _MAX_SHAPE:
        raise ValueError
    value = node.attributes.get("value", np.zeros(1, np.float32))
    return np.full(shape, value[0])


def _sliced(_: Node, values: np.ndarray, *bounds: np.ndarray) -> np.ndarray:
    """Opset 10 and later: starts, ends, axes and steps are inputs."""
    starts, ends, axes, steps = bounds
    places = [slice(None)] * values.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        beyond = step < 0 and end < -len(values)
        places[axis] = slice(int(start), None if beyond else int(end), int(step))
    return values[tuple(places)]


# What torch's exporter computes the widths of a padding with.
_SHAPES: Mapping[str, Callable[..., np.ndarray]] = {
    "Cast": lambda node, values: values.astype(DTYPES[node.attributes["to"]]),
    "Concat": lambda node, *given: np.concatenate(given, node.attributes["axis"]),
    "ConstantOfShape": _filled,
    "Reshape": lambda _, values, shape: values.reshape(shape),
    "Slice": _sliced,
    "Transpose": lambda node, values: values.transpose(node.attributes["perm"]),
}
FREE = ("Constant", "Identity")  # They make nothing that wasn't in the file.


def _dequantized(
    values: np.ndarray,
    scale: np.ndarray,
    zero: np.ndarray | None = None,
    *,
    axis: int,
) -> np.ndarray:
    """`(values - zero) * scale`, both a number or one for each place along `axis`."""
    steps = values.astype(np.float32)
    shape = [1] * values.ndim
    if scale.size > 1:
        if not -values.ndim <= axis < values.ndim or values.shape[axis] != scale.size:
            raise WeightsError(
                f"damaged: {scale.size} scales for axis {axis} of {values.shape}"
            )
        shape[axis] = scale.size
    if zero is not None:
        if zero.size != scale.size:
            raise WeightsError(f"damaged: {zero.size} zeros for {scale.size} scales")
        steps -= zero.astype(np.float32).reshape(shape)
    return steps * scale.astype(np.float32).reshape(shape)
