"""Files of strangers that try to do something: nothing of them runs, nothing gets out.

Each goes through the commands that take such files. A canary shows what ran; the folder
above the working one shows what was written outside of it.
"""

import io
import json
import pickle
import struct
import zipfile

import h5py
import numpy as np
import pytest
import scipy.io
from support.batch_folder import contents, picture
from support.onnx_files import field
from support.program import QUICK, run, run_weights
from support.weights_files import legacy

from nst_jax.collection import manifest
from nst_jax.images import files


class Calls:
    """Pickled, a call of a function."""

    def __init__(self, function, *arguments):
        self._call = function, arguments

    def __reduce__(self):
        return self._call


def _call(canary) -> object:
    return Calls(open, str(canary), "w")


def _npz(canary) -> bytes:
    file, inner = io.BytesIO(), io.BytesIO()
    held = np.array([_call(canary)], dtype=object)
    np.lib.format.write_array(inner, held, allow_pickle=True)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("conv1_1/kernel.npy", inner.getvalue())
    return file.getvalue()


def _zip_in_zip(canary) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(_call(canary), protocol=2))
        archive.writestr("../../evil.pkl", pickle.dumps(_call(canary), protocol=2))
        archive.writestr("/tmp/evil.pkl", b"evil")
    return file.getvalue()


def _mat(canary) -> bytes:
    file = io.BytesIO()
    code = f"@() fopen('{canary}', 'w')"
    scipy.io.savemat(file, {"layers": code, "net": {"layers": code}})
    return file.getvalue()


def _hdf5(canary, link) -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w") as made:
        made.create_group("block1_conv1")["kernel:0"] = link
    return file.getvalue()


def _keras(canary) -> bytes:
    layer = {"class_name": "Lambda", "config": {"function": f"open('{canary}', 'w')"}}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("config.json", json.dumps(layer))
        archive.writestr("model.weights.h5", b"\x89HDF\r\n\x1a\n")
    return file.getvalue()


def _onnx(canary) -> bytes:
    place = field(1, "location") + field(2, "../../../../etc/passwd")
    tensor = field(1, 3) + field(2, 1) + field(8, "w") + field(13, place) + field(14, 1)
    graph = field(1, field(4, "PythonOp") + field(1, "w") + field(2, "y"))
    return field(1, 8) + field(7, graph + field(5, tensor))


def _safetensors(header: bytes, data: bytes = b"", size: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if size is None else size) + header + data


def _tensor(start: int, end: int, shape: list[int]) -> bytes:
    entry = {"dtype": "F32", "shape": shape, "data_offsets": [start, end]}
    return json.dumps({"../../evil": entry}).encode()


HOSTILE = {
    "call.pth": lambda c: legacy(pickle.dumps(_call(c), protocol=2)),
    "call.pkl": lambda c: pickle.dumps({"w": _call(c)}, protocol=3),
    "call.bin": lambda c: pickle.dumps(_call(c), protocol=5),
    "nested.pt": _zip_in_zip,
    "call.npz": _npz,
    "call.mat": _mat,
    "call.keras": _keras,
    "soft_link.h5": lambda c: _hdf5(c, h5py.SoftLink("/block1_conv1")),
    "link.h5": lambda c: _hdf5(c, h5py.ExternalLink("/etc/passwd", "/")),
    "data_elsewhere.onnx": _onnx,
    "long_header.safetensors": lambda c: _safetensors(b"{}", size=2**62),
    "deep_header.safetensors": lambda c: _safetensors(b"[" * 10**5),
    "beyond.safetensors": lambda c: _safetensors(_tensor(0, 2**50, [2**48]), bytes(8)),
    "backwards.safetensors": lambda c: _safetensors(_tensor(8, 0, [2]), bytes(8)),
    "script.caffemodel": lambda c: f"#!/bin/sh\ntouch {c}\n".encode(),
    "code.py": lambda c: f"open({str(c)!r}, 'w')\n".encode(),
}


@pytest.fixture
def place(folder):
    """The working folder, and a canary that isn't there."""
    return folder, folder.parent / "canary"


def _said(capsys) -> str:
    """The one line of a command that refused."""
    output, errors = capsys.readouterr()
    (line,) = errors.splitlines()
    assert output == ""
    assert line.startswith(("nst-weights: ", "nst-jax: "))
    return line


# A process of their own reads them.
_ISOLATED = ("call.mat", "call.keras", "soft_link.h5", "link.h5")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in _ISOLATED else ())
        for name in HOSTILE
    ],
)
def test_weights_and_networks_run_nothing(place, capsys, name):
    folder, canary = place
    (folder / name).write_bytes(HOSTILE[name](canary))
    before = contents(folder.parent)
    apply = ("apply", "photos/a.png", f"--model={name}", "-o", "out.png", "--offline")
    for program, command in (
        (run_weights, ("convert", name, "--to=vgg19")),
        (run_weights, ("convert", name)),
        (run, apply),
    ):
        assert program(*command) == 1
        assert name in _said(capsys)
    assert not canary.exists()
    assert contents(folder.parent) == before


def test_what_those_files_hold_would_run(tmp_path):
    """So the test above can fail."""
    pickle.loads(HOSTILE["call.pkl"](tmp_path / "pickle"))["w"].close()
    pickle.loads(HOSTILE["call.bin"](tmp_path / "later")).close()
    file = io.BytesIO(HOSTILE["call.npz"](tmp_path / "npz"))
    with np.load(file, allow_pickle=True) as found:
        found["conv1_1/kernel"][0].close()
    for name in ("pickle", "later", "npz"):
        assert (tmp_path / name).exists()


@pytest.mark.parametrize(
    "name", ["../evil", "/tmp/evil", "a/../../evil", "vgg19\n", ""]
)
def test_no_name_of_a_network_is_a_path(folder, capsys, name):
    """Neither of one that is stored, nor of one that is fetched, shown or exported."""
    (folder / "w.npz").write_bytes(b"PK\x03\x04")
    before = contents(folder.parent)
    for command in (
        ("convert", "w.npz", f"--to={name}"),
        ("fetch", name),
        ("taps", name),
        ("verify", name),
        ("export", name, "out.safetensors"),
        ("normalize", name, "photos/a.png"),
    ):
        assert run_weights(*command) == 1, command
        _said(capsys)
    assert contents(folder.parent) == before


OUTSIDE = ("../evil.png", "/tmp/evil_of_nst.png", "a/../../evil.png", "..")


@pytest.mark.slow
def test_a_strangers_manifest_writes_and_deletes_nothing_outside(folder, capsys):
    """Its lines name what is elsewhere; the batch makes its own picture beside them."""
    files.write(folder.parent / "evil.png", picture(7))
    before = (folder.parent / "evil.png").read_bytes()
    (folder / "out").mkdir()
    pair = ("photos/a.png", "paintings/p.png")
    for name in OUTSIDE:
        for status in manifest.STATUSES:
            entry = manifest.Entry(name, *pair, "0" * 64, status)
            manifest.append(folder / "out/manifest.jsonl", entry)
    command = ("batch", *QUICK, "--contents=photos/a.png", "--styles=paintings/p.png")
    assert run(*command, "--steps=0", "--output_dir=out", "--offline") == 0
    capsys.readouterr()
    assert (folder.parent / "evil.png").read_bytes() == before
    assert sorted(path.name for path in folder.parent.iterdir()) == ["evil.png", "work"]
    assert (folder / "out/a_p.png").is_file()


@pytest.mark.parametrize(
    "name",
    [
        *("../{content}.png", "/tmp/{content}.png", "a/../../{content}.png"),
        *("{content.__class__}.png", "{content[0]}.png", "{content!r}.png", "{0}.png"),
        *("{content:>99999999}.png", "C:/{content}.png", "{content}/../../x.png"),
    ],
)
def test_no_template_leaves_the_folder_or_looks_into_python(folder, capsys, name):
    before = contents(folder.parent)
    command = ("batch", *QUICK, "--contents=photos/a.png", "--styles=paintings/p.png")
    assert run(*command, "--output_dir=out", "--offline", f"--name={name}") == 1
    assert "name=" in _said(capsys)
    assert contents(folder.parent) == before


@pytest.mark.slow
def test_names_in_a_strangers_table_stay_in_the_folder(folder, capsys):
    """Photos called like paths, commands and markup, named by a CSV file's line."""
    odd = ("..evil.png", "$(touch evil).png", "<script>alert(1)<.png", "a\nb.png")
    lines = ["content,style"]
    for name in odd:
        files.write(folder / name, picture(1))
        quoted = name.replace('"', '""')
        lines.append(f'"{quoted}",paintings/p.png')
    (folder / "pairs.csv").write_text("\n".join(lines) + "\n")
    outside = sorted(folder.parent.iterdir())
    command = ("batch", *QUICK, "--pairs=pairs.csv", "--output_dir=out", "--offline")
    assert run(*command, "--steps=0") == 0
    made = {path.name for path in (folder / "out").glob("*.png")}
    assert made == {
        "evil_p.png",
        "$(touch evil)_p.png",
        "_script_alert(1)__p.png",
        "a_b_p.png",
    }
    assert sorted(folder.parent.iterdir()) == outside
    assert not list(folder.rglob("evil"))
