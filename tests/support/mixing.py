"""A studio that needs no network: it lays the painting over the photo."""

import numpy as np

from bench.quality import painters
from bench.quality.painters import NotPaintedError, Painted, Studio


class Mixing(Studio):
    """Systems "weak" and "strong" lay on more or less; a second is ten steps.

    Attributes:
      made: system, pair, share and steps of each picture.
    """

    def __init__(self, **_):
        """Takes what a studio takes, and needs none of it."""
        self.made = []

    def paint(self, system, pair, *, share, size, steps=0):
        """See `Studio`; the system "failing" fails."""
        self.made.append((system.name, pair.name, share, steps))
        if system.name == "failing":
            raise NotPaintedError("failing: it fails")
        photo = painters.photo_of(pair, size)
        painting = painters.painting_of(pair, size)[: len(photo), : photo.shape[1]]
        over = {"photo": 0.0, "weak": 0.3, "strong": 0.8}[system.name]
        over *= {0.25: 0.5, 1.0: 1.0, 4.0: 1.2}[share]
        image = ((1 - over) * photo + over * painting).astype(np.float32)
        steps = 0 if system.kind == "photo" else steps or 50
        return Painted(image, steps, steps / 10)
