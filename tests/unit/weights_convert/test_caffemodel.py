"""`.caffemodel` files of both forms, written by protobuf itself, and hostile ones."""

import dataclasses
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import caffe_files
from support.weights_tiny import TINY, TINY_TORCHVISION, ramp

from weights_convert import convert, formats, mapping, store
from weights_convert.errors import WeightsError
from weights_convert.formats import caffemodel

KERNELS = {"conv1_1": ramp((4, 3, 3, 3)), "conv2_1": ramp((5, 4, 3, 3))}
LAYERS = {name: (kernel, ramp(kernel.shape[:1])) for name, kernel in KERNELS.items()}
CLASSIFIER = {"fc6": (ramp((7, 9)), ramp((7,)))}


def _write(path: Path, net: Any) -> Path:
    path.write_bytes(net.SerializeToString())
    return path


def _read(tmp_path: Path, net: Any) -> dict[str, np.ndarray]:
    path = _write(tmp_path / "net.caffemodel", net)
    assert formats.detect(path).name == "caffe"
    return caffemodel.read(path)


@pytest.mark.parametrize("form", ["v1", "current", "doubles"])
def test_a_classifier_is_read_too(tmp_path: Path, form: str) -> None:
    layers = {**LAYERS, **CLASSIFIER}
    if form == "v1":
        net = caffe_files.v1(layers)
    else:
        net = caffe_files.current(layers, packed=False, doubles=form == "doubles")
    arrays = _read(tmp_path, net)
    assert arrays.keys() == {f"{name}.blobs.{n}" for name in layers for n in (0, 1)}
    for index, expected in enumerate(CLASSIFIER["fc6"]):
        found = arrays[f"fc6.blobs.{index}"]
        assert found.dtype == (np.float64 if form == "doubles" else np.float32)
        np.testing.assert_array_equal(np.squeeze(found), expected)


def test_kernels_of_groups_keep_their_shape(tmp_path: Path) -> None:
    kernel = ramp((6, 2, 5, 5))  # three groups of two inputs each
    arrays = _read(tmp_path, caffe_files.v1({"conv2": (kernel, ramp((6,)))}))
    np.testing.assert_array_equal(arrays["conv2.blobs.0"], kernel)


def test_a_packed_and_an_unpacked_run_are_one_array(tmp_path: Path) -> None:
    parts = [caffe_files.v1({}, packed=packed) for packed in (True, False)]
    blobs = [part.layers.add(name="conv1_1").blobs.add() for part in parts]
    blobs[0].data.extend(range(100))
    blobs[1].data.extend(range(100, 300))
    blobs[1].shape.dim.extend([300])
    # Messages that stand behind each other are merged, by protobuf's rules.
    merged = blobs[0].SerializeToString() + blobs[1].SerializeToString()
    path = tmp_path / "net.caffemodel"
    path.write_bytes(_field(2, _field(4, b"conv1_1") + _field(6, merged)))
    np.testing.assert_array_equal(
        caffemodel.read(path)["conv1_1.blobs.0"], np.arange(300)
    )


def test_is_stored_with_channels_swapped(tmp_path: Path) -> None:
    path = _write(tmp_path / "net", caffe_files.v1({**LAYERS, **CLASSIFIER}))
    convert.convert(path, TINY, report=lambda line: None)
    arrays, metadata = store.load(TINY)
    assert (metadata["format"], metadata["layout"]) == ("caffe", "caffe")
    swapped = KERNELS["conv1_1"].transpose(2, 3, 1, 0)[:, :, ::-1]
    np.testing.assert_array_equal(arrays["conv1_1/kernel"], swapped)
    plain = KERNELS["conv2_1"].transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(arrays["conv2_1/kernel"], plain)
    np.testing.assert_array_equal(arrays["conv2_1/bias"], ramp((5,)))


def test_belongs_to_the_original_preprocessing(tmp_path: Path) -> None:
    arrays = _read(tmp_path, caffe_files.v1(LAYERS))
    layout = mapping.choose_layout(arrays, "caffe", TINY_TORCHVISION)
    with pytest.raises(WeightsError, match="convert it to 'tiny'"):
        mapping.map_arrays(arrays, layout, TINY_TORCHVISION)


def test_rescaled_filters_are_known_by_their_size(tmp_path: Path) -> None:
    # Gatys's vgg_normalised.caffemodel: VGG's names, filters a tenth as long or less.
    normalized = dataclasses.replace(TINY, name="tiny-normalized")
    small = {name: (kernel / 1000, bias) for name, (kernel, bias) in LAYERS.items()}
    for layers, fits, other in ((LAYERS, TINY, normalized), (small, normalized, TINY)):
        arrays = _read(tmp_path, caffe_files.v1(layers))
        layout = mapping.choose_layout(arrays, "caffe", fits)
        assert mapping.map_arrays(arrays, layout, fits).keys() == TINY.shapes.keys()
        with pytest.raises(
            WeightsError, match=f"median length of .* convert it to '{fits.name}'$"
        ):
            mapping.map_arrays(arrays, layout, other)


def test_layers_and_values_are_checked(tmp_path: Path) -> None:
    bad = {"conv1_1": (np.full((4, 3, 3, 3), np.nan), ramp((4,)))}
    arrays = _read(
        tmp_path, caffe_files.v1({**LAYERS, **bad, "conv9_9": (ramp((2,)),)})
    )
    layout = mapping.choose_layout(arrays, "caffe", TINY)
    with pytest.raises(
        WeightsError, match=r"108 values that are not finite; 'conv9_9.* no layer of it"
    ):
        mapping.map_arrays(arrays, layout, TINY)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _v0() -> bytes:
    net = caffe_files.net_class()()
    layer = net.layers.add().layer
    layer.name, layer.type = "conv1_1", "conv"
    layer.blobs.add(data=[1.0])
    return net.SerializeToString()


def _net(blob: bytes) -> bytes:
    return _field(2, _field(4, b"conv1_1") + _field(6, blob))


_FLOATS = np.arange(6, dtype="<f4").tobytes()


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (_v0(), "V0 format, from before 2014; upgrade it with Caffe's own"),
        (_net(_field(7, _field(1, b"\2\3")))[:-1], "truncated: field 2 has"),
        (_net(_field(5, _FLOATS) + _field(7, _field(1, b"\2\4"))), r"\[2, 4\] and 6"),
        (_net(_field(5, _FLOATS[:-1])), "damaged: 23 bytes are no whole number"),
        (_net(_field(5, _FLOATS)), r"shape \[\] and 6 values"),
        (_net(_varint(5 << 3) + b"\1"), "field 5 is a number, expected a float"),
        (_net(_varint(7 << 3) + b"\1"), "field 7 is a number, expected a message"),
        (_net(_varint(5 << 3 | 5) + b"\1\2\3"), "ends within a float"),
        (_net(_varint(5 << 3 | 3)), "no protobuf field has the tag 0x2b"),
        (_net(_varint(1 << 3) + b"\xff" * 11), "a number of more than 10 bytes"),
        (_net(_varint(1 << 3) + b"\xff"), "ends within a number"),
        (_net(_field(7, _field(1, _varint((1 << 64) - 1)))), "18446744073709551615"),
        (_net(_field(7, _field(1, b"\1" * 33))), "and 0 values"),
        (_field(2, _field(4, b"relu1")) * 2, "a Caffe network without weights"),
        (2 * _net(_field(5, _FLOATS) + _field(7, _field(1, b"\6"))), "two layers"),
    ],
)
def test_refuses(tmp_path: Path, content: bytes, line: str) -> None:
    path = tmp_path / "net.caffemodel"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=line) as caught:
        caffemodel.read(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_depth_is_no_matter(tmp_path: Path) -> None:
    # 20,000 messages in each other, in a field that is read and in one that is not:
    # what only nests is never gone into.
    nested = b""
    for _ in range(20_000):
        nested = _field(7, nested)
    path = tmp_path / "net.caffemodel"
    path.write_bytes(_net(_field(5, _FLOATS) + nested) + _field(8, nested))
    with pytest.raises(WeightsError, match=r"shape \[\] and 6 values"):
        caffemodel.read(path)


def test_endless_fields_end(tmp_path: Path) -> None:
    path = tmp_path / "net.caffemodel"
    # Unpacked floats that change places with others, each a run of its own.
    pair = _varint(5 << 3 | 5) + bytes(4) + _varint(6 << 3 | 5) + bytes(4)
    for content in (_net(b"\x08\1" * 250_000), _net(pair * 125_000)):
        path.write_bytes(content)
        start = time.perf_counter()
        with pytest.raises(WeightsError, match="more fields than any network"):
            caffemodel.read(path)
        assert time.perf_counter() - start < 10


@pytest.mark.parametrize(
    "content",
    [
        b'name: "VGG_ILSVRC_19_layers"\nlayers {\n}\n',  # a prototxt
        b"\x08\x03\x12\x07pytorch",  # ONNX: ir_version, producer_name
        b"\x0a\x0b\x0a\x05input\x12\2Op",  # TensorFlow's GraphDef: node { name, op }
        b"\xff\xd8\xff\xe0" + bytes(40),
        b"\x0a\x7f",
        b"\x0a\3net",
    ],
)
def test_other_files_are_not_taken_for_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert not caffemodel.matches(path)
