"""Files of style networks of other systems: each number where it belongs, or a line."""

import dataclasses
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from support.style_networks import (
    EXAMPLES,
    MEAN,
    NETWORKS,
    adain_files,
    arrays_of,
    microast_files,
    transformer_net,
    variables,
)
from support.weights_tiny import ramp

from weights_convert.errors import WeightsError
from weights_convert.stylizers import convert
from weights_convert.stylizers.stylizer import Stylizer

LENGSTROM = dataclasses.replace(NETWORKS["lengstrom"], blocks=5)


def _save(path: Path, arrays: Mapping[str, np.ndarray]) -> Path:
    whole = {key: np.ascontiguousarray(array) for key, array in arrays.items()}
    path.write_bytes(safetensors.numpy.save(whole))
    return path


def _equal(stylizer: Stylizer, arrays: Mapping[str, np.ndarray]) -> None:
    assert stylizer.arrays.keys() == arrays.keys()
    for key, array in arrays.items():
        np.testing.assert_array_equal(stylizer.arrays[key], array, err_msg=key)


def _refusal(*paths: Path) -> str:
    """The one line, behind the names of the files."""
    with pytest.raises(WeightsError) as caught:
        convert.read(paths)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(str(paths[0]))
    return line.removeprefix(", ".join(map(str, paths)) + ": ")


@pytest.mark.parametrize("form", ["zip", "legacy"])
def test_pytorchs_files_with_statistics_that_were_never_used(
    fixtures: Path, form: str
) -> None:
    found = convert.read([fixtures / f"transformer_net_{form}.pth"])
    assert (found.architecture, found.layout) == (EXAMPLES, "pytorch/examples")
    _equal(found, {key: ramp(shape) for key, shape in EXAMPLES.shapes.items()})


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"in4.weight": None}, "'in4.weight' is missing; get the file again"),
        ({"res1.conv2.conv2d.bias": None}, "'res1.conv2.conv2d.bias' is missing"),
        ({"bn.weight": np.ones(3, "f4")}, "has 'bn.weight', which pytorch/examples'"),
        ({"in1.bias": np.ones(5, "f4")}, "contract1/offset is float32 (5,), expected"),
        ({"in1.bias": np.ones(2, "i4")}, "contract1/offset is int32 (2,), expected"),
        ({"in1.bias": np.full(2, np.nan, "f4")}, "has values that are not finite"),
        ({"conv2.conv2d.weight": np.ones((3, 2, 1, 1), "f4")}, "contract2/kernel is"),
        ({"conv1.conv2d.weight": np.ones(2, "f4")}, "contract1/kernel is float32 (2,)"),
    ],
)
def test_a_changed_state_dict_is_another_network(
    tmp_path: Path, change: dict[str, np.ndarray | None], why: str
) -> None:
    state = transformer_net(arrays_of(EXAMPLES)) | change
    kept = {key: array for key, array in state.items() if array is not None}
    assert why in _refusal(_save(tmp_path / "state", kept))


def _folder(path: Path, arrays: Mapping[str, np.ndarray]) -> Path:
    """As ml5.js has it."""
    path.mkdir()
    manifest = {}
    for name, array in arrays.items():
        array.astype("<f4").tofile(path / name)
        manifest[name] = {"filename": name, "shape": list(array.shape)}
    (path / "manifest.json").write_text(json.dumps(manifest))
    return path


@pytest.mark.parametrize("form", ["folder", "npz", "npz of tensors"])
def test_lengstroms_variables(tmp_path: Path, form: str) -> None:
    arrays = arrays_of(LENGSTROM)
    named = variables(LENGSTROM, arrays)
    if form == "folder":
        path = _folder(tmp_path / "wave", {**named, "beta1_power": np.ones(1)})
    else:
        path, ending = tmp_path / "wave.npz", ":0" * (form != "npz")
        np.savez(path, **{name + ending: array for name, array in named.items()})
    found = convert.read([path])
    assert found.architecture == LENGSTROM
    _equal(found, arrays)


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        ("[]", "no list of variables"),
        ("{", "no list of variables"),
        ("[" * 100_000, "no list of variables"),
        ('{"Variable": {}}', "no list of variables"),
        ('{"Variable": {"filename": "v", "shape": 3}}', "has the shape 3"),
        ('{"Variable": {"filename": "v", "shape": [-1]}}', "has the shape [-1]"),
        ('{"Variable": {"filename": "v", "shape": [Infinity]}}', "the shape [inf]"),
        ('{"Variable": {"filename": "v", "shape": [3, 2]}}', "12 bytes, expected 24"),
        ('{"Variable": {"filename": "../v", "shape": [3]}}', "no variable beside it"),
        ('{"Variable": {"filename": "w", "shape": [3]}}', "No such file"),
        ('{"Variable": {"filename": "v", "shape": [99999, 99999]}}', "no variable"),
        (
            '{"a": {"filename": "v", "shape": [3]}, "b": {"filename": "v"}}',
            "names a file twice",
        ),
        ('{"Variable": {"filename": "v", "shape": [3]}}', "variable 1 is missing"),
    ],
)
def test_a_manifest_that_isnt_one(tmp_path: Path, manifest: str, why: str) -> None:
    folder = tmp_path / "wave"
    folder.mkdir()
    (folder / "manifest.json").write_text(manifest)
    np.ones(3, "<f4").tofile(folder / "v")
    assert why in _refusal(folder)


def test_a_folder_without_a_manifest(tmp_path: Path) -> None:
    assert "manifest.json: No such file" in _refusal(tmp_path)


@pytest.mark.parametrize("turned", [False, True])
def test_adains_two_files_in_any_order(tmp_path: Path, turned: bool) -> None:
    arrays = arrays_of(NETWORKS["adain"])
    encoder, decoder = adain_files(NETWORKS["adain"], arrays)
    more = {**encoder, "32.weight": np.ones((5, 5, 3, 3), "f4")}  # relu4_2, unused
    paths = [_save(tmp_path / "vgg", more), _save(tmp_path / "decoder", decoder)]
    found = convert.read(paths[:: -1 if turned else 1])
    assert found.architecture == NETWORKS["adain"]
    # R, G, B in 0..1 become B, G, R in 0..255 less the mean before the first kernel.
    kernel, bias = arrays["encoder/conv1_1/kernel"], arrays["encoder/conv1_1/bias"]
    folded = {
        "encoder/conv1_1/kernel": kernel[:, :, ::-1] * np.float32(255),
        "encoder/conv1_1/bias": bias - np.einsum("hwio,i->o", kernel, MEAN),
    }
    for key, array in folded.items():
        np.testing.assert_allclose(found.arrays[key], array, rtol=1e-5)
    _equal(found, {**arrays, **{key: found.arrays[key] for key in folded}})


@pytest.mark.parametrize(
    ("encodes", "decodes", "change", "why"),
    [
        (1, 0, {}, "AdaIN is two files: give vgg_normalised.pth and decoder.pth"),
        (0, 1, {}, "AdaIN is two files"),
        (2, 0, {}, "AdaIN is two files"),
        (1, 1, {"29.weight": None, "30.weight": np.ones(1, "f4")}, "together; known"),
        (1, 1, {"5.bias": None}, "'5.bias' is missing: encoder/conv1_2/bias"),
        (1, 1, {"9.weight": None}, "'9.weight' is missing in vgg_normalised.pth"),
        (1, 1, {"0.bias": None}, "the first two layers of vgg_normalised.pth don't"),
        (1, 1, {"12.weight": np.ones((3, 3, 1, 1), "f4")}, "encoder/conv2_2/kernel"),
    ],
)
def test_half_of_adain(
    tmp_path: Path, encodes: int, decodes: int, change: dict, why: str
) -> None:
    encoder, decoder = adain_files(NETWORKS["adain"], arrays_of(NETWORKS["adain"]))
    encoder = {k: v for k, v in (encoder | change).items() if v is not None}
    paths = [_save(tmp_path / f"vgg{n}", encoder) for n in range(encodes)]
    paths += [_save(tmp_path / f"decoder{n}", decoder) for n in range(decodes)]
    assert why in _refusal(*paths)


def _microast(folder: Path, **names: str) -> list[Path]:
    files = microast_files(arrays_of(NETWORKS["microast"]))
    return [
        _save(folder / f"{names.get(name, name)}_iter.pth.tar", arrays)
        for name, arrays in files.items()
    ]


def test_microasts_four_files_in_any_order(tmp_path: Path) -> None:
    paths = _microast(tmp_path)
    assert len(paths) == 4
    for order in (paths, paths[::-1]):
        found = convert.read(order)
        assert found.architecture == NETWORKS["microast"]
        _equal(found, arrays_of(NETWORKS["microast"]))


def test_microasts_encoders_are_told_by_their_names(tmp_path: Path) -> None:
    folder = tmp_path / "style"  # The folder's name says nothing.
    folder.mkdir()
    renamed = _microast(folder, content_encoder="a", style_encoder="b")
    assert "which file is which can't be told" in _refusal(*renamed)
    both = _microast(folder, style_encoder="content_2")
    assert "which file is which can't be told" in _refusal(*both)


def test_a_part_of_microast(tmp_path: Path) -> None:
    paths = _microast(tmp_path)
    for left in range(4):
        given = [path for place, path in enumerate(paths) if place != left]
        name = paths[left].name.split("_")[0]
        assert f"missing: {name}" in _refusal(*given)
    broken = dict(safetensors.numpy.load(paths[0].read_bytes()))
    broken["enc3.conv_layer.weight"] = np.ones((1, 1, 1, 1), "f4")
    _save(paths[0], broken)
    assert "'content/enc3.conv_layer.weight' is no layer of it" in _refusal(*paths)


def test_files_that_are_none(tmp_path: Path, fixtures: Path) -> None:
    for name, content, why in (
        ("empty.onnx", b"", "the file is empty"),
        ("page.pth", b"<!DOCTYPE html><html>Not found</html>", "a web page"),
        ("cut.pth", (fixtures / "transformer_net_zip.pth").read_bytes()[:9000], "zip"),
        (
            "cut.model",
            (fixtures / "transformer_net_legacy.pth").read_bytes()[:9000],
            "",
        ),
        ("vgg.pth", (fixtures / "tiny_zip.pth").read_bytes(), "features.0.weight'"),
        ("module.pth", (fixtures / "module_zip.pth").read_bytes(), "refused"),
        ("bad.npz", b"PK\x03\x04" + bytes(100), "damaged"),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        assert why in _refusal(path), name
    assert "No such file" in _refusal(tmp_path / "nothing.onnx")


@pytest.mark.parametrize(
    ("key", "why"),
    [
        (
            "bn1.running_mean",
            "it has batch normalisation, 'bn1.running_mean'; known are",
        ),
        ("ConvBlock.0.conv_layer.weight", "it has layers of rrmina's networks (bottle"),
        ("blocks.0.attn.qkv.weight", "it has attention, 'blocks.0.attn.qkv.weight'"),
        ("model.0.weight", "it begins with 'model.0.weight'; known are those of"),
    ],
)
def test_networks_that_arent_known_say_what_they_have(
    tmp_path: Path, key: str, why: str
) -> None:
    line = _refusal(_save(tmp_path / "state", {key: np.ones(3, "f4")}))
    assert line.startswith(f"no style network known here: {why}")
    assert "pytorch/examples (.pth, .model, .onnx), lengstrom's variables" in line


def test_files_that_dont_belong_together(tmp_path: Path, fixtures: Path) -> None:
    one = fixtures / "transformer_net_zip.pth"
    other = tmp_path / "other.pth"
    shutil.copy(one, other)
    assert "don't make one style network together" in _refusal(one, other)
    assert "the same file twice" in _refusal(one, one)
    encoder, _ = adain_files(NETWORKS["adain"], arrays_of(NETWORKS["adain"]))
    mixed = _refusal(one, _save(tmp_path / "vgg", encoder))
    assert "don't make one style network together" in mixed
