"""Names, axes, channel order; everything wrong with a file said at once."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from support.weights_tiny import TINY, TINY_TORCHVISION, ramp, stored_arrays

from weights_convert import layouts, mapping
from weights_convert.architectures import NETWORKS, Architecture, find
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


def _zeros(name: str) -> dict[str, np.ndarray]:
    """A network's layers under torchvision's names, in its own shapes."""
    table = NETWORKS[name]
    (layout,) = (
        layout
        for layout in layouts.LAYOUTS
        if (layout.name, layout.family) == ("torchvision", table.family)
    )
    arrays = {}
    for target, sources in layout.keys(table).items():
        shape = table.shapes[target]
        axes = np.argsort(layout.axes) if target.endswith("/kernel") else (0,)
        zeros = np.broadcast_to(np.float32(0), shape)  # no memory
        arrays[sources[0]] = zeros.transpose(axes)
    return arrays


@pytest.mark.parametrize("prefix", ["", "module.", "vgg.", "model.module._orig_mod."])
@pytest.mark.parametrize("features", ["features.", ""])
def test_what_stands_before_all_names_is_looked_through(
    fixtures: Path, prefix: str, features: str
) -> None:
    plain = pytorch.read(fixtures / "tiny_zip.pth")
    arrays = {
        prefix + key.replace("features.", features): a for key, a in plain.items()
    }
    layout = mapping.choose_layout(arrays, "pytorch", TINY_TORCHVISION)
    mapped = mapping.map_arrays(arrays, layout, TINY_TORCHVISION)
    expected = mapping.map_arrays(plain, LAYOUTS["torchvision"], TINY_TORCHVISION)
    for key, array in expected.items():
        np.testing.assert_array_equal(mapped[key], array)
    # A layer more behind that prefix is another network's still.
    arrays[f"{prefix}{features}7.weight"] = np.zeros((5, 5, 3, 3))
    with pytest.raises(WeightsError, match=r"7\.weight' is no layer of it"):
        mapping.map_arrays(arrays, layout, TINY_TORCHVISION)


def test_two_networks_in_a_file_are_told_apart(fixtures: Path) -> None:
    plain = pytorch.read(fixtures / "tiny_zip.pth")
    arrays = {f"{net}.{key}": a for net in ("ema", "model") for key, a in plain.items()}
    with pytest.raises(WeightsError, match=r"twice, below 'ema\.' and 'model\.'; save"):
        mapping.choose_layout(arrays, "pytorch", TINY_TORCHVISION)
    del arrays["ema.features.3.bias"]
    layout = mapping.choose_layout(arrays, "pytorch", TINY_TORCHVISION)
    mapping.map_arrays(arrays, layout, TINY_TORCHVISION)


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize(
    ("held", "asked", "advice"),
    [
        ("vgg16-torchvision", "vgg19-torchvision", "vgg16-torchvision"),
        ("vgg16-torchvision", "vgg19", "vgg16-torchvision"),
        ("vgg19-torchvision", "vgg16-normalized", "vgg19-torchvision"),
        ("alexnet", "vgg19-torchvision", "alexnet"),
        ("vgg16-torchvision", "alexnet", "vgg16-torchvision"),
        ("squeezenet1_1", "squeezenet1_0", "squeezenet1_1"),
        ("googlenet-torchvision", "vgg19", "googlenet-torchvision"),
    ],
)
def test_another_network_is_named(
    prefix: str, held: str, asked: str, advice: str
) -> None:
    arrays = {prefix + key: array for key, array in _zeros(held).items()}
    layout = mapping.choose_layout(arrays, "pytorch", NETWORKS[asked])
    line = f"its layers are those of '{advice}', convert it to that$"
    with pytest.raises(WeightsError, match=line):
        mapping.map_arrays(arrays, layout, NETWORKS[asked])


@pytest.mark.parametrize("naming", ["torchvision", "vgg_conv", "vgg_normalised"])
def test_advice_names_networks_that_exist(fixtures: Path, naming: str) -> None:
    file = {"torchvision": "tiny"}.get(naming, naming)
    arrays, advised = pytorch.read(fixtures / f"{file}_zip.pth"), set()
    for ending in ("", "-torchvision", "-normalized"):
        table = find(f"vgg19{ending}")
        table = dataclasses.replace(table, layers=TINY.layers)
        try:
            mapping.map_arrays(arrays, LAYOUTS[naming], table)
        except WeightsError as error:
            advised |= {*re.findall(r"convert it to '([^']*)'", str(error))}
    fitting = {"vgg_normalised": "-normalized", "torchvision": "-torchvision"}
    assert advised == {f"vgg19{fitting.get(naming, '')}"}


def test_a_vgg_with_batch_norms_is_said_to_be_one() -> None:
    arrays = _zeros("vgg16-torchvision")
    arrays |= {f"features.{n}.running_mean": np.zeros(64) for n in (1, 4, 8, 11)}
    with pytest.raises(WeightsError) as caught:
        mapping.map_arrays(
            arrays, LAYOUTS["torchvision"], NETWORKS["vgg16-torchvision"]
        )
    assert "it has batch norms, as another network has" in str(caught.value)
    assert "get the whole file" not in str(caught.value)


def test_layers_in_slices_are_no_file_that_ends(fixtures: Path) -> None:
    plain = pytorch.read(fixtures / "tiny_zip.pth")
    arrays = {
        key.replace("features", "slice2" if ".3." in key else "slice1"): array
        for key, array in plain.items()
    }
    layout = mapping.choose_layout(arrays, "pytorch", TINY_TORCHVISION)
    with pytest.raises(WeightsError) as caught:
        mapping.map_arrays(arrays, layout, TINY_TORCHVISION)
    assert "other kernels of other names, 'slice2.3.weight'" in str(caught.value)
    assert "get the whole file" not in str(caught.value)


def test_a_file_of_something_else_shows_what_it_has() -> None:
    arrays = {f"encoder.{n}.weight": np.zeros(3) for n in range(9)}
    for table in (TINY, TINY_TORCHVISION, TINY_NORMALIZED):
        layout = mapping.choose_layout(arrays, "pytorch", table)
        with pytest.raises(
            WeightsError, match=r"it has 'encoder.0.weight', .*, \.\.\.$"
        ) as caught:
            mapping.map_arrays(arrays, layout, table)
        assert "names" not in str(caught.value)  # such as "has torchvision's names"


def test_float16_overflow_is_not_the_readers_but_float64_is_checked() -> None:
    arrays = stored_arrays()
    arrays["conv1_1/bias"] = np.full(4, 1e300)
    with pytest.raises(WeightsError, match="4 values that are not finite"):
        mapping.map_arrays(arrays, LAYOUTS["stored"], TINY)


@pytest.mark.parametrize(
    ("naming", "table", "advice"),
    [
        ("torchvision", TINY, "'tiny-torchvision'"),
        ("keras", TINY_TORCHVISION, "'tiny'"),
        ("torchvision", TINY_NORMALIZED, "'tiny-torchvision'"),
    ],
)
def test_weights_for_another_preprocessing_are_refused(
    fixtures: Path, naming: str, table: Architecture, advice: str
) -> None:
    arrays = pytorch.read(fixtures / "tiny_zip.pth")
    if naming == "keras":
        arrays = _keras("{0}/kernel", "{0}/bias")
    with pytest.raises(WeightsError, match=f"convert it to {advice}.*--channels"):
        mapping.map_arrays(arrays, LAYOUTS[naming], table)


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
