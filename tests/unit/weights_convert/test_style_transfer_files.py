"""VGG-19 as style-transfer repositories share it: Gatys's names, AdaIN's counting."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from support.weights_tiny import TINY, TINY_TORCHVISION, ramp

from weights_convert import layouts, mapping
from weights_convert.architectures import NETWORKS, Architecture
from weights_convert.errors import WeightsError
from weights_convert.formats import pytorch

LAYOUTS = {layout.name: layout for layout in layouts.LAYOUTS}
NORMALIZED = dataclasses.replace(TINY, name="tiny-normalized")


def _mapped(
    arrays: dict[str, np.ndarray], table: Architecture, origin: str = "the file"
) -> dict[str, np.ndarray]:
    layout = mapping.choose_layout(arrays, "pytorch", table)
    return mapping.map_arrays(arrays, layout, table, origin=origin)


def test_vgg_conv_pth(fixtures: Path) -> None:
    mapped = _mapped(pytorch.read(fixtures / "vgg_conv_zip.pth"), TINY)
    first = ramp((4, 3, 3, 3)).transpose(2, 3, 1, 0)[:, :, ::-1]
    np.testing.assert_array_equal(mapped["conv1_1/kernel"], first)
    second = ramp((5, 4, 3, 3)).transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(mapped["conv2_1/kernel"], second)


def test_vgg_normalised_pth(fixtures: Path) -> None:
    mapped = _mapped(pytorch.read(fixtures / "vgg_normalised_legacy.pth"), NORMALIZED)
    assert mapped.keys() == TINY.shapes.keys()
    first = ramp((4, 3, 3, 3)).transpose(2, 3, 1, 0)[:, :, ::-1]
    np.testing.assert_array_equal(mapped["conv1_1/kernel"], first)
    np.testing.assert_array_equal(mapped["conv2_1/bias"], ramp((5,)))


def test_modules_are_counted_as_in_adain() -> None:
    # Where pytorch-AdaIN's nn.Sequential has its convolutions, 0 being the 1x1 one.
    keys = LAYOUTS["vgg_normalised"].keys(NETWORKS["vgg19-normalized"])
    found = [int(sources[0].split(".")[0]) for sources in keys.values()]
    numbers = [2, 5, 9, 12, 16, 19, 22, 25, 29, 32, 35, 38, 42, 45, 48, 51]
    assert found[::2] == found[1::2] == numbers


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("0.weight", np.eye(3) * 255, r"'0.weight' is \[255.0, 0.0, 0.0, 0.0, 255.0"),
        ("0.bias", np.zeros(3), r"'0.bias' is \[0.0, 0.0, 0.0\], expected \[-103.94"),
        ("0.weight", np.zeros((4, 3, 1, 1)), r"'0.weight' is"),
        ("0.weight", None, "the first, which brings R, G, B to B, G, R less the mean"),
    ],
)
def test_another_preprocessing_is_refused(
    fixtures: Path, key: str, value: np.ndarray | None, line: str
) -> None:
    arrays = pytorch.read(fixtures / "vgg_normalised_legacy.pth")
    arrays[key] = value
    if value is None:
        del arrays[key]
    with pytest.raises(WeightsError, match=rf"^w.pth: .*{line}"):
        _mapped(arrays, NORMALIZED, "w.pth")


def test_rescaled_filters_and_others_are_told_apart(fixtures: Path) -> None:
    rescaled = pytorch.read(fixtures / "vgg_normalised_legacy.pth")
    for table in (TINY, TINY_TORCHVISION):
        with pytest.raises(WeightsError, match="rescaled: convert it to 'tiny-normali"):
            _mapped(rescaled, table)
    plain = pytorch.read(fixtures / "vgg_conv_zip.pth")
    with pytest.raises(WeightsError, match="not rescaled: convert it to 'tiny', then"):
        _mapped(plain, NORMALIZED)
    with pytest.raises(WeightsError, match="input preprocessing is not that"):
        _mapped(plain, TINY_TORCHVISION)


def test_a_net_up_to_conv4_1_says_so(fixtures: Path) -> None:
    arrays = pytorch.read(fixtures / "vgg_normalised_legacy.pth")
    more = dataclasses.replace(TINY.convolutions[1], name="conv3_1")
    deep = dataclasses.replace(NORMALIZED, layers=(*TINY.layers, more))
    with pytest.raises(WeightsError, match="it ends at conv2_1, and this network goes"):
        _mapped(arrays, deep)


def test_timms_names_are_torchvisions() -> None:
    # timm's vgg19.tv_in1k: its classifier is made of convolutions.
    arrays = {
        "features.0.weight": ramp((4, 3, 3, 3)),
        "features.0.bias": ramp((4,)),
        "features.3.weight": ramp((5, 4, 3, 3)),
        "features.3.bias": ramp((5,)),
        "pre_logits.fc1.weight": ramp((7, 5, 2, 2)),
        "pre_logits.fc1.bias": ramp((7,)),
        "head.fc.weight": ramp((2, 7)),
    }
    layout = mapping.choose_layout(arrays, "safetensors", TINY_TORCHVISION)
    mapped = mapping.map_arrays(arrays, layout, TINY_TORCHVISION)
    second = ramp((5, 4, 3, 3)).transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(mapped["conv2_1/kernel"], second)
    # vgg19_bn counts batch norms too: another network.
    arrays["features.1.running_mean"] = np.zeros(4)
    with pytest.raises(WeightsError, match=r"'features.1.running_mean' is no layer"):
        mapping.map_arrays(arrays, layout, TINY_TORCHVISION)
