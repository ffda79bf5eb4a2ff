"""The contact sheet of a folder."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nst_jax.collection import overview
from nst_jax.collection.wanted import Wanted
from nst_jax.images import files
from nst_jax.images.source import Source
from nst_jax.options import Options
from nst_jax.transfer.jobs import Job

PITCH = 256 + 24 + 8, 256 + 8
"""Rows and columns of cells with their labels and gaps."""


def grey(shade: float) -> np.ndarray:
    return np.full((20, 20, 3), shade, np.float32)


@pytest.fixture
def place(tmp_path, monkeypatch):
    for shade, name in enumerate("abpq"):
        files.write(tmp_path / f"{name}.png", grey(0.1 * shade))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def inside(row: int, column: int) -> np.ndarray:
    """A colour within a cell; row 0 and column 0 are the originals'."""
    sheet = files.read("contact_sheet.jpg")
    down, across = PITCH[0] * row + 60, PITCH[1] * column + 60
    # Originals have their gap on both sides.
    return sheet[down + (16 if row else 8), across + (16 if column else 8)]


def wanted(content: str, style: str, **varied: float) -> Wanted:
    job = Job(Source(f"{content}.png"), (Source(f"{style}.png"),), Options(**varied))
    name = f"{content}{style}{''.join(map(str, varied.values()))}.png"
    return Wanted(job, name, varied)


def test_results_are_where_photos_and_paintings_cross(place):
    pictures = [wanted(content, style) for content in "ab" for style in "pq"]
    for shade, one in enumerate(pictures[:3], 4):
        files.write(one.name, grey(0.1 * shade))
    overview.write(Path(), pictures)
    shades = {
        **{(0, 1): 0.2, (0, 2): 0.3},  # The paintings.
        **{(1, 0): 0.0, (1, 1): 0.4, (1, 2): 0.5},
        **{(2, 0): 0.1, (2, 1): 0.6},
    }
    for (row, column), shade in shades.items():
        np.testing.assert_allclose(inside(row, column), shade, atol=0.02)
    np.testing.assert_allclose(inside(2, 2), 1, atol=0.1)  # Missing: the sheet's white.


def test_what_varies_has_columns_of_its_own(place):
    pictures = [wanted("a", "p", style_weight=w) for w in (1.0, 9.0)]
    for shade, one in zip((0.5, 0.7), pictures, strict=True):
        files.write(one.name, grey(shade))
    overview.write(Path(), pictures)
    for column, shade in ((1, 0.5), (2, 0.7)):
        np.testing.assert_allclose(inside(1, column), shade, atol=0.02)
        np.testing.assert_allclose(inside(0, column), 0.2, atol=0.02)


def folder_of(photos: int, styles: int) -> list[Wanted]:
    for number in range(max(photos, styles)):
        files.write(f"c{number}.png", grey(0.01 * number))
    pictures = [wanted(f"c{c}", f"c{s}") for c in range(photos) for s in range(styles)]
    for one in pictures:
        files.write(one.name, grey(0.5))
    return pictures


def in_twenty_styles() -> list[Wanted]:
    """Of a photo alone, which makes them a wall."""
    files.write("c.png", grey(0.1))
    pictures = []
    for number in range(20):
        job = Job(Source("c.png"), (), Options(seed=number))
        pictures.append(Wanted(job, f"c{number}.png", {"seed": number}))
        files.write(pictures[-1].name, grey(0.5))
    return pictures


@pytest.mark.parametrize("made", [lambda: folder_of(5, 4), in_twenty_styles])
def test_a_sheet_is_held_once(place, made):
    """What Pillow holds, 4 bytes a pixel, isn't counted; arrays and bytes are."""
    pictures = made()
    overview.write(Path(), pictures[:1])  # What is loaded once.
    tracemalloc.start()
    try:
        overview.write(Path(), pictures)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    with Image.open("contact_sheet.jpg") as sheet:
        pixels = sheet.width * sheet.height
    assert pixels > 1_500_000
    assert peak < 6 * pixels  # As floats it is 12, and was 40 with their copies.
