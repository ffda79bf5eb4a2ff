"""A working folder with photos and paintings, as the commands find it."""

import contextlib
import csv
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from nst_jax.images import files, resize


def picture(seed: int, height: int = 66, width: int = 48) -> np.ndarray:
    """`[height, width, 3]` float32 in [0, 1], smooth."""
    coarse = np.random.default_rng(seed).random((7, 5, 3), np.float32)
    return resize.resize(coarse, (height, width))


@contextlib.contextmanager
def working_in(folder: Path, home: Path) -> Iterator[None]:
    """Fills a folder and works in it, with the weights stored in `home`."""
    fill(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("NST_JAX_HOME", str(home))
        yield


def fill(folder: Path) -> None:
    """Puts in two photos and a file that is none, and two paintings, in folders.

    Photos are of one shape, and so are paintings: one program does for all.
    """
    for name in ("photos", "paintings"):
        (folder / name).mkdir()
    files.write(folder / "photos/a.png", picture(1))
    files.write(folder / "photos/b.png", picture(2))
    files.write(folder / "paintings/p.png", picture(3, 40, 33))
    files.write(folder / "paintings/q.jpg", picture(4, 40, 33))
    (folder / "photos/notes.txt").write_text("no picture")


def odd_files(folder: Path) -> list[str]:
    """Makes a folder of files that nobody should read to their end; their names."""
    folder.mkdir()
    os.mkfifo(folder / "pipe.png")
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "zero.png").symlink_to("/dev/zero")
    (folder / "far.png").touch()
    os.truncate(folder / "far.png", 2**32)
    return ["far.png", "loop.png", "pipe.png", "zero.png"]


def write_csv(path: Path | str, *rows: Sequence[str], encoding: str = "utf-8") -> None:
    with open(path, "w", newline="", encoding=encoding) as file:
        csv.writer(file).writerows(rows)


def contents(folder: Path) -> dict[str, bytes]:
    """All that is in a folder, and in those within it, by name."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def folder(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, filled, with the weights of `home` in the store."""
    place = tmp_path / "work"
    place.mkdir()
    fill(place)
    monkeypatch.chdir(place)
    monkeypatch.setenv("NST_JAX_HOME", str(home))
    return place
