"""NumPy's archives: numbers only, and no more of them than the file has."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from weights_convert import formats
from weights_convert.errors import WeightsError
from weights_convert.formats import npz


def _archive(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path


def _npy(header: str, data: bytes, version: bytes = b"\x01\x00") -> bytes:
    size = len(header).to_bytes(2 if version[0] == 1 else 4, "little")
    return b"\x93NUMPY" + version + size + header.encode() + data


def _header(descr: str = "<f4", order: str = "False", shape: str = "(2,)") -> str:
    return f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}}}\n"


@pytest.mark.parametrize("version", [b"\x01\x00", b"\x02\x00"])
def test_both_versions_of_the_header(tmp_path: Path, version: bytes) -> None:
    path = _archive(tmp_path / "a", w=_npy(_header(), bytes(8), version))
    assert formats.detect(path).name == "npz"
    assert npz.read(path)["w"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (_npy(_header(shape="(9999999999,)"), bytes(8)), "has 8 bytes for float32"),
        (_npy(_header(shape=f"({'9' * 400},)"), bytes(8)), "has 8 bytes for float32"),
        (_npy(_header(shape="(-1, -2)"), bytes(8)), "damaged"),
        (_npy(_header(shape=f"({'1,' * 40})"), bytes(4)), "has 4 bytes for float32"),
        (_npy(_header(shape="'ab'"), bytes(8)), "damaged"),
        (_npy(_header("|O"), bytes(16)), "holds object, not numbers"),
        (_npy(_header("<U4"), bytes(32)), "holds <U4, not numbers"),
        (_npy(_header("<f4", "1 + 1"), bytes(8)), "damaged"),
        (_npy("(" * 5000, b""), "damaged"),
        (_npy(_header(), bytes(8), b"\x07\x00"), "has the version (7, 0), not known"),
        (b"\x93NUMPY", "damaged"),
        (b"not an array", "damaged"),
    ],
)
def test_members_that_arent_arrays(tmp_path: Path, content: bytes, why: str) -> None:
    path = _archive(tmp_path / "a", w=content)
    with pytest.raises(WeightsError) as caught:
        npz.read(path)
    assert why in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_an_archive_that_expands_without_end(tmp_path: Path) -> None:
    file = io.BytesIO()
    np.savez_compressed(file, w=np.zeros(1 << 23, np.float32))
    (path := tmp_path / "a").write_bytes(file.getvalue())
    with pytest.raises(WeightsError, match="declares 33554560 bytes of contents in"):
        npz.read(path)


def test_other_archives_are_left_to_their_readers(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a", "w") as archive:
        archive.writestr("archive/data.pkl", b"")
        archive.writestr("w.npy", b"")
    assert not npz.matches(tmp_path / "a")
    (tmp_path / "b").write_bytes(b"PK\x03\x04" + bytes(40))
    assert not npz.matches(tmp_path / "b")
