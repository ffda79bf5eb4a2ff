"""Exported files: torchvision's names and axes, and the way back."""

import dataclasses
import itertools
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from support.weights_tiny import TINY as UNNAMED
from support.weights_tiny import TINY_TORCHVISION, ramp, stored_arrays

from weights_convert import convert, export, store
from weights_convert.architectures import Architecture
from weights_convert.errors import WeightsError

TINY = dataclasses.replace(UNNAMED, name="vgg19")
TINY_TORCHVISION = dataclasses.replace(TINY_TORCHVISION, name="vgg19-torchvision")
OTHER = dataclasses.replace(TINY, name="other", family="elsewhere")
NORMALIZED = dataclasses.replace(TINY, name="vgg19-normalized")


def _export(architecture: Architecture, path: Path) -> dict[str, str]:
    store.save(architecture, stored_arrays(), {"source": "a test", "licence": "none"})
    assert export.export(architecture, path, report=print) == path
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


def _stored(architecture: Architecture, path: Path) -> None:
    arrays = stored_arrays()
    shutil.copy(store.save(architecture, arrays, {"network": architecture.name}), path)


@pytest.mark.parametrize("made", [_export, _stored])
@pytest.mark.parametrize(
    ("of", "taken_as"),
    [*itertools.permutations([TINY, TINY_TORCHVISION, NORMALIZED], 2)],
)
def test_is_not_taken_for_another_network(
    tmp_path: Path, made: Any, of: Architecture, taken_as: Architecture
) -> None:
    path = tmp_path / "out.safetensors"
    made(of, path)
    line = f"says: weights of network '{of.name}', not of network '{taken_as.name}'"
    for channels in (None, "rgb", "bgr"):
        with pytest.raises(WeightsError, match=f"{line}: convert it to '{of.name}'$"):
            convert.convert(path, taken_as, report=lambda line: None, channels=channels)


@pytest.mark.parametrize("made", [_export, _stored])
def test_channels_by_hand_may_not_contradict(tmp_path: Path, made: Any) -> None:
    path = tmp_path / "out.safetensors"
    made(TINY, path)
    with pytest.raises(WeightsError, match="take rgb: --channels=bgr is wrong, leave"):
        convert.convert(path, TINY, report=lambda line: None, channels="bgr")
    convert.convert(path, TINY, report=lambda line: None, channels="rgb")
    for key, expected in stored_arrays().items():
        np.testing.assert_array_equal(store.load(TINY)[0][key], expected)


def test_replaces_exports_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "out.safetensors"
    _export(TINY, path)
    assert capsys.readouterr().out == ""
    _export(TINY, path)
    assert capsys.readouterr().out == f"{path} will be replaced\n"
    model, theirs = tmp_path / "model.safetensors", {"format": "pt", "network": "mine"}
    safetensors.numpy.save_file({"a": np.zeros(3, np.float32)}, model, theirs)
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(path.read_bytes()[:40])
    photo, pipe = tmp_path / "photo.jpg", tmp_path / "pipe"
    photo.write_bytes(b"\xff\xd8\xff a photo")
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to("/dev/null")
    stored = store.weights_path(TINY)
    whole = {one: one.read_bytes() for one in (photo, model, cut, stored)}
    for target in (*whole, pipe, tmp_path / "link", tmp_path):
        with pytest.raises(WeightsError, match=f"^{target}: is .*; (choose|export)"):
            export.export(TINY, target, report=print)
    assert whole == {one: one.read_bytes() for one in whole}
    assert capsys.readouterr().out == ""


def test_says_what_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="torchvision has no names for other"):
        _export(OTHER, tmp_path / "out.safetensors")
    with pytest.raises(WeightsError, match="not stored"):
        export.export(TINY, tmp_path / "out.safetensors", report=print)
    (tmp_path / "file").touch()
    with pytest.raises(WeightsError, match="cannot be written"):
        _export(TINY, tmp_path / "file" / "out.safetensors")
