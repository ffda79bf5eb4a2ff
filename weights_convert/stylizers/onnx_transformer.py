"""Image transformation networks in ONNX files, by their structure.

Exporters name things as they like, so the graph is walked from its end, layer by layer:
how each is normalised (by `InstanceNormalization`, or by sums and roots; by one scale
and offset, or by those of many styles, weighted), convolved, padded and scaled up
(`onnx_patterns`). What is found must be the network of a table, part for part.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from weights_convert.architectures.transformer import Transformer
from weights_convert.errors import WeightsError
from weights_convert.formats.onnx_graph import Graph, Node
from weights_convert.stylizers.onnx_patterns import Norm, Walk
from weights_convert.stylizers.stylizer import Stylizer

DESCRIPTION = "conditional networks (.onnx)"

_MOST = 256  # Layers.


@dataclasses.dataclass(frozen=True)
class _Layer:
    """What is found of one layer."""

    kernel: np.ndarray
    bias: np.ndarray | None
    stride: int
    upsample: bool
    norm: Norm | None
    relu: bool
    place: int


def matches(files: Mapping[str, Graph]) -> bool:
    """Whether there is one graph, that paints and isn't known by its names."""
    return len(files) == 1 and not any(
        name.startswith(("transformer/", "MobilenetV2/"))
        for graph in files.values()
        for name in graph.constants
    )


def convert(files: Mapping[str, Graph]) -> Stylizer:
    """The network of a graph.

    Raises:
      WeightsError: it is another network, or has parts that can't be kept; says which.
    """
    (graph,) = files.values()
    if not graph.inputs or len(graph.outputs) != 1:
        raise WeightsError(
            f"an image transformation network has an input and an output; this one has"
            f" {len(graph.inputs)} and {len(graph.outputs)}"
        )
    walk = Walk(graph)
    output, name = _output(walk, graph.outputs[0])
    layers = _layers(walk, name)
    made = _architecture(layers, output)
    found: dict[str, np.ndarray] = {}
    for block, layer in zip(made.layers, layers, strict=True):
        found[f"{block.name}/kernel"] = layer.kernel.transpose(2, 3, 1, 0)
        if layer.bias is not None:
            found[f"{block.name}/bias"] = layer.bias
        if layer.norm is not None:
            found[f"{block.name}/scale"] = layer.norm.scale
            found[f"{block.name}/offset"] = layer.norm.offset
    return Stylizer(made, found, "ONNX")


def _output(walk: Walk, name: str) -> tuple[str, str]:
    """How the last layer becomes a picture, and the last layer's name."""
    node = walk.maker(name)
    if node.op == "Clip":
        name = node.inputs[0]
        node = walk.maker(name)
    if node.op == "Sigmoid":
        return "sigmoid", node.inputs[0]
    numbers = []
    for op in ("Add", "Mul"):
        if node.op == op and walk.parts(node)[1] is not None:
            value, number = walk.parts(node)
            numbers.append(number)
            node = walk.maker(value)
    if node.op == "Tanh" and numbers == [127.5, 150.0]:
        return "tanh", node.inputs[0]
    if numbers or node.op == "Tanh":
        raise WeightsError(
            f"its output is made by {node.op:.40} and the numbers {numbers}; known are"
            " none, a sigmoid, and 150 tanh + 127.5"
        )
    return "linear", name


def _layers(walk: Walk, name: str) -> list[_Layer]:
    """The layers from the picture to the picture, ending in a value's name."""
    layers: list[_Layer] = []
    entering: str | None = None  # What the residual block at hand begins with.
    while len(layers) < _MOST:
        name = walk.passed(name)
        place = 0
        if entering is not None:
            place = 1
        elif ends := _ends_block(walk, name):
            name, entering = ends
            place = 2
        layer, before = _layer(walk, name, place)
        layers.append(layer)
        if place == 1:
            if walk.passed(before) != entering:
                raise WeightsError(
                    "a residual block adds something else than its input"
                )
            entering = None
        name = walk.passed(before)
        if name in walk.inputs:
            return layers[::-1]
    raise WeightsError(f"has more than {_MOST} layers")


def _ends_block(walk: Walk, name: str) -> tuple[str, str] | None:
    """Of a sum of two values: the one with more layers behind it, and the other."""
    node = walk.makers.get(name)
    if node is None or node.op != "Add" or len(node.inputs) != 2:
        return None
    if any(one in walk.constants for one in node.inputs) or any(
        walk.parameter(one) is not None for one in node.inputs
    ):
        return None  # An epsilon, an offset.
    entering, end = sorted(
        map(walk.passed, node.inputs), key=lambda one: walk.depths.get(one, 0)
    )
    return end, entering


def _layer(walk: Walk, name: str, place: int) -> tuple[_Layer, str]:
    """The layer that ends in a value, and the name of what goes into it."""
    node = walk.maker(name)
    relu = node.op == "Relu"
    if relu:
        node = walk.maker(node.inputs[0])
    norm, node = walk.norm(node)
    if node.op != "Conv":
        raise WeightsError(
            "no image transformation network known here: it has"
            f" {node.op!r:.40} where a convolution is expected"
        )
    kernel, bias, stride = _convolution(walk, node)
    pixels, name = walk.padded(node.inputs[0])
    if pixels != kernel.shape[2] // 2 or kernel.shape[2] % 2 == 0:
        raise WeightsError(f"pads a kernel of {kernel.shape[2]} by {pixels} pixels")
    upsample, name = walk.enlarged(name)
    return _Layer(kernel, bias, stride, upsample, norm, relu, place), name


def _convolution(walk: Walk, node: Node) -> tuple[np.ndarray, np.ndarray | None, int]:
    given = [walk.constants.get(name) for name in node.inputs[1:] if name]
    if not given or any(array is None for array in given):
        raise WeightsError("a convolution's kernel is no constant of the file")
    kernel, bias = given[0], given[1] if len(given) > 1 else None
    assert kernel is not None
    strides = node.integers("strides", [1, 1])
    plain = kernel.ndim == 4 and kernel.shape[2] == kernel.shape[3]
    plain &= node.attributes.get("group", 1) == 1
    plain &= set(node.integers("dilations", [1])) == {1}
    if not plain or strides not in ([1, 1], [2, 2]):
        raise WeightsError("a convolution has groups, dilations or other strides")
    padding = node.attributes.get("auto_pad", "NOTSET")
    if any(node.integers("pads")) or padding not in ("NOTSET", "VALID"):
        raise WeightsError("a convolution isn't padded by reflection")
    return kernel, bias, strides[0]


def _architecture(layers: list[_Layer], output: str) -> Transformer:
    blocks, odd = divmod(len(layers) - 6, 2)
    if blocks < 1 or odd:
        raise WeightsError(f"has {len(layers)} convolutions, not 3, pairs, and 3")
    outputs = [layer.kernel.shape[0] for layer in layers]
    norms = [layer.norm for layer in layers if layer.norm]
    if not norms:
        raise WeightsError("no layer of it is normalised")
    conditional = norms[0].scale.ndim == 2
    if len({norm.epsilon for norm in norms}) > 1:
        raise WeightsError("its layers have different epsilons")
    made = Transformer(
        (outputs[0], outputs[1], outputs[2]),
        blocks,
        (outputs[-3], outputs[-2]),
        norm="conditional" if conditional else "instance",
        contract_norm=layers[0].norm is not None,
        last_norm=layers[-1].norm is not None,
        styles=len(norms[0].scale) if conditional else 1,
        epsilon=float(f"{norms[0].epsilon:.6g}"),  # Files have it as float32.
        bias=layers[0].bias is not None,
        output=output,
        white=1.0 if output == "sigmoid" else 255.0,
    )
    for block, layer in zip(made.layers, layers, strict=True):
        ours = block.stride, block.upsample, bool(block.norm), block.relu, block.place
        found = layer.stride, layer.upsample, layer.norm is not None
        if ours != (*found, layer.relu, layer.place):
            raise WeightsError(
                f"its {block.name} isn't that of an image transformation network:"
                " another stride, scale, normalisation, ReLU or sum"
            )
    return made
