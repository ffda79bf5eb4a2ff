"""The pictures that a caller gives, read and brought to their working sizes."""

import dataclasses
import os
from collections.abc import Callable, Sequence

import jax
import numpy as np

from nst_jax.images import files, resize
from nst_jax.options import STARTS, Options

Picture = str | os.PathLike | np.ndarray | jax.Array
"""A file's path, or float `[h, w, 3]`, sRGB in [0, 1]."""

Report = Callable[[str], None]


@dataclasses.dataclass(frozen=True, eq=False)
class Pictures:
    """What one result is made of, `[h, w, 3]` float32 each, in [0, 1].

    Attributes:
      content: the photo at the size of the result.
      styles: the paintings at the sizes at which their strokes count.
      start: of any size; None where `options.init` is content or noise.
      options: of this result.
    """

    content: np.ndarray
    styles: tuple[np.ndarray, ...]
    start: np.ndarray | None
    options: Options

    def start_at(self, size: int) -> np.ndarray:
        """The picture to start from, of the content's shape at that longest side."""
        height, width, _ = self.content.shape
        shape = resize.fit(height, width, size)
        if self.options.init == "noise":
            rng = np.random.default_rng(self.options.seed)
            return rng.random((*shape, 3), np.float32)
        start = self.content if self.start is None else self.start
        return resize.resize(start, shape)


class Reader:
    """Reads pictures, each file and size once, for results that share them."""

    def __init__(self, report: Report | None = None):
        """`report` takes lines for the user, such as transparency in a picture."""
        self._report = report
        self._said: set[str] = set()
        self._known: dict[tuple[object, int | None], np.ndarray] = {}
        self._given: list[Picture] = []  # Kept, so that no other gets their id.

    def read(
        self, content: Picture, styles: Sequence[Picture], options: Options
    ) -> Pictures:
        """The pictures of one result.

        Raises:
          ImageError: a picture that can't be read, or an array that is none.
        """
        longest = style_size(options.size, options)
        start = None
        if options.init == "style":
            start = self._at(styles[0], None)
        elif options.init not in STARTS:
            start = self._at(options.init, None)
        return Pictures(
            self._at(content, options.size),
            tuple(self._at(style, longest) for style in styles),
            start,
            options,
        )

    def _at(self, picture: Picture, size: int | None) -> np.ndarray:
        if isinstance(picture, str | os.PathLike):
            key: tuple[object, int | None] = os.fspath(picture), size
        else:
            key = id(picture), size
        if key not in self._known:
            self._given.append(picture)
            image = _read(picture, self._say)
            self._known[key] = resize.resize_longest(image, size) if size else image
        return self._known[key]

    def _say(self, line: str) -> None:
        # A picture is read for each of its sizes: the same lines come again.
        if self._report and line not in self._said:
            self._report(line)
        self._said.add(line)


def style_size(size: int, options: Options) -> int:
    """Longest side of the paintings for a result whose longest side is `size`."""
    return max(1, round(size * options.style_scale))


def _read(picture: Picture, report: Report) -> np.ndarray:
    if isinstance(picture, str | os.PathLike):
        return files.read(picture, report=report)
    picture = np.asarray(picture)
    fits = picture.ndim == 3 and picture.shape[2] == 3 and picture.size > 0
    if not fits or picture.dtype.kind != "f":
        raise files.ImageError(
            f"array of shape {picture.shape} and dtype {picture.dtype}: a picture is "
            "float [h, w, 3], sRGB in [0, 1] (divide uint8 values by 255)"
        )
    if not (np.isfinite(picture).all() and 0 <= picture.min() <= picture.max() <= 1):
        raise files.ImageError("array values outside of [0, 1]: divide them by 255?")
    return picture.astype(np.float32)
