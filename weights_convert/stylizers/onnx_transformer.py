"""Image transformation networks in ONNX files, by their structure.

Exporters name things as they like, so the graph is walked: each convolution begins a
layer; what stands between it and the next says how it is padded, normalised (by
`InstanceNormalization`, or by sums and roots; by one scale and offset, or by those of
many styles, weighted) and scaled up.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from weights_convert.architectures.transformer import Transformer
from weights_convert.errors import WeightsError
from weights_convert.formats.onnx_graph import Graph, Node
from weights_convert.stylizers.stylizer import Stylizer

_SHAPES = {
    *("Cast", "Concat", "ConstantOfShape", "Expand", "Flatten", "Floor", "Gather"),
    *("Reshape", "Shape", "Slice", "Squeeze", "Transpose", "Unsqueeze"),
}
_NORMALIZING = {
    *("Add", "Div", "GlobalAveragePool", "InstanceNormalization", "Mul", "Pow"),
    *("ReduceMean", "ReduceSum", "Reciprocal", "Sqrt", "Sub"),
}
_KNOWN = {
    *_SHAPES,
    *_NORMALIZING,
    *("Clip", "Constant", "Conv", "Identity", "MatMul", "Pad", "Relu", "Resize"),
    *("Sigmoid", "Tanh", "Upsample"),
}


@dataclasses.dataclass
class _Layer:
    """What is found of one layer while the graph is walked."""

    kernel: np.ndarray
    bias: np.ndarray | None
    stride: int
    reflect: bool
    upsample: bool
    numbers: list[np.ndarray] = dataclasses.field(default_factory=list)
    epsilon: float = 0.0


def convert(graph: Graph) -> Stylizer:
    """The network of a graph.

    Raises:
      WeightsError: it is another network, or has parts that can't be kept; says which.
    """
    unknown = sorted({node.op for node in graph.nodes} - _KNOWN)
    if unknown:
        raise WeightsError(
            f"no image transformation network known here: it has {', '.join(unknown)}"
        )
    layers = list(_layers(graph))
    names = _names(layers)
    found: dict[str, np.ndarray] = {}
    for name, layer in zip(names, layers, strict=True):
        found[f"{name}/kernel"] = layer.kernel.transpose(2, 3, 1, 0)
        if layer.bias is not None:
            found[f"{name}/bias"] = layer.bias
        if layer.numbers:
            found[f"{name}/scale"], found[f"{name}/offset"] = layer.numbers
    ops = {node.op for node in graph.nodes}
    architecture = _architecture(layers, ops)
    return Stylizer(architecture, found, "ONNX")


def _layers(graph: Graph) -> Iterator[_Layer]:
    """The layers, in the order of the graph."""
    layer: _Layer | None = None
    reflect = upsample = False
    same: dict[str, str] = {}  # What exporters add zeros to, for a copy.
    for node in graph.nodes:
        if node.op == "Add" and _adds_nothing(node, graph.constants):
            same |= dict.fromkeys(node.outputs, node.inputs[0])
        if node.op == "Pad":
            reflect = node.attributes.get("mode") == "reflect"
            if not reflect:
                raise WeightsError("pads otherwise than by reflection")
        elif node.op in ("Resize", "Upsample"):
            if node.attributes.get("mode", "nearest") != "nearest":
                raise WeightsError("scales up otherwise than to the nearest pixel")
            upsample = True
        elif node.op == "Concat" and len({same.get(n, n) for n in node.inputs}) == 1:
            upsample = True  # Each row, and each column, beside itself.
        elif node.op == "Conv":
            if layer:
                yield _whole(layer)
            layer = _begun(node, graph.constants, reflect=reflect, upsample=upsample)
            reflect = upsample = False
        elif layer and node.op in (*_NORMALIZING, "Reshape", "Unsqueeze", "MatMul"):
            _normalized(layer, node, graph.constants)
    if layer:
        yield _whole(layer)


def _adds_nothing(node: Node, constants: Mapping[str, np.ndarray]) -> bool:
    added = constants.get(node.inputs[-1])
    return added is not None and not added.any()


def _begun(
    node: Node, constants: Mapping[str, np.ndarray], *, reflect: bool, upsample: bool
) -> _Layer:
    given = [constants.get(name) for name in node.inputs[1:]]
    if not given or any(array is None for array in given):
        raise WeightsError("a convolution's kernel is no constant of the file")
    kernel, bias = given[0], given[1] if len(given) > 1 else None
    assert kernel is not None
    at: Mapping[str, Any] = node.attributes
    strides, pads = at.get("strides", [1, 1]), at.get("pads", [0] * 4)
    plain = kernel.ndim == 4 and kernel.shape[2] == kernel.shape[3]
    plain &= at.get("group", 1) == 1 and set(at.get("dilations", [1])) == {1}
    if not plain or strides not in ([1, 1], [2, 2]):
        raise WeightsError("a convolution has groups, dilations or other strides")
    if any(pads) or not reflect:
        raise WeightsError("a convolution isn't padded by reflection")
    return _Layer(kernel, bias, strides[0], reflect, upsample)


def _normalized(layer: _Layer, node: Node, constants: Mapping[str, np.ndarray]) -> None:
    """Takes in the constants of a node behind a convolution."""
    if node.op == "InstanceNormalization":
        layer.epsilon = float(node.attributes.get("epsilon", 1e-5))
    for name in node.inputs:
        array = constants.get(name)
        if array is None or array.dtype.kind != "f":
            continue
        squeezed = np.squeeze(array)
        channels = layer.kernel.shape[0]
        if squeezed.ndim in (1, 2) and squeezed.shape[-1] == channels:
            layer.numbers.append(squeezed)
        elif squeezed.ndim == 0 and 0 < squeezed < 0.1 and not layer.epsilon:
            layer.epsilon = float(squeezed)


def _whole(layer: _Layer) -> _Layer:
    if len(layer.numbers) not in (0, 2):
        raise WeightsError(
            f"{len(layer.numbers)} vectors follow a convolution, where a normalisation "
            "has a scale and an offset"
        )
    return layer


def _names(layers: list[_Layer]) -> list[str]:
    blocks, odd = divmod(len(layers) - 6, 2)
    if blocks < 1 or odd:
        raise WeightsError(f"has {len(layers)} convolutions, not 3, pairs, and 3")
    residual = [f"residual{n}_{m}" for n in range(1, blocks + 1) for m in (1, 2)]
    ahead = ["contract1", "contract2", "contract3"]
    return [*ahead, *residual, "expand1", "expand2", "last"]


def _architecture(layers: list[_Layer], ops: set[str]) -> Transformer:
    outputs = [layer.kernel.shape[0] for layer in layers]
    wide, narrow = outputs[-3:-1]
    norms = {layer.numbers[0].ndim for layer in layers if layer.numbers}
    conditional = norms == {2}
    styles = next((len(x.numbers[0]) for x in layers if x.numbers), 1)
    output = next((o.lower() for o in ("Sigmoid", "Tanh") if o in ops), "linear")
    made = Transformer(
        (outputs[0], outputs[1], outputs[2]),
        (len(layers) - 6) // 2,
        (wide, narrow),
        norm="conditional" if conditional else "instance",
        contract_norm=bool(layers[0].numbers),
        last_norm=bool(layers[-1].numbers),
        styles=styles if conditional else 1,
        epsilon=max((layer.epsilon for layer in layers), default=0) or 1e-5,
        bias=layers[0].bias is not None,
        output=output,
        white=1.0 if output == "sigmoid" else 255.0,
    )
    for block, layer in zip(made.layers, layers, strict=True):
        if (block.stride, block.upsample) != (layer.stride, layer.upsample):
            raise WeightsError(f"{block.name} has another stride or scale")
    return made
