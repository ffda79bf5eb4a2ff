"""EXIF orientation: the eight ways to hold a camera, against arrays turned by hand."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.png_files import RGB, chunk, write_png

from nst_jax.images import files

# What to do with the stored array, from the meaning of the tag (where the first row and
# the first column of the upright picture are; EXIF 2.3, table 7).
UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: a.transpose(1, 0, 2)[:, ::-1],
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: a.transpose(1, 0, 2)[::-1],
}
# 2 x 3 blocks of 16 pixels, all different, so that JPEG keeps them apart.
BLOCKS = np.array(
    [[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[0, 0, 0], [128, 128, 0], [255] * 3]],
    np.uint8,
)
STORED = BLOCKS.repeat(16, axis=0).repeat(16, axis=1)


SIZE = STORED.shape[:2]
FRAME = (SIZE, 8, RGB, [row.tobytes() for row in STORED])
KINDS = ("jpg", "png", "webp", "tif", "avif", "mpo")
BEST = {
    "jpg": {"quality": 95, "subsampling": 0},
    "mpo": {"quality": 95, "subsampling": 0},
    "webp": {"lossless": True},
    "avif": {"quality": 100, "subsampling": "4:4:4"},
}


def exif_of(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def xmp_of(orientation: int) -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/'
        '1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:tiff="http://ns.adobe.com/'
        f'tiff/1.0/" tiff:Orientation="{orientation}"/></rdf:RDF></x:xmpmeta>'
    ).encode()


def exif_chunk(orientation: int) -> bytes:
    return chunk(b"eXIf", exif_of(orientation).tobytes().removeprefix(b"Exif\0\0"))


def xmp_chunk(orientation: int) -> bytes:
    return chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp_of(orientation))


def save(path: Path, orientation: int) -> Path:
    exif = exif_of(orientation)
    Image.fromarray(STORED).save(path, exif=exif, **BEST.get(path.suffix[1:], {}))
    return path


def check(path: Path, upright: np.ndarray, tolerance: float) -> None:
    """Read as it should be, and of the shape that is known before."""
    image = files.read(path)
    assert image.shape == upright.shape
    np.testing.assert_allclose(image, upright, atol=tolerance)
    assert files.shape(path) == image.shape[:2], path.name


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_every_kind_of_file(tmp_path, kind, orientation):
    path = save(tmp_path / f"a.{kind}", orientation)
    tolerance = 1e-7 if kind in ("png", "webp", "tif") else 0.06
    check(path, UPRIGHT[orientation](STORED) / 255, tolerance)


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_png_chunks_before_and_behind_the_pixels(tmp_path, orientation):
    upright = UPRIGHT[orientation](STORED) / 255
    comment = chunk(b"tEXt", b"date:create\x002026-01-01")
    for made in (exif_chunk, xmp_chunk):
        turned = made(orientation)
        check(write_png(tmp_path / "a.png", *FRAME, turned), upright, 1e-7)
        behind = comment + turned
        check(write_png(tmp_path / "b.png", *FRAME, behind=behind), upright, 1e-7)


@pytest.mark.parametrize("kind", ["jpg", "webp", "tif"])
def test_xmp_alone(tmp_path, kind):
    path, xmp = tmp_path / f"a.{kind}", xmp_of(6)
    how = {"tiffinfo": {700: xmp}} if kind == "tif" else {"xmp": xmp}
    Image.fromarray(STORED).save(path, **how, **BEST.get(kind, {}))
    check(path, UPRIGHT[6](STORED) / 255, 0.06 if kind == "jpg" else 1e-7)


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_16_bit_grey_is_turned_too(tmp_path, orientation):
    values = np.arange(6, dtype=np.uint16).reshape(2, 3) * 1001
    for kind in ("png", "tif"):
        path = tmp_path / f"a.{kind}"
        Image.fromarray(values).save(path, exif=exif_of(orientation))
        upright = UPRIGHT[orientation](np.stack([values] * 3, axis=-1)) / 65535
        check(path, upright, 1e-6)


@pytest.mark.parametrize("kind", ["gif", "bmp", "ppm", "tga", "pcx", "sgi", "dds"])
def test_kinds_that_are_never_turned(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    Image.fromarray(STORED).save(path)
    assert files.shape(path) == files.read(path).shape[:2] == SIZE


@pytest.mark.parametrize(
    "broken", [b"no TIFF header here", exif_of(6).tobytes()[6:-14], b""]
)
def test_broken_exif_is_ignored(tmp_path, broken):
    upright = STORED / np.float32(255)
    chunks = chunk(b"eXIf", broken)
    check(write_png(tmp_path / "a.png", *FRAME, chunks), upright, 1e-7)
    check(write_png(tmp_path / "b.png", *FRAME, behind=chunks), upright, 1e-7)


def test_broken_exif_is_reported(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(STORED).save(path, exif=b"Exif\0\0no TIFF header here")
    lines: list[str] = []
    files.read(path, report=lines.append)
    message = "has broken EXIF data; ignored it, check that the picture is upright"
    assert lines == [f"{path}: {message}"]
