"""Exported files: torchvision's names and axes, and the way back."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from support.weights_tiny import TINY, TINY_TORCHVISION, ramp, stored_arrays

from weights_convert import convert, export, store
from weights_convert.architectures import Architecture
from weights_convert.errors import WeightsError

OTHER = dataclasses.replace(TINY, name="other", family="elsewhere")
NORMALIZED = dataclasses.replace(TINY, name="tiny-normalized")


def _export(architecture: Architecture, path: Path) -> dict[str, str]:
    store.save(architecture, stored_arrays(), {"source": "a test", "licence": "none"})
    assert export.export(architecture, path) == path
    with safetensors.safe_open(path, "numpy") as file:
        return file.metadata()


def test_names_and_axes_are_torchvisions(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "out.safetensors"
    metadata = _export(TINY_TORCHVISION, path)
    arrays = safetensors.numpy.load_file(path)
    assert list(arrays) == sorted(
        f"features.{n}.{part}" for n in (0, 3) for part in ("weight", "bias")
    )
    kernel = stored_arrays()["conv2_1/kernel"]
    assert arrays["features.3.weight"].shape == (5, 4, 3, 3)
    assert arrays["features.3.weight"][4, 3, 1, 2] == kernel[1, 2, 3, 4]
    np.testing.assert_array_equal(arrays["features.0.bias"], ramp((4,)))
    assert metadata["format"] == "pt"
    assert (metadata["mean"], metadata["std"]) == (
        "0.485,0.456,0.406",
        "0.229,0.224,0.225",
    )
    assert (metadata["source"], metadata["licence"]) == ("a test", "none")


def test_caffes_weights_take_rgb_and_say_their_mean(tmp_path: Path) -> None:
    path = tmp_path / "out.safetensors"
    metadata = _export(TINY, path)
    first = safetensors.numpy.load_file(path)["features.0.weight"]
    kernel = stored_arrays()["conv1_1/kernel"]  # the store's: R, G, B
    np.testing.assert_array_equal(first, kernel.transpose(3, 2, 0, 1))
    assert metadata["channels"] == "rgb"
    mean = [float(value) * 255 for value in metadata["mean"].split(",")]
    np.testing.assert_allclose(mean, (123.68, 116.779, 103.939), rtol=1e-6)
    std = [float(value) * 255 for value in metadata["std"].split(",")]
    np.testing.assert_allclose(std, 1, rtol=1e-6)


def test_nothing_else_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"a photo")
    (tmp_path / "null").symlink_to("/dev/null")
    stored = store.save(TINY, stored_arrays(), {"source": "a test", "licence": "none"})
    before = stored.read_bytes()
    for place, line in (
        (path, "exists, and is no safetensors file"),
        (tmp_path / "null", "is no regular file"),
        (stored, "lies in the store"),
    ):
        with pytest.raises(WeightsError, match=line):
            export.export(TINY, place)
    assert (path.read_bytes(), stored.read_bytes()) == (b"a photo", before)
    for _ in range(2):  # Its own it replaces.
        export.export(TINY, tmp_path / "out.safetensors")


@pytest.mark.parametrize("network", [TINY, TINY_TORCHVISION, NORMALIZED])
def test_round_trip(tmp_path: Path, network: Architecture) -> None:
    path = tmp_path / "out.safetensors"
    _export(network, path)
    store.weights_path(network).unlink()
    convert.convert(path, network, report=lambda line: None)
    arrays, metadata = store.load(network)
    assert metadata["layout"] == "torchvision"
    for key, expected in stored_arrays().items():
        np.testing.assert_array_equal(arrays[key], expected)


@pytest.mark.parametrize(
    ("exported", "taken_as", "line"),
    [
        (TINY, TINY_TORCHVISION, "says mean 0.485019608,0.457956863,0.407603922, ex"),
        (TINY_TORCHVISION, TINY, "says mean 0.485,0.456,0.406, expected 0.4850196"),
        (TINY, NORMALIZED, "says tiny, whose filters are not rescaled"),
        (NORMALIZED, TINY, "whose filters are rescaled, unlike those of 'tiny'"),
    ],
)
def test_is_not_taken_for_another_network(
    tmp_path: Path, exported: Architecture, taken_as: Architecture, line: str
) -> None:
    path = tmp_path / "out.safetensors"
    _export(exported, path)
    with pytest.raises(WeightsError, match=line):
        convert.convert(path, taken_as, report=lambda line: None)


def test_says_what_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="torchvision has no names for other"):
        _export(OTHER, tmp_path / "out.safetensors")
    with pytest.raises(WeightsError, match="not stored"):
        export.export(TINY, tmp_path / "out.safetensors")
    (tmp_path / "file").touch()
    with pytest.raises(WeightsError, match="cannot be written"):
        _export(TINY, tmp_path / "file" / "out.safetensors")
