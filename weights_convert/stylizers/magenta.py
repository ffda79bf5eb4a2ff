"""Magenta's networks of any style, as ONNX files of tf2onnx, which keeps their names.

Two files: one tells a painting's style as 100 numbers, the other paints with it
(Ghiasi et al. 2017, arXiv:1705.06830). Their 8-bit weights are made float by the scale
and zero of each channel; the activations, which those graphs round too, stay float.
"""

from collections.abc import Mapping

import numpy as np

from weights_convert.architectures.mobilenet import Predictor
from weights_convert.architectures.transformer import MAGENTA_SMALL
from weights_convert.errors import WeightsError
from weights_convert.formats.onnx_graph import Graph
from weights_convert.stylizers.stylizer import Stylizer

DESCRIPTION = "Magenta's pair (two .onnx together)"

_PREDICTS, _PAINTS = "MobilenetV2/Conv/weights", "transformer/contract/conv1/weights"


def matches(files: Mapping[str, Graph]) -> bool:
    """Whether files are of this network: both, or one of the two."""
    return all(_predicts(one) or _paints(one) for one in files.values())


def convert(files: Mapping[str, Graph]) -> Stylizer:
    """Both as one network, in any order.

    Raises:
      WeightsError: one is missing, or lacks what Magenta's have.
    """
    telling_style = [one for one in files.values() if _predicts(one)]
    painting_it = [one for one in files.values() if _paints(one)]
    if (len(telling_style), len(painting_it)) != (1, 1):
        raise WeightsError(
            "Magenta's network is two files: give both, that which predicts the style"
            " and that which paints"
        )
    (predictor,), (transformer,) = telling_style, painting_it
    painting = _kernels(transformer)
    found: dict[str, np.ndarray] = {}
    for layer in MAGENTA_SMALL.layers:
        name = _transformer_name(layer.name)
        kernel, bias = _part(painting, name)
        found[f"{layer.name}/kernel"], found[f"{layer.name}/bias"] = kernel, bias
        for part, place in ("offset", "Conv"), ("scale", "Conv_1"):
            if layer.norm:
                source = f"style_params/{name}/StyleNorm/{place}"
                kernel, bias = _part(painting, source)
                found[f"{layer.name}/{part}/kernel"] = kernel[0, 0]
                found[f"{layer.name}/{part}/bias"] = bias
    telling = _kernels(predictor)
    predictor_arrays: dict[str, np.ndarray] = {}
    for one in Predictor().layers:
        kernel, bias = _part(telling, _predictor_name(one.name))
        predictor_arrays[f"{one.name}/kernel"] = kernel
        predictor_arrays[f"{one.name}/bias"] = bias
    return Stylizer(
        MAGENTA_SMALL,
        found,
        "Magenta",
        "8-bit weights made float",
        predictor=Predictor(),
        predictor_arrays=predictor_arrays,
    )


def _predicts(graph: Graph) -> bool:
    return _PREDICTS in graph.constants


def _paints(graph: Graph) -> bool:
    return _PAINTS in graph.constants


def _kernels(graph: Graph) -> Mapping[str, tuple[np.ndarray, np.ndarray | None]]:
    """Kernel (HWIO) and bias of each convolution, by the name of its weights."""
    found = {}
    for node in graph.nodes:
        if node.op == "Conv":
            if len(node.inputs) < 2:
                raise WeightsError("damaged: a convolution without a kernel")
            name = node.inputs[1].removesuffix("_dequant")
            for ending in ("/weights", "/depthwise_weights"):
                name = name.removesuffix(ending)
            kernel = graph.constants.get(node.inputs[1])
            bias = graph.constants.get(node.inputs[2]) if len(node.inputs) > 2 else None
            if kernel is None or kernel.ndim != 4:
                raise WeightsError(f"{name!r:.80} has no kernel in the file")
            found[name] = kernel.transpose(2, 3, 1, 0), bias
    return found


def _part(
    kernels: Mapping[str, tuple[np.ndarray, np.ndarray | None]], name: str
) -> tuple[np.ndarray, np.ndarray]:
    if name not in kernels:
        raise WeightsError(f"{name!r} is missing; Magenta's network has it")
    kernel, bias = kernels[name]
    return kernel, np.zeros(kernel.shape[-1], np.float32) if bias is None else bias


def _transformer_name(layer: str) -> str:
    """`residual1_2` -> `transformer/residual/residual1/conv2`."""
    if layer.startswith("contract"):
        return f"transformer/contract/conv{layer[-1]}"
    if layer.startswith("residual"):
        block, place = layer.split("_")
        return f"transformer/residual/{block}/conv{place}"
    number = layer[-1] if layer.startswith("expand") else "3"
    return f"transformer/expand/conv{number}/conv"


def _predictor_name(layer: str) -> str:
    """`block3/expand` -> `MobilenetV2/expanded_conv_3/expand`."""
    whole = {
        "stem": "MobilenetV2/Conv",
        "head": "MobilenetV2/Conv_1",
        "style": "mobilenet_conv/Conv",
    }
    if layer in whole:
        return whole[layer]
    block, part = layer.split("/")
    number = block.removeprefix("block")
    suffix = "" if number == "0" else f"_{number}"
    return f"MobilenetV2/expanded_conv{suffix}/{part}"
