"""Caffe files of each network, under the names of the published prototxt files."""

from pathlib import Path

import numpy as np
import pytest
from support import caffe_files

from weights_convert import mapping
from weights_convert.architectures import NETWORKS
from weights_convert.errors import WeightsError
from weights_convert.formats import caffemodel
from weights_convert.sources import SOURCES

# bvlc_reference_caffenet/deploy.prototxt: num_output, inputs of a group, kernel_size.
CAFFENET = {
    "conv1": (96, 3, 11, 11),
    "conv2": (256, 48, 5, 5),
    "conv3": (384, 256, 3, 3),
    "conv4": (384, 192, 3, 3),
    "conv5": (256, 192, 3, 3),
}

# bvlc_googlenet/deploy.prototxt, some of the 57.
GOOGLENET = {
    "conv1/7x7_s2": (64, 3, 7, 7),
    "conv2/3x3_reduce": (64, 64, 1, 1),
    "conv2/3x3": (192, 64, 3, 3),
    "inception_3a/1x1": (64, 192, 1, 1),
    "inception_3a/5x5_reduce": (16, 192, 1, 1),
    "inception_3a/5x5": (32, 16, 5, 5),
    "inception_4e/pool_proj": (128, 528, 1, 1),
    "inception_5b/3x3": (384, 192, 3, 3),
}


def _blobs(name: str) -> dict[str, np.ndarray]:
    arrays = {}
    for layer in NETWORKS[name].convolutions:
        height, width, inputs, outputs = NETWORKS[name].shapes[f"{layer.name}/kernel"]
        arrays[f"{layer.name}.blobs.0"] = np.zeros(
            (outputs, inputs, height, width), np.float32
        )
        arrays[f"{layer.name}.blobs.1"] = np.zeros(outputs, np.float32)
    return arrays


@pytest.mark.parametrize(
    ("name", "published"), [("caffenet", CAFFENET), ("googlenet", GOOGLENET)]
)
def test_names_and_shapes_are_the_published_ones(
    name: str, published: dict[str, tuple[int, ...]]
) -> None:
    arrays = _blobs(name)
    for layer, shape in published.items():
        assert arrays[f"{layer}.blobs.0"].shape == shape
        arrays[f"{layer}.blobs.0"][:] = np.arange(np.prod(shape)).reshape(shape)
    arrays["loss1/conv.blobs.0"] = np.zeros((128, 512, 1, 1), np.float32)
    arrays["fc8.blobs.0"] = np.zeros((1000, 4096), np.float32)
    layout = mapping.choose_layout(arrays, "caffe", NETWORKS[name])
    mapped = mapping.map_arrays(arrays, layout, NETWORKS[name])
    assert mapped.keys() == NETWORKS[name].shapes.keys()
    first = next(iter(published))
    for layer in published:
        expected = arrays[f"{layer}.blobs.0"].transpose(2, 3, 1, 0)
        if layer == first:  # B, G, R
            expected = expected[:, :, ::-1]
        np.testing.assert_array_equal(mapped[f"{layer}/kernel"], expected)
    del arrays[f"{first}.blobs.1"]
    with pytest.raises(WeightsError, match=f"'{first}.blobs.1' is missing"):
        mapping.map_arrays(arrays, layout, NETWORKS[name])


def test_caffenets_file_as_caffe_stored_it(tmp_path: Path) -> None:
    # V1 layers, 4-D blobs, two groups in conv2: written by protobuf, an eighth of the
    # outputs so that it stays quick.
    generator = np.random.default_rng(0)
    layers = {
        name: (
            generator.normal(size=(shape[0] // 8, *shape[1:])).astype(np.float32),
            generator.normal(size=shape[0] // 8).astype(np.float32),
        )
        for name, shape in CAFFENET.items()
    }
    path = tmp_path / "bvlc_reference_caffenet.caffemodel"
    path.write_bytes(caffe_files.v1(layers).SerializeToString())
    arrays = caffemodel.read(path)
    for name, (kernel, bias) in layers.items():
        np.testing.assert_array_equal(arrays[f"{name}.blobs.0"], kernel)
        np.testing.assert_array_equal(arrays[f"{name}.blobs.1"], bias)


def test_every_network_can_be_had() -> None:
    for name in NETWORKS:
        if not name.endswith("-normalized"):
            assert SOURCES[name], name
    assert SOURCES.keys() <= NETWORKS.keys()
