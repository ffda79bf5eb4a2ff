"""A folder of photos and paintings, as a batch finds it."""

import csv
from pathlib import Path

from nst_jax.images import files
from support import batch_pictures


def picture(seed, height=66, width=48):
    return batch_pictures.picture(seed, height, width)


def fill(folder: Path) -> None:
    """Puts in two photos and a file that is none, and two paintings, in folders."""
    for name in ("photos", "paintings"):
        (folder / name).mkdir()
    files.write(folder / "photos/a.png", picture(1))
    files.write(folder / "photos/b.png", picture(2))
    files.write(folder / "paintings/p.png", picture(3, 40, 33))
    files.write(folder / "paintings/q.jpg", picture(4, 50, 33))
    (folder / "photos" / "notes.txt").write_text("no picture")


def write_csv(path, *rows, encoding="utf-8"):
    with open(path, "w", newline="", encoding=encoding) as file:
        csv.writer(file).writerows(rows)
