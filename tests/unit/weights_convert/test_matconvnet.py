"""MatConvNet's files of every age, written by SciPy."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from support import matconvnet_files
from support.weights_tiny import TINY, TINY_TORCHVISION, ramp

from weights_convert import convert, formats, mapping, store
from weights_convert.errors import WeightsError
from weights_convert.formats import matconvnet

LAYERS = {
    layer.name: (ramp(layer.kernel_shape), ramp((layer.outputs,)))
    for layer in TINY.convolutions
}
CLASSIFIER = {"fc8": (ramp((1, 1, 6, 2)), ramp((2,)))}


@pytest.mark.parametrize("form", ["2014", "beta16", "2015"])
def test_reads_a_net_saved_as_one_variable(tmp_path: Path, form: str) -> None:
    layers = {**LAYERS, **CLASSIFIER}
    path = matconvnet_files.write(tmp_path / "net.mat", layers, form=form, whole=True)
    assert formats.detect(path).name == "matconvnet"
    arrays = matconvnet.read(path)
    assert arrays.keys() == {
        *(f"{name}/{part}" for name in layers for part in ("filters", "biases")),
        "averageImage",
    }
    for name, (filters, biases) in layers.items():
        np.testing.assert_array_equal(arrays[f"{name}/filters"], filters)
        np.testing.assert_array_equal(arrays[f"{name}/biases"], biases)
    np.testing.assert_allclose(arrays["averageImage"], matconvnet_files.MEAN, rtol=1e-6)


def test_is_stored_as_it_is(tmp_path: Path) -> None:
    path = matconvnet_files.write(tmp_path / "net.mat", {**LAYERS, **CLASSIFIER})
    convert.convert(path, TINY, report=lambda line: None)
    arrays, metadata = store.load(TINY)
    assert metadata["format"] == "matconvnet"
    for name, (filters, biases) in LAYERS.items():
        np.testing.assert_array_equal(arrays[f"{name}/kernel"], filters)
        np.testing.assert_array_equal(arrays[f"{name}/bias"], biases)


def test_a_filter_alone_keeps_its_last_axis(tmp_path: Path) -> None:
    # MATLAB has no axis of length 1 at the end of a shape.
    kernel = ramp((3, 3, 3, 1))
    path = tmp_path / "net.mat"
    matconvnet_files.write(path, {"conv1_1": (kernel[..., 0], ramp((1,)))})
    np.testing.assert_array_equal(matconvnet.read(path)["conv1_1/filters"], kernel)


@pytest.mark.parametrize(
    ("mean", "table", "line"),
    [
        ((103.939, 116.779, 123.68), TINY, r"its averageImage is \[103.939, 116.779"),
        ((0.0, 0.0, 0.0), TINY, r"expected \[123.68, 116.779, 103.939\] for network"),
        (
            matconvnet_files.MEAN,
            TINY_TORCHVISION,
            "convert it to the network of the or",
        ),
    ],
)
def test_another_preprocessing_is_refused(
    tmp_path: Path, mean: tuple[float, ...], table: object, line: str
) -> None:
    path = matconvnet_files.write(tmp_path / "net.mat", LAYERS, mean=mean)
    arrays = matconvnet.read(path)
    layout = mapping.choose_layout(arrays, "matconvnet", table)
    with pytest.raises(WeightsError, match=rf"^{path}: .*{line}"):
        mapping.map_arrays(arrays, layout, table, origin=path)


def test_a_file_without_an_average_image_is_taken(tmp_path: Path) -> None:
    path = matconvnet_files.write(tmp_path / "net.mat", LAYERS, mean=None)
    arrays = matconvnet.read(path)
    layout = mapping.choose_layout(arrays, "matconvnet", TINY)
    assert mapping.map_arrays(arrays, layout, TINY).keys() == TINY.shapes.keys()


def test_a_shallow_file_says_where_it_ends(tmp_path: Path) -> None:
    more = dataclasses.replace(TINY.convolutions[1], name="conv3_1")
    deep = dataclasses.replace(TINY, layers=(*TINY.layers, more))
    arrays = matconvnet.read(matconvnet_files.write(tmp_path / "net.mat", LAYERS))
    layout = mapping.choose_layout(arrays, "matconvnet", deep)
    with pytest.raises(
        WeightsError, match="'tiny': it ends at conv2_1, and this network goes on from"
    ):
        mapping.map_arrays(arrays, layout, deep)


def _dagnn(path: Path) -> None:
    scipy.io.savemat(path, {"params": {"name": "conv1_1f", "value": np.ones((2, 2))}})


def _names(path: Path) -> None:
    matconvnet_files.write(path, {"conv1_1": LAYERS["conv1_1"]}, form="2014")
    content = scipy.io.loadmat(path)
    layers = content["layers"]
    cells = np.empty((1, 2 * layers.size), object)
    cells[0, :] = [*layers.flat, *layers.flat]
    scipy.io.savemat(path, {"layers": cells})


@pytest.mark.parametrize(
    ("write", "line"),
    [
        (_dagnn, "a DagNN of MatConvNet; only its SimpleNN files are known"),
        (_names, "two layers of the name 'conv1_1/filters'"),
        (lambda p: scipy.io.savemat(p, {"x": np.ones(3)}), "without MatConvNet's cell"),
        (lambda p: matconvnet_files.write(p, {}), "network without weights"),
        (
            lambda p: p.write_bytes(b"MATLAB 7.3 MAT-file".ljust(600)),
            "version 7.3; save",
        ),
        (lambda p: p.write_bytes(b"MATLAB 5.0 MAT-file".ljust(99)), "truncated or dam"),
    ],
)
def test_refuses(tmp_path: Path, write: object, line: str) -> None:
    path = tmp_path / "net.mat"
    write(path)
    assert formats.detect(path).name == "matconvnet"
    with pytest.raises(WeightsError, match=line) as caught:
        matconvnet.read(path)
    assert str(caught.value).startswith(f"{path}: ")
