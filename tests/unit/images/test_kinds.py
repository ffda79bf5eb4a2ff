"""Which kinds of files are read, and what is said of those that aren't."""

import pytest
from PIL import Image

from nst_jax.errors import ImageError
from nst_jax.images import files, kinds

EPS = (
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"
    b"0 0 moveto 9 9 lineto stroke showpage\n%%EOF\n"
)


@pytest.mark.parametrize("name", ["a.eps", "a.jpg", "a"])
def test_no_picture_starts_a_program(tmp_path, monkeypatch, name):
    program, trace = tmp_path / "gs", tmp_path / "started"
    program.write_text(f"#!/bin/sh\ntouch {trace}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    (tmp_path / name).write_bytes(EPS)
    for attempt in (files.read, files.shape, files.read_description):
        with pytest.raises(ImageError, match="is an EPS or PostScript file, which can"):
            attempt(tmp_path / name)
    assert not trace.exists()


def test_every_kind_is_decoded_by_pillow_itself():
    found = kinds.endings()
    assert found >= {".jpg", ".jpeg", ".png", ".webp", ".tif", ".avif", ".mpo", ".psd"}
    assert set(kinds.READ) <= set(Image.OPEN)
    assert not found & {".eps", ".ps", ".wmf", ".emf", ".hdf", ".fits", ".mpg", ".pdf"}
    assert not any(kinds.unread(f"a{ending}") for ending in found)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC picture"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "a HEIC picture"),
        (b"\xff\x0a\xfa\x1f", "a JPEG XL picture"),
        (b"\n<!DOCTYPE html>\n<html>", "a web page (a download that failed?)"),
        (b"\xef\xbb\xbf<HTML lang=en>", "a web page (a download that failed?)"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
        (b"%PDF-1.7", "a PDF file"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
    ],
)
def test_what_a_file_is_decides_not_its_name(tmp_path, content, kind):
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(ImageError) as caught:
        files.read(tmp_path / "a.jpg")
    assert str(caught.value).startswith(f"{tmp_path}/a.jpg: is {kind}")
    assert str(caught.value).endswith(", which can't be read; give a PNG or JPEG")


def test_a_name_tells_where_the_content_does_not(tmp_path):
    (tmp_path / "a.HEIC").write_bytes(b"who knows")
    with pytest.raises(ImageError, match="is a HEIC picture, which can't be read"):
        files.read(tmp_path / "a.HEIC")
    # A JPEG by that name, as phones make them, is one.
    Image.new("RGB", (8, 8)).save(tmp_path / "b.heic", "JPEG")
    assert files.read(tmp_path / "b.heic").shape == (8, 8, 3)


@pytest.mark.parametrize("ending", [".nef", ".DNG", ".cr2"])
def test_a_raw_files_preview_is_no_photo(tmp_path, ending):
    path = tmp_path / f"a{ending}"
    Image.new("RGB", (16, 12)).save(path, "TIFF")
    with pytest.raises(
        ImageError, match=r"is a camera's raw file, .* export it as JPEG"
    ):
        files.read(path)


def test_what_is_left_out_is_one_line():
    assert kinds.left_out(["a.png", "notes.txt", "heic"]) is None
    one = "1 HEIC (.heic) picture can't be read and is left out: export it as JPEG"
    assert kinds.left_out(["a.png", "b/IMG_1.HEIC"]) == one
    many = [*("1.heic", "2.HIF", "3.NEF", "4.nef", "5.cr2", "6.jxl"), "x.jpg"]
    assert kinds.left_out(many) == (
        "2 HEIC (.heic, .hif), 3 raw (.cr2, .nef) and 1 JPEG XL (.jxl) pictures can't "
        "be read and are left out: export them as JPEG"
    )
