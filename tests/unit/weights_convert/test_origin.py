"""Whose weights a file holds: by hash, by its first filters, by its colours."""

import dataclasses

import numpy as np
import pytest
from support.first_filters import CAFFE, TORCHVISION16, TORCHVISION19, first_kernel

from weights_convert import layouts, mapping, origin
from weights_convert.architectures import Architecture, Convolution, find, vgg_layers
from weights_convert.errors import WeightsError
from weights_convert.sources import SOURCES

_LAYERS = vgg_layers([Convolution("conv1_1", 3, 64), Convolution("conv2_1", 64, 2)])
VGG19, TORCHVISION, NORMALIZED = (
    dataclasses.replace(find(f"vgg19{ending}"), layers=_LAYERS)
    for ending in ("", "-torchvision", "-normalized")
)
NAMING = {layout.name: layout for layout in layouts.LAYOUTS if layout.family == "vgg"}


def _file(kernel: np.ndarray, naming: str) -> dict[str, np.ndarray]:
    """A file of the two layers, under the names of a layout."""
    layout, arrays = NAMING[naming], {}
    for target, keys in layout.keys(VGG19).items():
        array = kernel if target == "conv1_1/kernel" else np.ones(VGG19.shapes[target])
        axes = np.argsort(layout.axes) if target.endswith("kernel") else (0,)
        arrays[keys[0]] = array.astype(np.float32).transpose(axes)
    return arrays


def _mapped(
    kernel: np.ndarray, naming: str, network: Architecture, **given: object
) -> np.ndarray:
    """The first kernel, as it is stored."""
    arrays = _file(kernel, naming)
    return mapping.map_arrays(arrays, NAMING[naming], network, **given)[
        "conv1_1/kernel"
    ]


@pytest.fixture(params=["rgb", "bgr"])
def order(request) -> str:
    return request.param


def _in(order: str, kernel: np.ndarray) -> np.ndarray:
    return kernel[:, :, :: 1 if order == "rgb" else -1]


@pytest.mark.parametrize("naming", ["torchvision", "keras", "vgg_conv", "matconvnet"])
def test_caffes_weights_are_known_under_any_names(naming: str, order: str) -> None:
    rgb = first_kernel(CAFFE, np.random.default_rng(0))
    stored = _mapped(_in(order, rgb), naming, VGG19)
    np.testing.assert_array_equal(stored, rgb)
    other = "bgr" if order == "rgb" else "rgb"
    _mapped(_in(order, rgb), naming, VGG19, channels=order)
    with pytest.raises(WeightsError, match=f"take {order}: --channels={other} is wron"):
        _mapped(_in(order, rgb), naming, VGG19, channels=other)
    for network in (TORCHVISION, NORMALIZED):
        for channels in (None, "rgb", "bgr"):
            line = "of network 'vgg19', not of network '.*': convert it to 'vgg19'$"
            if (
                naming == "matconvnet" and network is TORCHVISION
            ):  # refused by its names
                line = "convert it to the network of the original weights"
            with pytest.raises(WeightsError, match=line):
                _mapped(_in(order, rgb), naming, network, channels=channels)


@pytest.mark.parametrize("filters", [TORCHVISION16, TORCHVISION19])
@pytest.mark.parametrize("naming", ["torchvision", "keras"])
def test_torchvisions_weights_are_no_others(
    filters: dict, naming: str, order: str
) -> None:
    rgb = first_kernel(filters, np.random.default_rng(1))
    np.testing.assert_array_equal(_mapped(_in(order, rgb), naming, TORCHVISION), rgb)
    for network in (VGG19, NORMALIZED):
        for channels in (None, "rgb", "bgr"):
            with pytest.raises(WeightsError, match="convert it to 'vgg19-torchvision'"):
                _mapped(_in(order, rgb), naming, network, channels=channels)


def test_rescaled_filters_are_known_by_their_length(order: str) -> None:
    rgb = first_kernel(CAFFE, np.random.default_rng(2)) / np.linspace(8, 73, 64)
    stored = _mapped(_in(order, rgb), "torchvision", NORMALIZED)
    np.testing.assert_array_equal(stored, rgb.astype(np.float32))
    for network in (VGG19, TORCHVISION):
        with pytest.raises(WeightsError, match="rescaled, of network 'vgg19-normalize"):
            _mapped(_in(order, rgb), "torchvision", network)


@pytest.mark.parametrize(
    "change",
    [
        lambda kernel, rng: kernel.astype(np.float16).astype(np.float32),
        lambda kernel, rng: np.round(kernel * 60) / 60,
        lambda kernel, rng: kernel + rng.normal(0, 0.01, kernel.shape),
        lambda kernel, rng: kernel * 0.8,
    ],
    ids=["half precision", "8 bit", "trained on", "shorter, as VGG-16's"],
)
def test_weights_are_known_when_they_changed_a_little(change) -> None:
    rng = np.random.default_rng(3)
    kernel = change(first_kernel(CAFFE, rng), rng)[:, :, ::-1]
    found = origin.by_filters(kernel, find("vgg16"))
    assert found is not None
    assert (found.network, found.channels) == ("vgg16", "bgr")


def test_weights_of_ones_own_are_taken_at_their_word() -> None:
    rng = np.random.default_rng(4)
    kernel = rng.normal(0, 0.2, (3, 3, 3, 64)).astype(np.float32)
    assert origin.by_filters(kernel, VGG19) is None
    np.testing.assert_array_equal(_mapped(kernel, "torchvision", TORCHVISION), kernel)
    for channels in ("rgb", "bgr"):
        stored = _mapped(kernel, "torchvision", VGG19, channels=channels)
        np.testing.assert_array_equal(stored, _in(channels, kernel))


def test_colours_tell_the_order_of_unknown_weights() -> None:
    rng = np.random.default_rng(5)
    # As of torchvision's AlexNet: of red, green, blue energies like 35, 41 and 23.
    rgb = rng.normal(0, 0.2, (11, 11, 3, 64)) * np.sqrt([[[[0.35], [0.41], [0.23]]]])
    assert origin.order_by_color(rgb) == "rgb"
    assert origin.order_by_color(rgb[:, :, ::-1]) == "bgr"
    assert origin.order_by_color(rng.normal(0, 0.2, (11, 11, 3, 64))) is None
    assert origin.order_by_color(rgb[..., :4]) is None  # too few to tell
    kernel = rgb[:3, :3].astype(np.float32)
    for given, naming, network in (
        ("bgr", "torchvision", TORCHVISION),
        ("rgb", "keras", VGG19),
    ):
        with pytest.raises(WeightsError, match=f"as of blue: say --channels={given}, "):
            _mapped(_in(given, kernel), naming, network)
        stored = _mapped(_in(given, kernel), naming, network, channels=given)
        np.testing.assert_array_equal(stored, kernel)


@pytest.mark.parametrize(
    ("digest", "network", "channels"),
    [
        ("d01eb7cb" + "0" * 56, "vgg19", "bgr"),  # jcjohnson/pytorch-vgg
        ("00b39a1b" + "0" * 56, "vgg16", "bgr"),
        (SOURCES["vgg19-torchvision"][0].digest, "vgg19-torchvision", "rgb"),
        (SOURCES["alexnet"][0].digest, "alexnet", "rgb"),
        ("b66bff10" + "0" * 56, "squeezenet1_0", "rgb"),
        ("0" * 64, None, None),
    ],
)
def test_published_files_are_known_by_their_hash(
    digest: str, network: str | None, channels: str | None
) -> None:
    found = origin.by_digest(digest)
    assert (found and found.network) == network
    assert (found and found.channels) == channels
    if found is None:
        return
    architecture = find(found.network)
    found.check(architecture, found.channels)
    with pytest.raises(WeightsError, match=r"--channels=.* is wrong, leave it out"):
        found.check(architecture, "bgr" if channels == "rgb" else "rgb")
    with pytest.raises(WeightsError, match=f"convert it to '{network}'"):
        found.check(find("googlenet"), None)
