"""The pictures that a caller gives, read and brought to their working sizes."""

import dataclasses
import os
from collections.abc import Callable, Sequence

import jax
import numpy as np

from nst_jax.images import coloring, files, noise, resize
from nst_jax.options import STARTS, Options

Picture = str | os.PathLike | np.ndarray | jax.Array
"""A file's path, or float `[h, w, 3]`, sRGB in [0, 1]."""

Report = Callable[[str], None]


@dataclasses.dataclass(frozen=True, eq=False)
class Pictures:
    """What one result is made of, `[h, w, 3]` float32 each, in [0, 1].

    Attributes:
      content: the photo at the size of the result, as the network is to see it.
      styles: the paintings at the sizes at which their strokes count, in their own
        colours.
      start: of any size; None where `options.init` is content or a kind of noise.
      options: of this result. All of the pictures have its aspect ratio, if any.
      photo: in its own colours; None if those are the content's.
    """

    content: np.ndarray
    styles: tuple[np.ndarray, ...]
    start: np.ndarray | None
    options: Options
    photo: np.ndarray | None = None

    def start_at(self, size: int) -> np.ndarray:
        """The picture to start from, of the content's shape at that longest side."""
        height, width, _ = self.content.shape
        shape = resize.fit(height, width, size)
        if make := noise.KINDS.get(self.options.init):
            return make(np.random.default_rng(self.options.seed), shape)
        content = resize.resize(self.content, shape)
        if self.start is None:
            return content
        start = resize.resize(self.start, shape)
        return coloring.of_start(start, content, self.options)

    def finished(self, image: np.ndarray) -> np.ndarray:
        """An optimised image, of one of the run's sizes, as it is shown."""
        photo = self.content if self.photo is None else self.photo
        return coloring.of_result(
            image, resize.resize(photo, image.shape[:2]), self.options
        )


class Reader:
    """Reads pictures, each file and size once, for results that share them."""

    def __init__(self, report: Report | None = None):
        """`report` takes lines for the user, such as transparency in a picture."""
        self._report = report
        self._said: set[str] = set()
        self._known: dict[tuple[object, int | None, str | None], np.ndarray] = {}
        self._contents: dict[tuple[int, bool], np.ndarray] = {}
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
            start = self._at(styles[0], None, options.crop)
        elif options.init not in STARTS:
            start = self._at(options.init, None, options.crop)
        photo = self._at(content, options.size, options.crop)
        seen = self._content(photo, options)
        return Pictures(
            seen,
            tuple(self._at(style, longest, options.crop) for style in styles),
            start,
            options,
            None if seen is photo else photo,
        )

    def _content(self, photo: np.ndarray, options: Options) -> np.ndarray:
        # `photo` is kept by `_known`: no other gets its id.
        key = id(photo), coloring.luminance_alone(options)
        if key not in self._contents:
            self._contents[key] = coloring.of_content(photo, options)
        return self._contents[key]

    def _at(self, picture: Picture, size: int | None, crop: str | None) -> np.ndarray:
        is_path = isinstance(picture, str | os.PathLike)
        name: object = os.fspath(picture) if is_path else id(picture)  # type: ignore[arg-type]
        key = name, size, crop
        if key not in self._known:
            self._given.append(picture)
            self._known[key] = _sized(_read(picture, self._say), size, crop)
        return self._known[key]

    def _say(self, line: str) -> None:
        # A picture is read for each of its sizes: the same lines come again.
        if self._report and line not in self._said:
            self._report(line)
        self._said.add(line)


def style_size(size: int, options: Options) -> int:
    """Longest side of the paintings for a result whose longest side is `size`."""
    return max(1, round(size * options.style_scale))


def _sized(image: np.ndarray, size: int | None, crop: str | None) -> np.ndarray:
    """`image`, cropped to a ratio "width:height" and resized to a longest side."""
    if crop is None:
        return resize.resize_longest(image, size) if size else image
    width, height = (int(part) for part in crop.split(":"))
    image = resize.crop(image, (height, width))
    # Of pictures of all shapes exactly the same size.
    return resize.resize(image, resize.fit(height, width, size)) if size else image


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
