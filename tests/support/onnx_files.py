"""ONNX files written by hand: graphs of image transformation networks, and parts.

Field numbers: onnx/onnx.proto. Nodes are `node(op, inputs, output, **attributes)`; a
`Graph` gathers them with the initialisers that they name.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7, "float16": 10}


def varint(value: int) -> bytes:
    value %= 1 << 64
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: int | bytes | str) -> bytes:
    """A whole number, or what has a length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(content)) + content


def tensor(name: str, array: Any) -> bytes:
    array = np.asarray(array)
    dims = b"".join(field(1, side) for side in array.shape)
    kind = field(2, _TYPES[array.dtype.name])
    return dims + kind + field(8, name) + field(9, array.tobytes())


def attribute(name: str, value: Any) -> bytes:
    if isinstance(value, float):
        content = varint(2 << 3 | 5) + struct.pack("<f", value) + field(20, 1)
    elif isinstance(value, int):
        content = field(3, value) + field(20, 2)
    elif isinstance(value, str):
        content = field(4, value) + field(20, 3)
    elif isinstance(value, np.ndarray):
        content = field(5, tensor("", value)) + field(20, 4)
    elif all(isinstance(one, int) for one in value):
        content = b"".join(field(8, one) for one in value) + field(20, 7)
    else:
        packed = struct.pack(f"<{len(value)}f", *value)
        content = field(7, packed) + field(20, 6)
    return field(1, name) + content


def node(op: str, inputs: Sequence[str], output: str, **attributes: Any) -> bytes:
    parts = [field(1, name) for name in inputs] + [field(2, output), field(4, op)]
    parts += [field(5, attribute(name, value)) for name, value in attributes.items()]
    return b"".join(parts)


def _value(name: str, axes: int) -> bytes:
    """An input or output, float32, of as many axes of any size."""
    dims = b"".join(field(1, field(2, f"{name}{axis}")) for axis in range(axes))
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, dims)))


def model(
    nodes: Sequence[bytes],
    constants: Mapping[str, Any],
    inputs: Sequence[str] = ("image",),
    output: str = "painted",
) -> bytes:
    """A file: `ModelProto`."""
    graph = b"".join(field(1, one) for one in nodes) + field(2, "made by hand")
    graph += b"".join(field(5, tensor(n, array)) for n, array in constants.items())
    graph += b"".join(field(11, _value(n, 4 if n == "image" else 1)) for n in inputs)
    graph += field(12, _value(output, 4))
    opset = field(8, field(1, "") + field(2, 13))
    return field(1, 8) + field(2, "a test") + field(7, graph) + opset


class Painter:
    """The graph of an image transformation network, layer by layer.

    Args:
      arrays: `{layer/kernel, layer/bias, layer/scale, layer/offset}`, kernels HWIO;
        scales of two axes are those of many styles.
      norm: "node", an `InstanceNormalization`; "sums", as old exports to the browser
        have it; "pow", as torch's exporter has one written out.
      enlarge: "resize", "upsample", "computed" (scales from the size), or "concat".
      pads: "attribute", "input", or "computed".
    """

    def __init__(
        self,
        arrays: Mapping[str, np.ndarray],
        *,
        norm: str = "node",
        enlarge: str = "resize",
        pads: str = "attribute",
        epsilon: float = 1e-5,
    ):
        self.arrays, self.epsilon = arrays, epsilon
        self.norm, self.enlarge, self.pads = norm, enlarge, pads
        self.nodes: list[bytes] = []
        self.constants: dict[str, Any] = {}
        self.inputs = ["image"]
        self._count = 0

    def file(self, *, blocks: int = 1, output: str = "") -> bytes:
        """The network with so many residual blocks; its output by this operation."""
        name = self.layer("contract1", "image")
        name = self.layer("contract2", name, stride=2)
        name = self.layer("contract3", name, stride=2)
        for number in range(1, blocks + 1):
            inner = self.layer(f"residual{number}_1", name)
            inner = self.layer(f"residual{number}_2", inner, relu=False)
            name = self.add("Add", [inner, name])
        for number in (1, 2):
            name = self.layer(f"expand{number}", name, enlarge=True)
        name = self.layer("last", name, relu=False)
        if output == "tanh":
            name = self.add("Mul", [self.add("Tanh", [name]), self.put(150.0)])
            name = self.add("Add", [name, self.put(127.5)])
        elif output:
            name = self.add(output, [name])
        return model(self.nodes, self.constants, self.inputs, name)

    def add(self, op: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Puts in a node; the name of its output."""
        self._count += 1
        self.nodes.append(node(op, inputs, f"v{self._count}", **attributes))
        return f"v{self._count}"

    def put(self, value: Any, name: str = "") -> str:
        """Puts in a constant; its name."""
        self._count += 1
        name = name or f"c{self._count}"
        array = np.asarray(value)
        kind = np.float32 if array.dtype.kind == "f" else np.int64
        self.constants[name] = array.astype(kind)
        return name

    def layer(
        self,
        layer: str,
        name: str,
        *,
        stride: int = 1,
        relu: bool = True,
        enlarge: bool = False,
    ) -> str:
        kernel = self.arrays[f"{layer}/kernel"]
        if enlarge:
            name = self._enlarged(name, kernel.shape[2])
        inputs = [self._padded(name, kernel.shape[0] // 2)]
        inputs.append(self.put(kernel.transpose(3, 2, 0, 1)))
        if f"{layer}/bias" in self.arrays:
            inputs.append(self.put(self.arrays[f"{layer}/bias"]))
        name = self.add("Conv", inputs, strides=[stride] * 2, pads=[0] * 4, group=1)
        if f"{layer}/scale" in self.arrays:
            name = self._normalized(layer, name)
        return self.add("Relu", [name]) if relu else name

    def _padded(self, name: str, pixels: int) -> str:
        widths = [0, 0, pixels, pixels] * 2
        if self.pads == "attribute":
            return self.add("Pad", [name], mode="reflect", pads=widths)
        if self.pads == "input":
            return self.add("Pad", [name, self.put(widths)], mode="reflect")
        zeros = self.add("ConstantOfShape", [self.put([4])], value=np.zeros(1, int))
        both = self.add("Concat", [self.put([pixels] * 4), zeros], axis=0)
        pairs = self.add("Reshape", [both, self.put([-1, 2])])
        bounds = [self.put([one]) for one in (-1, -(2**63) + 1, 0, -1)]
        turned = self.add("Slice", [pairs, *bounds])
        turned = self.add("Transpose", [turned], perm=[1, 0])
        flat = self.add("Reshape", [turned, self.put([-1])])
        whole = self.add("Cast", [flat], to=7)
        return self.add("Pad", [name, whole], mode="reflect")

    def _enlarged(self, name: str, channels: int) -> str:
        scales = [1.0, 1.0, 2.0, 2.0]
        if self.enlarge == "resize":
            return self.add(
                "Resize",
                [name, "", self.put(scales)],
                coordinate_transformation_mode="asymmetric",
                mode="nearest",
                nearest_mode="floor",
            )
        if self.enlarge == "upsample":
            return self.add("Upsample", [name], mode="nearest", scales=scales)
        if self.enlarge == "computed":
            height = self.add("Gather", [self.add("Shape", [name]), self.put(2)])
            side = self.add("Cast", [height], to=1)
            twice = self.add("Floor", [self.add("Mul", [side, self.put(2.0)])])
            ratio = self.add("Unsqueeze", [self.add("Div", [twice, side])], axes=[0])
            whole = self.add("Concat", [self.put([1.0, 1.0]), ratio, ratio], axis=0)
            return self.add("Upsample", [name, whole], mode="nearest")
        for shape in ([-1, 1], [-1, 8]):
            name = self.add("Reshape", [name, self.put(shape)])
            copy = self.add("Add", [name, self.put(0.0)])
            name = self.add("Concat", [name, copy], axis=1)
        return self.add("Reshape", [name, self.put([-1, channels, 8, 8])])

    def _normalized(self, layer: str, name: str) -> str:
        scale, offset = (self.arrays[f"{layer}/{part}"] for part in ("scale", "offset"))
        if self.norm == "node":
            inputs = [name, self.put(scale), self.put(offset)]
            return self.add("InstanceNormalization", inputs, epsilon=self.epsilon)
        channels = scale.shape[-1]
        centred = self.add("Sub", [name, self._mean(name, channels)])
        if self.norm == "sums":
            nearly = self.add("Add", [centred, self.put(1e-9)])
            square = self.add("Mul", [centred, nearly])
        else:
            square = self.add("Pow", [centred, self.put(2.0)])
        added = [self._mean(square, channels), self.put(self.epsilon)]
        root = self.add("Sqrt", [self.add("Add", added)])
        if self.norm == "sums":
            found = self.add("Div", [centred, root])
        else:
            found = self.add("Mul", [centred, self.add("Div", [self.put(1.0), root])])
        found = self.add("Mul", [found, self._parameter(scale)])
        return self.add("Add", [found, self._parameter(offset)])

    def _mean(self, name: str, channels: int) -> str:
        if self.norm == "pow":
            return self.add("ReduceMean", [name], axes=[2, 3], keepdims=1)
        flat = self.add("Reshape", [name, self.put([1, channels, 1, -1])])
        return self.add("ReduceMean", [flat], axes=[3], keepdims=1)

    def _parameter(self, array: np.ndarray) -> str:
        channels = array.shape[-1]
        shape = self.put([1, channels, 1, 1])
        if array.ndim == 1:
            return self.add("Reshape", [self.put(array), shape])
        if "style" not in self.inputs:
            self.inputs.append("style")
        shares = self.add("Unsqueeze", ["style", self.put([1])])
        weighted = self.add("Mul", [shares, self.put(array)])
        total = self.add("ReduceSum", [weighted, self.put([0])], keepdims=0)
        return self.add("Reshape", [total, shape])
