"""What a file is that holds no weights: most often, what a failed download left.

Signatures: https://www.garykessler.net/library/file_sigs.html; a Git LFS pointer's
first line: git-lfs/docs/spec.md.
"""

import re
from pathlib import Path

_HEAD = 4096

_PAGE = "a web page"
_XML = "an XML answer of a server"
_POINTER = "a Git LFS pointer"
_JSON = "JSON text"

# What happened, or what to do.
_ADVICE = {
    _PAGE: "the download failed, or the link is to a page about the file; get it again",
    _XML: "the download failed; get it again",
    _POINTER: "it only names the file; get that with `git lfs pull`, or by its link",
    _JSON: "a server's answer, or a description of weights; get the weights' file",
}

_ARCHIVE = "unpack it, and convert what is in it"
_OTHER = "nothing that is read here"
_SIGNATURES: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"\x1f\x8b", "a gzip archive", _ARCHIVE),
    (0, b"BZh", "a bzip2 archive", _ARCHIVE),
    (0, b"\xfd7zXZ\0", "an xz archive", _ARCHIVE),
    (0, b"\x28\xb5\x2f\xfd", "a zstd archive", _ARCHIVE),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", _ARCHIVE),
    (0, b"Rar!", "a RAR archive", _ARCHIVE),
    (257, b"ustar", "a tar archive", _ARCHIVE),
    (0, b"\x93NUMPY", "a single NumPy array", _OTHER),
    (0, b"GGUF", "a GGUF file", _OTHER),
    (4, b"TFL3", "a TensorFlow Lite model", _OTHER),
    (0, b"\x04\0\0\0\x01\0\0\0", "a Torch 7 file", "take Caffe's file"),
    (0, b"\x89PNG", "a picture (PNG)", _OTHER),
    (0, b"\xff\xd8\xff", "a picture (JPEG)", _OTHER),
    (0, b"%PDF", "a PDF document", _OTHER),
)


def sent_instead(head: bytes) -> str | None:
    """What a server sent in a file's place, by its first bytes: `a web page`.

    None for what may be a file.
    """
    return _kind(head[:_HEAD])


def describe_answer(path: Path) -> str | None:
    """What a page or the like is, and what to do; None for what may be weights."""
    head = _head(path)
    kind = _kind(head)
    if kind is None:
        return None
    code = re.search(rb"<Code>(\w{1,40})</Code>", head) if kind == _XML else None
    said = f" ({code[1].decode()})" if code else ""
    return f"{kind}{said}, not weights: {_ADVICE[kind]}"


def describe(path: Path) -> str | None:
    """What a file is that no reader knows, and what to do; None: nobody knows."""
    head = _head(path)
    if not head.strip(b"\0"):
        return "begins with zeros alone, as of a download that was cut; get it again"
    for offset, signature, kind, advice in _SIGNATURES:
        if head[offset:].startswith(signature):
            return f"{kind}, not a weights file: {advice}"
    if len(head) > 15 and _is_text(head):  # of bytes, one in eight would be control
        return "text, not weights: get the weights' file"
    return None


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD)


def _is_text(head: bytes) -> bool:
    return not ({*range(32)} - {*b"\t\n\f\r\x1b"}) & {*head}


def _kind(head: bytes) -> str | None:
    """The kind of text that servers answer with; None for all else."""
    begin = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if not _is_text(head):
        return None
    if b"<html" in begin or b"<!doctype html" in begin or begin.startswith(b"<head"):
        return _PAGE
    if begin.startswith((b"<?xml", b"<error")):
        return _XML
    if begin.startswith(b"version https://git-lfs"):
        return _POINTER
    return _JSON if re.match(rb'\{\s*["}]|\[\s*["{\[\]\d-]', begin) else None
