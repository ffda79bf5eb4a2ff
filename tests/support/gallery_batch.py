"""A batch of 2 photos x 2 paintings, as a gallery shows it."""

import dataclasses

import numpy as np

from nst_jax.collection import gallery, manifest
from nst_jax.images import files
from nst_jax.options import Options
from support.html_tree import parsed

COLOURS = {"cat": 0.15, "dog": 0.35, "dots": 0.6, "glass": 0.8}


@dataclasses.dataclass
class Batch:
    """Pictures in a folder, the entries about them, and the path of their page."""

    folder: object
    entries: list
    page: object

    def write(self, entries=None, **options):
        shown = self.entries if entries is None else entries
        gallery.write(self.page, "A batch", shown, self.folder, **options)
        return parsed(self.page)


def made(folder):
    """Originals in `folder`, which has to be the working directory; results in out/."""
    out = folder / "out"
    out.mkdir()
    for name, grey in COLOURS.items():
        files.write(folder / f"{name}.png", np.full((330, 660, 3), grey, np.float32))
    entries = []
    for content in "cat", "dog":
        for style in "dots", "glass":
            grey = (COLOURS[content] + COLOURS[style]) / 2
            picture = np.full((200, 400, 3), grey, np.float32)
            files.write(out / f"{content}_{style}.png", picture)
            entries.append(_entry(content, style))
    return Batch(out, entries, out / "index.html")


def _entry(content, style):
    return manifest.Entry(
        output=f"{content}_{style}.png",
        content=f"{content}.png",
        style=f"{style}.png",
        key="0",
        status="done",
        options=dataclasses.asdict(Options(steps=7)),
        loss=12.5,
        iterations=7,
        seconds=3.25,
        losses=[[0, 100.0], [7, 12.5]],
        size=[400, 200],
        versions={"jax": "0.10.2"},
        device="a test",
    )
