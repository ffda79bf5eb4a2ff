"""Names, axes, channel order; everything wrong with a file said at once."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from support.weights_tiny import TINY, TINY_TORCHVISION, ramp, stored_arrays

from weights_convert import layouts, mapping
from weights_convert.architectures import NETWORKS, Architecture
from weights_convert.errors import WeightsError
from weights_convert.formats import palette, pytorch

TINY_NORMALIZED = dataclasses.replace(TINY, name="tiny-normalized")
LAYOUTS = {
    layout.name: layout for layout in layouts.LAYOUTS if layout.family in (None, "vgg")
}


def _keras(kernel: str, bias: str) -> dict[str, np.ndarray]:
    arrays = {}
    for layer in TINY.convolutions:
        name = f"block{layer.name[4]}_conv{layer.name[6]}"
        arrays[kernel.format(name)] = ramp(layer.kernel_shape).astype(np.float32)
        arrays[bias.format(name)] = ramp((layer.outputs,)).astype(np.float32)
    return arrays


@pytest.mark.parametrize(
    ("kernel", "bias"),
    [
        ("{0}/{0}_W_1:0", "{0}/{0}_b_1:0"),
        ("{0}/{0}/kernel:0", "{0}/{0}/bias:0"),
        ("{0}/{0}/kernel", "{0}/{0}/bias"),
        ("{0}/kernel:0", "{0}/bias:0"),
    ],
)
def test_keras_kernels_keep_their_axes_and_swap_bgr(kernel: str, bias: str) -> None:
    arrays = _keras(kernel, bias) | {"predictions/kernel:0": np.zeros((2, 2))}
    layout = mapping.choose_layout(arrays, "keras", TINY)
    mapped = mapping.map_arrays(arrays, layout, TINY)
    assert list(mapped) == list(TINY.shapes)
    first = ramp((3, 3, 3, 4))
    # Column, row, colour, output: red of ours is the third of a BGR file.
    assert mapped["conv1_1/kernel"][1, 2, 0, 3] == first[1, 2, 2, 3]
    assert mapped["conv1_1/kernel"][1, 2, 1, 3] == first[1, 2, 1, 3]
    assert mapped["conv1_1/kernel"][1, 2, 2, 3] == first[1, 2, 0, 3]
    np.testing.assert_array_equal(mapped["conv2_1/kernel"], ramp((3, 3, 4, 5)))
    np.testing.assert_array_equal(mapped["conv2_1/bias"], ramp((5,)))
    assert all(array.flags.c_contiguous for array in mapped.values())


def test_keras_3_layers_are_counted() -> None:
    arrays = {}
    for name, layer in zip(("conv2d", "conv2d_1"), TINY.convolutions, strict=True):
        arrays[f"layers/{name}/vars/0"] = ramp(layer.kernel_shape)
        arrays[f"layers/{name}/vars/1"] = ramp((layer.outputs,))
    mapped = mapping.map_arrays(arrays, LAYOUTS["keras"], TINY)
    np.testing.assert_array_equal(mapped["conv2_1/kernel"], ramp((3, 3, 4, 5)))
    assert mapped["conv2_1/kernel"].dtype == np.float32


def test_torchvision_kernels_are_transposed_and_stay_rgb(fixtures: Path) -> None:
    arrays = pytorch.read(fixtures / "tiny_zip.pth")
    layout = mapping.choose_layout(arrays, "pytorch", TINY_TORCHVISION)
    mapped = mapping.map_arrays(arrays, layout, TINY_TORCHVISION)
    source = ramp((5, 4, 3, 3))
    assert mapped["conv2_1/kernel"].shape == (3, 3, 4, 5)
    assert mapped["conv2_1/kernel"][1, 2, 3, 4] == source[4, 3, 1, 2]
    assert mapped["conv1_1/kernel"][0, 2, 1, 3] == ramp((4, 3, 3, 3))[3, 1, 0, 2]


def test_palette_kernels_are_transposed_and_swap_bgr(fixtures: Path) -> None:
    arrays = palette.read(fixtures / "palette_legacy.pth")
    mapped = mapping.map_arrays(arrays, LAYOUTS["palette"], TINY)
    source = arrays["block1_conv1_W"]
    assert mapped["conv1_1/kernel"][1, 2, 0, 3] == source[3, 2, 1, 2]


def test_stored_arrays_pass_unchanged() -> None:
    arrays = stored_arrays()
    for table in (TINY, TINY_TORCHVISION):
        layout = mapping.choose_layout(arrays, "safetensors", table)
        mapped = mapping.map_arrays(arrays, layout, table)
        for key, array in arrays.items():
            np.testing.assert_array_equal(mapped[key], array)


def test_torchvision_indices_of_the_real_networks() -> None:
    # torchvision.models.vgg, cfgs D and E: where its Conv2d modules stand.
    expected = {
        "vgg16-torchvision": [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28],
        "vgg19-torchvision": [
            *(0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)
        ],
    }
    for name, indices in expected.items():
        keys = LAYOUTS["torchvision"].keys(NETWORKS[name])
        found = [int(sources[0].split(".")[1]) for sources in keys.values()]
        assert found[::2] == found[1::2] == indices


def test_all_errors_are_raised_at_once() -> None:
    arrays = _keras("{0}/{0}_W_1:0", "{0}/{0}_b_1:0")
    arrays["block1_conv1/block1_conv1_W_1:0"] = np.zeros((4, 3, 3, 3), np.float32)
    arrays["block1_conv1/block1_conv1_b_1:0"] = np.zeros(4, np.int64)
    arrays["block2_conv1/block2_conv1_W_1:0"][0, 0, 0, :2] = np.nan, np.inf
    del arrays["block2_conv1/block2_conv1_b_1:0"]
    arrays["block2_conv2/block2_conv2_b_1:0"] = np.zeros(4, np.float32)
    with pytest.raises(WeightsError) as caught:
        mapping.map_arrays(arrays, LAYOUTS["keras"], TINY, origin="w.h5")
    assert str(caught.value) == (
        "w.h5: does not fit network 'tiny':"
        " conv1_1/kernel: 'block1_conv1/block1_conv1_W_1:0' has shape (4, 3, 3, 3),"
        " expected (3, 3, 3, 4);"
        " conv1_1/bias: 'block1_conv1/block1_conv1_b_1:0' has type int64, expected"
        " floating point;"
        " conv2_1/kernel: 'block2_conv1/block2_conv1_W_1:0' has 2 values that are not"
        " finite;"
        " conv2_1/bias: 'block2_conv1/block2_conv1_b_1:0' is missing;"
        " 'block2_conv2/block2_conv2_b_1:0' is no layer of it"
    )


def test_a_file_of_something_else_shows_what_it_has() -> None:
    arrays = {f"encoder.{n}.weight": np.zeros(3) for n in range(9)}
    with pytest.raises(WeightsError, match=r"it has 'encoder.0.weight', .*, \.\.\.$"):
        mapping.map_arrays(arrays, LAYOUTS["torchvision"], TINY_TORCHVISION)


def test_float16_overflow_is_not_the_readers_but_float64_is_checked() -> None:
    arrays = stored_arrays()
    arrays["conv1_1/bias"] = np.full(4, 1e300)
    with pytest.raises(WeightsError, match="4 values that are not finite"):
        mapping.map_arrays(arrays, LAYOUTS["stored"], TINY)


@pytest.mark.parametrize(
    ("layout", "table", "advice"),
    [
        ("torchvision", TINY, "'tiny-torchvision'"),
        ("keras", TINY_TORCHVISION, "'tiny'"),
        ("torchvision", TINY_NORMALIZED, "'tiny-torchvision'"),
    ],
)
def test_weights_for_another_preprocessing_are_refused(
    layout: str, table: Architecture, advice: str
) -> None:
    with pytest.raises(WeightsError, match=f"convert it to {advice}.*--channels"):
        mapping.map_arrays({}, LAYOUTS[layout], table)


def test_channels_override_the_layout(fixtures: Path) -> None:
    # jcjohnson's vgg19-d01eb7cb.pth: Caffe's weights under torchvision's names.
    arrays = pytorch.read(fixtures / "tiny_zip.pth")
    layout = LAYOUTS["torchvision"]
    rgb = mapping.map_arrays(arrays, layout, TINY, channels="rgb")
    bgr = mapping.map_arrays(arrays, layout, TINY, channels="bgr")
    flipped = rgb["conv1_1/kernel"][:, :, ::-1]
    np.testing.assert_array_equal(bgr["conv1_1/kernel"], flipped)
    np.testing.assert_array_equal(bgr["conv2_1/kernel"], rgb["conv2_1/kernel"])


def test_format_without_a_layout_for_the_family() -> None:
    table = Architecture("other", "inception", TINY.preprocessing, TINY.layers)
    with pytest.raises(WeightsError, match="no inception network is known"):
        mapping.choose_layout({}, "keras", table)
