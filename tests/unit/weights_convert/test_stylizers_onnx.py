"""Image transformation networks in ONNX files: by structure, exactly or not at all."""

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.onnx_files import Painter, model, node
from support.style_networks import EXAMPLES, NETWORKS, arrays_of

from weights_convert.errors import WeightsError
from weights_convert.stylizers import convert

CONDITIONAL = NETWORKS["conditional"]
FORMS = [
    (norm, enlarge, pads, "pytorch/examples")
    for norm, enlarge, pads in itertools.product(
        ("node", "sums", "pow"),
        ("resize", "upsample", "computed", "concat"),
        ("input",),
    )
]
FORMS += [("node", "resize", "attribute", "pytorch/examples")]
FORMS += [(norm, "resize", "computed", "conditional") for norm in ("sums", "pow")]


@pytest.mark.parametrize(("norm", "enlarge", "pads", "network"), FORMS)
def test_what_exporters_write(
    tmp_path: Path, norm: str, enlarge: str, pads: str, network: str
) -> None:
    architecture = NETWORKS[network]
    arrays = arrays_of(architecture)
    painter = Painter(arrays, norm=norm, enlarge=enlarge, pads=pads)
    output = "Sigmoid" if network == "conditional" else ""
    found = _read(tmp_path, painter.file(output=output))
    assert found.architecture == architecture
    assert found.arrays.keys() == arrays.keys()
    for key, array in arrays.items():
        np.testing.assert_array_equal(found.arrays[key], array, err_msg=key)


@pytest.mark.parametrize(
    ("output", "expected"), [("tanh", "tanh"), ("Clip", "linear"), ("", "linear")]
)
def test_how_the_last_layer_becomes_a_picture(
    tmp_path: Path, output: str, expected: str
) -> None:
    found = _read(tmp_path, Painter(arrays_of(EXAMPLES)).file(output=output))
    assert (found.architecture.output, found.architecture.white) == (expected, 255)


@pytest.mark.parametrize("norm", ["node", "sums", "pow"])
def test_the_epsilon_is_that_of_the_variance(tmp_path: Path, norm: str) -> None:
    painter = Painter(arrays_of(EXAMPLES), norm=norm, epsilon=1e-3)
    assert _read(tmp_path, painter.file()).architecture.epsilon == 1e-3


def _read(folder: Path, content: bytes):
    (path := folder / "network.onnx").write_bytes(content)
    return convert.read([path])


class Changed(Painter):
    """A network that isn't the one of the table, by one operation."""

    def __init__(self, change: Callable, **how: str):
        super().__init__(arrays_of(EXAMPLES), **how)
        self.change = change

    def add(self, op, inputs, **attributes):
        changed = self.change(self, op, list(inputs), dict(attributes))
        return changed or super().add(op, inputs, **attributes)

    def really(self, op, inputs, **attributes):
        return super().add(op, inputs, **attributes)


def _instead(op, **attributes):
    """All nodes of an operation with other attributes."""

    def change(painter, found, inputs, old):
        if found == op:
            return painter.really(op, inputs, **{**old, **attributes})
        return None

    return change


def _another(op, other):
    def change(painter, found, inputs, old):
        return painter.really(other, inputs, **old) if found == op else None

    return change


def _behind(op, other, *more):
    """An operation behind all of a kind."""

    def change(painter, found, inputs, old):
        if found != op:
            return None
        made = painter.really(op, inputs, **old)
        return painter.really(other, [made, *(painter.put(one) for one in more)])

    return change


def _left_out(op):
    return lambda painter, found, inputs, old: inputs[0] if found == op else None


@pytest.mark.parametrize(
    ("change", "how", "why"),
    [
        (_instead("Conv", strides=[3, 3]), {}, "groups, dilations or other strides"),
        (_instead("Conv", strides=[1, 2]), {}, "groups, dilations or other strides"),
        (_instead("Conv", strides=[1, 1]), {}, "contract2 isn't that of an image"),
        (_instead("Conv", strides=7), {}, "Conv has no whole numbers in 'strides'"),
        (_instead("Conv", group=2), {}, "groups, dilations or other strides"),
        (_instead("Conv", dilations=[2, 2]), {}, "groups, dilations or other strides"),
        (_instead("Conv", pads=[1, 1, 1, 1]), {}, "isn't padded by reflection"),
        (_instead("Conv", auto_pad="SAME_UPPER"), {}, "isn't padded by reflection"),
        (_instead("Pad", mode="constant"), {}, "pads otherwise than by reflection"),
        (_instead("Pad", mode="edge"), {}, "pads otherwise than by reflection"),
        (_instead("Pad", pads=[0, 0, 0, 1] * 2), {}, "not alike on all four sides"),
        (_instead("Pad", pads=[0, 0, 2, 2] * 2), {}, "pads a kernel of 9 by 2 pixels"),
        (_left_out("Pad"), {}, "isn't padded by reflection"),
        (_left_out("Relu"), {}, "another stride, scale, normalisation, ReLU"),
        (_left_out("InstanceNormalization"), {}, "no layer of it is normalised"),
        (_another("Relu", "Elu"), {}, "'Elu' where a convolution is expected"),
        (_another("Relu", "BatchNormalization"), {}, "'BatchNormalization' where"),
        (_another("Resize", "DepthToSpace"), {}, "'DepthToSpace' where a conv"),
        (_another("Conv", "ConvTranspose"), {}, "'ConvTranspose' where a conv"),
        (_instead("Resize", mode="linear"), {}, "otherwise than to the nearest"),
        (_instead("Resize", nearest_mode="ceil"), {}, "otherwise than to the nearest"),
        (
            _instead("Resize", coordinate_transformation_mode="align_corners"),
            {},
            "otherwise than to the nearest",
        ),
        (
            _instead("Upsample", scales=[1.0, 1.0, 3.0, 3.0]),
            {"enlarge": "upsample"},
            "otherwise than to twice the size",
        ),
        (_left_out("Floor"), {"enlarge": "computed"}, ""),  # All the same at twice.
        (
            _behind("Floor", "Mul", 3.0),
            {"enlarge": "computed"},
            "otherwise than to twice the size",
        ),
        (_instead("ReduceMean", axes=[1, 2, 3]), {"norm": "pow"}, "mean over all pix"),
        (_instead("ReduceMean", axes=[1]), {"norm": "sums"}, "a mean over all pixels"),
        (_another("Sqrt", "Exp"), {"norm": "pow"}, "'Exp' where a root is expected"),
        (_another("Pow", "Abs"), {"norm": "pow"}, "'Abs' where a variance is exp"),
        (_another("Sub", "Max"), {"norm": "pow"}, "which takes no mean away"),
        (_behind("Pad", "Relu"), {}, "isn't padded by reflection"),
    ],
)
def test_another_network_is_refused_with_the_reason(
    tmp_path: Path, change: Callable, how: dict[str, str], why: str
) -> None:
    content = Changed(change, **how).file()
    if not why:
        assert _read(tmp_path, content).architecture == EXAMPLES
        return
    assert why in _refusal(tmp_path, content)


def _refusal(folder: Path, content: bytes) -> str:
    with pytest.raises(WeightsError) as caught:
        _read(folder, content)
    line = str(caught.value)
    assert line.startswith(f"{folder / 'network.onnx'}: ")
    assert "\n" not in line
    return line


def test_a_picture_that_is_changed_before_the_network(tmp_path: Path) -> None:
    painter = Painter(arrays_of(EXAMPLES))
    scaled = painter.add("Mul", ["image", painter.put(1 / 255)])
    file = painter.layer
    painter.layer = lambda layer, name, **how: file(  # type: ignore[method-assign]
        layer, scaled if name == "image" else name, **how
    )
    assert "'Mul' where a convolution is expected" in _refusal(tmp_path, painter.file())


@pytest.mark.parametrize(
    ("output", "why"),
    [
        ("Tanh", "its output is made by Tanh and the numbers []"),
        ("Softmax", "'Softmax' where a convolution is expected"),
        ("Relu", "last isn't that of an image transformation network"),
    ],
)
def test_another_output(tmp_path: Path, output: str, why: str) -> None:
    assert why in _refusal(tmp_path, Painter(arrays_of(EXAMPLES)).file(output=output))


@pytest.mark.parametrize("blocks", [0, 3])
def test_other_numbers_of_blocks(tmp_path: Path, blocks: int) -> None:
    arrays = arrays_of(EXAMPLES)
    for key in [key for key in arrays if key.startswith("residual")]:
        for number in (2, 3):
            arrays[key.replace("residual1", f"residual{number}")] = arrays[key]
    content = Painter(arrays).file(blocks=blocks)
    if blocks:
        assert _read(tmp_path, content).architecture.blocks == blocks
    else:
        assert "has 6 convolutions, not 3, pairs, and 3" in _refusal(tmp_path, content)


def test_a_sum_of_other_layers(tmp_path: Path) -> None:
    """A connection that skips the block, as U-nets have it."""
    painter, made = Painter(arrays_of(EXAMPLES)), []
    add = painter.add

    def skipping(op, inputs, **attributes):
        if op == "Add":
            inputs = [inputs[0], made[0]]
        made.append(add(op, inputs, **attributes))
        return made[-1]

    painter.add = skipping  # type: ignore[method-assign]
    why = "a residual block adds something else than its input"
    assert why in _refusal(tmp_path, painter.file())


@pytest.mark.parametrize(
    ("nodes", "constants", "why"),
    [
        ([], {}, "a layer is missing: 'painted' is made of nothing"),
        ([node("Relu", ["painted"], "painted")], {}, "'Relu' where a convolution"),
        ([node("Identity", ["painted"], "painted")], {}, "a value is made of itself"),
        ([node("Add", [], "painted")], {}, "'painted' is made of nothing"),
        ([node("Reshape", ["painted"], "painted")], {}, "'Reshape' where a conv"),
        (
            [
                node("Conv", ["v", "k"], "painted"),
                node("Pad", ["w", "p"], "v", mode="reflect"),
                node("Reshape", ["w"], "w"),
            ],
            {"k": np.ones((3, 3, 3, 3), "f4"), "p": np.array([0, 0, 1, 1] * 2)},
            "'Reshape' where a convolution",
        ),
        ([node("Conv", ["image"], "painted")], {}, "kernel is no constant"),
        ([node("Conv", ["image", "k"], "painted")], {}, "kernel is no constant"),
        (
            [node("Conv", ["image", "k"], "painted")],
            {"k": np.ones((3, 3), "f4")},
            "groups, dilations or other strides",
        ),
    ],
)
def test_graphs_that_lead_nowhere(
    tmp_path: Path, nodes: list[bytes], constants: dict, why: str
) -> None:
    assert why in _refusal(tmp_path, model(nodes, constants))


def test_a_graph_without_an_input(tmp_path: Path) -> None:
    assert "has 0 and 1" in _refusal(tmp_path, model([], {}, inputs=()))
