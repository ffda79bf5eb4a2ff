"""The style networks as ONNX graphs; pictures are NCHW, sRGB in [0, 1]."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from nst_jax.feedforward.onnx_graph import Graph
from weights_convert.architectures.adain import AdaIN
from weights_convert.architectures.microast import SIGNALS, MicroAST
from weights_convert.architectures.transformer import Block, Transformer
from weights_convert.stylizers.stylizer import Arrays, Stylizer

_TOLD = ("source", "source_url", "licence", "citation", "note", "styles")


def onnx_file(stored: Stylizer, metadata: Mapping[str, str]) -> bytes:
    """A network as an ONNX file of opset 13, of any number of pictures and size.

    Its inputs are `images` `[b, 3, h, w]`, sRGB in [0, 1], 16 pixels a side or more,
    and, of a network of several styles, `style` `[b, styles]`: shares that sum to 1, or
    a style's numbers. Its output `painted` is like `images`.

    Args:
      stored: the network.
      metadata: of its file; the ONNX file gets what it says of source and licence.
    """
    graph, architecture = Graph(), stored.architecture
    painted = _PAINTERS[type(architecture)](graph, architecture, stored.arrays)
    told = {key: metadata[key] for key in _TOLD if metadata.get(key)}
    styles = architecture.styles if architecture.takes else 0
    name = metadata.get("network", "style_network")
    return graph.file(styles, painted, name, told)


def _transformer(graph: Graph, how: Transformer, arrays: Arrays) -> str:
    """See `transformer.TransformerNetwork`."""
    size = graph.size("images")
    values = graph.reflected_up("images", how.multiple)
    if how.channels == "bgr":
        values = _turned(graph, values)
    if how.white != 1:
        values = graph.add("Mul", values, graph.number(how.white))
    entering = values
    for layer in how.layers:
        if layer.place == 1:
            entering = values
        values = _block(graph, how, layer, arrays, values)
        if layer.norm:
            values = _normalized(graph, how, layer, arrays, values)
        if layer.relu:
            values = graph.add("Relu", values)
        if layer.place == 2:
            values = graph.add("Add", values, entering)
    if how.output == "tanh":
        values = graph.add("Mul", graph.add("Tanh", values), graph.number(150 / 255))
        values = graph.add("Add", values, graph.number(127.5 / 255))
    elif how.output == "sigmoid":
        values = graph.add("Sigmoid", values)
    elif how.white != 1:
        values = graph.add("Div", values, graph.number(how.white))
    if how.channels == "bgr":
        values = _turned(graph, values)
    return graph.cropped(_clipped(graph, values), size)


def _turned(graph: Graph, images: str) -> str:
    return graph.add("Gather", images, graph.whole([2, 1, 0]), axis=1)


def _clipped(graph: Graph, images: str) -> str:
    return graph.add("Clip", images, graph.number(0), graph.number(1))


def _block(
    graph: Graph, how: Transformer, layer: Block, arrays: Arrays, values: str
) -> str:
    """A layer's convolution, after enlarging."""
    if layer.upsample and how.upsampling == "transposed":
        return graph.convolved_transposed(values, layer.name, arrays)
    if layer.upsample:
        values = graph.enlarged(values, "nearest")
    around = layer.size // 2
    if how.padding == "reflect":
        values, pads = graph.reflected(values, around), (0, 0, 0, 0)
    else:  # TensorFlow's SAME, of an even size.
        before = around if layer.stride == 1 else around - 1
        pads = (before, before, around, around)
    return graph.convolved(values, layer.name, arrays, stride=layer.stride, pads=pads)


def _normalized(
    graph: Graph, how: Transformer, layer: Block, arrays: Arrays, values: str
) -> str:
    """Instance normalisation, with the scale and offset of the style."""

    def own(part: str) -> str:
        key = f"{layer.name}/{part}"
        return graph.constant(arrays[key], key)

    if how.norm == "instance":
        given = [values, own("scale"), own("offset")]
        return graph.add("InstanceNormalization", *given, epsilon=how.epsilon)
    one = [np.full(layer.outputs, n, np.float32) for n in (1, 0)]
    plain = [graph.constant(n, f"{n[0]:.0f} x {layer.outputs}") for n in one]
    values = graph.add("InstanceNormalization", values, *plain, epsilon=how.epsilon)
    made = []
    for part in ("scale", "offset"):
        if how.norm == "conditional":
            numbers = graph.add("MatMul", "style", own(part))
        else:
            numbers = graph.add("MatMul", "style", own(f"{part}/kernel"))
            numbers = graph.add("Add", numbers, own(f"{part}/bias"))
        made.append(graph.by_channel(numbers))
    return graph.add("Add", graph.add("Mul", values, made[0]), made[1])


def _adapted(
    graph: Graph, images: str, mean: str, deviation: str, epsilon: float
) -> str:
    """Features with a style's mean and deviation: see `adain.adapted`."""
    found = graph.add("ReduceMean", images, axes=[2, 3])
    apart = graph.add("Sub", images, found)
    squares = graph.add("Mul", apart, apart)
    pixels = graph.add("ReduceProd", graph.size(images), axes=[0], keepdims=0)
    count = graph.add("Cast", pixels, to=1)
    fewer = graph.add("Sub", count, graph.number(1))
    fewer = graph.add("Max", fewer, graph.number(1))
    sums = graph.add("ReduceSum", squares, graph.whole([2, 3]))
    variance = graph.add("Div", sums, fewer)
    root = graph.add("Sqrt", graph.add("Add", variance, graph.number(epsilon)))
    factor = graph.add("Div", graph.by_channel(deviation), root)
    scaled = graph.add("Mul", apart, factor)
    return graph.add("Add", scaled, graph.by_channel(mean))


def _adain(graph: Graph, how: AdaIN, arrays: Arrays) -> str:
    """See `adain.AdaINNetwork`."""

    def layered(values: str, table: Any) -> str:
        for layer in table:
            if layer.pool:
                shape: dict[str, Any] = {"kernel_shape": [2, 2], "strides": [2, 2]}
                values = graph.add("MaxPool", values, ceil_mode=1, **shape)
            if layer.upsample:
                values = graph.enlarged(values, "nearest")
            values = graph.convolved(graph.reflected(values, 1), layer.name, arrays)
            values = graph.add("Relu", values) if layer.relu else values
        return values

    values = layered("images", how.encoder)
    half = how.styles // 2
    mean, deviation = graph.part("style", 0, half), graph.part("style", half, 2 * half)
    values = _adapted(graph, values, mean, deviation, how.epsilon)
    painted = _clipped(graph, layered(values, how.decoder))
    return graph.cropped(painted, graph.size("images"))


def _microast(graph: Graph, how: MicroAST, arrays: Arrays) -> str:
    """See `microast.MicroASTNetwork`."""
    width = how.styles // len(SIGNALS)
    told = {
        signal: graph.part("style", place * width, (place + 1) * width)
        for place, signal in enumerate(SIGNALS)
    }

    def convolved(part: str, layer: Any, values: str) -> str:
        if layer.upsample:
            values = graph.enlarged(values, "linear")
        values = graph.reflected(values, layer.size // 2)
        name, more = f"{part}/{layer.name}", {"stride": layer.stride}
        return graph.convolved(values, name, arrays, inputs=layer.inputs, **more)

    values = entering = graph.reflected_up("images", how.multiple)
    for layer in how.encoder:
        entering = values if layer.place == 1 else entering
        values = convolved("content", layer, values)
        values = graph.add("Relu", values) if layer.relu else values
        values = graph.add("Add", values, entering) if layer.place == 2 else values
    for layer in how.decoder:
        level = 2 if layer.name.startswith("residual1") else 1
        if layer.place == 1:
            mean, deviation = told[f"mean{level}"], told[f"deviation{level}"]
            values = _adapted(graph, values, mean, deviation, how.epsilon)
            entering = values
        seen, values = values, convolved("decoder", layer, values)
        if layer.place:
            weight = graph.by_channel(told[f"weight{level}"])
            bias = graph.by_channel(told[f"bias{level}"])
            values = graph.add("Mul", values, weight)
            values = graph.add("Add", values, graph.add("Mul", seen, bias))
        values = graph.add("Relu", values) if layer.relu else values
        values = graph.add("Add", values, entering) if layer.place == 2 else values
    return graph.cropped(_clipped(graph, values), graph.size("images"))


_PAINTERS: Mapping[type, Callable[[Graph, Any, Arrays], str]] = MappingProxyType(
    {Transformer: _transformer, AdaIN: _adain, MicroAST: _microast}
)
