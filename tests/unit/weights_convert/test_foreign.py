"""What a file is that holds no weights, and what happened."""

import bz2
import gzip
import io
import lzma
import os
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from weights_convert import formats
from weights_convert.errors import WeightsError


def _tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("vgg19.pth"))
    return out.getvalue()


def _zip(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, b"x" * 1000)
    return out.getvalue()


def _picture(kind: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, kind)
    return out.getvalue()


def _array() -> bytes:
    out = io.BytesIO()
    np.save(out, np.zeros(3))
    return out.getvalue()


TEXTS = {
    b"<!DOCTYPE html>\n<html>": "a web page, not weights: the download failed, or",
    b"\n\n <HTML><head>": "a web page, not weights: the download failed, or",
    b"\xef\xbb\xbf<!-- x -->\n<html lang='de'>": "a web page, not weights: ",
    b"<?xml version='1.0'?><Error><Code>AccessDenied</Code>": (
        r"an XML answer of a server \(AccessDenied\), not weights: the download failed"
    ),
    b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n": (
        "a Git LFS pointer, not weights: it only names the file; get that with `git lf"
    ),
    b'{"message": "Not Found"}': "JSON text, not weights: a server's answer, or",
    b'[\n  {"name": 1}]': "JSON text, not weights: ",
    b"Error 429: too many requests": "text, not weights: get the weights' file",
    "Zugriff verweigert: für Gäste".encode(): "text, not weights: ",
}
BYTES = {
    gzip.compress(
        b"x" * 99, mtime=0
    ): "a gzip archive, not a weights file: unpack it, and con",
    bz2.compress(b"x" * 99): "a bzip2 archive, ",
    lzma.compress(b"x" * 99): "an xz archive, ",
    _tar(): "a tar archive, ",
    _picture("PNG"): r"a picture \(PNG\), not a weights file: ",
    _picture("JPEG"): r"a picture \(JPEG\), not a weights file: ",
    _array(): "a single NumPy array, not a weights file: ",
    bytes(5000): "begins with zeros alone, as of a download that was cut; get it again",
    b"\4\0\0\0\1\0\0\0\3\0\0\0V 1": "a Torch 7 file, not a weights file: take Caffe",
}
ARCHIVES = {
    _zip("a/vgg19.caffemodel", "a/readme"): "a zip archive of 'a/vgg19.caffemodel': un",
    _zip("a/vgg19.onnx", "a/readme"): "a zip archive of 'a/vgg19.onnx': unpack it",
    _zip("a.jpg", "b.jpg"): "a zip archive of 2 files, none of them weights known here",
    _zip("a.pth")[:500]: "its end is missing, as of a download that was cut",
}


@pytest.mark.parametrize(("content", "line"), [*TEXTS.items(), *BYTES.items()])
def test_what_it_is_and_what_happened(
    tmp_path: Path, content: bytes, line: str
) -> None:
    path = tmp_path / "vgg19.pth"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=f"^{path}: {line}"):
        formats.detect(path)


@pytest.mark.parametrize(("content", "line"), ARCHIVES.items())
def test_archives_say_what_is_in_them(
    tmp_path: Path, content: bytes, line: str
) -> None:
    path = tmp_path / "vgg19.pth"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=f"^{path}: .*{line}"):
        formats.detect(path).read(path)


@pytest.mark.parametrize("length", [0x7B, 0x8B1F, 0x5A42])
def test_a_length_that_looks_like_text_is_none(tmp_path: Path, length: int) -> None:
    # safetensors begins with its header's length: as "{", as gzip's and bzip2's bytes.
    header = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'.ljust(length)
    path = tmp_path / "w.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + header + bytes(4))
    assert formats.detect(path).name == "safetensors"
    assert formats.detect(path).read(path).keys() == {"a"}


@pytest.mark.parametrize("place", ["/dev/zero", "/dev/null", "pipe", "folder"])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, place: str) -> None:
    path = tmp_path / place
    if place == "pipe":
        os.mkfifo(path)
    elif place == "folder":
        path.mkdir()
    with pytest.raises(WeightsError, match=r"is a device or a pipe|Is a directory"):
        formats.detect(path)
