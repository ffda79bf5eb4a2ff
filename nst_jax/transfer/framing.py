"""Pictures of many results brought to a size, in frames that they share."""

import collections
import math
import weakref
from collections.abc import Hashable, MutableMapping, Sequence

import numpy as np

from nst_jax.images import coloring, resize
from nst_jax.images.frames import Framed, Shape, frames
from nst_jax.transfer.pictures import Pictures, style_size
from nst_jax.transfer.problem import Lane

_Tables = dict[Shape, dict[int, Shape]]
"""Frames by the shape of a picture and the longest side that it gets."""

_KEPT = 2**25
"""Pixels of framed paintings that are kept: 128 of 512 x 512."""


class Framing:
    """The frames of photos and paintings at every size of a run.

    Photos that share a frame at the full size share one at every size; so do paintings.
    Where one has padding, programs are told the extents of all: each serves its frame.
    A framed picture lives as long as a lane that it is in. As every photo needs the
    paintings anew, those framed last are kept beyond that: in as many colours as the
    photos give them.
    """

    def __init__(self, results: Sequence[Pictures], sizes: Sequence[int]):
        """Chooses the frames.

        Args:
          results: all that are to share them.
          sizes: of the run, the full one last.
        """
        self._size = sizes[-1]
        contents = {id(p.content): (p.content, sizes) for p in results}
        styles: dict[Hashable, tuple[np.ndarray, Sequence[int]]] = {}
        for p in results:
            sides = tuple(style_size(size, p.options) for size in sizes)
            styles |= {(id(s), sides): (s, sides) for s in p.styles}
        self._contents = _frames(list(contents.values()))
        self._styles = _frames(list(styles.values()))
        # A photo that is a painting too has a frame of each kind.
        self._framed: MutableMapping[tuple[int, int, Shape], Framed]
        self._framed = weakref.WeakValueDictionary()
        self._recolored: MutableMapping[Hashable, Framed]
        self._recolored = weakref.WeakValueDictionary()
        self._kept: collections.deque[Framed] = collections.deque()
        self._results = tuple(results)  # Kept, so that no other array gets their id.

    def frame(self, pictures: Pictures, size: int | None = None) -> Shape:
        """Height and width of the frame of a result's photo; None: at the full size."""
        return self._contents[pictures.content.shape[:2]][size or self._size]

    def lane(self, pictures: Pictures, size: int) -> Lane:
        """The pictures of one result, framed, for a longest side of `size`."""
        content = self._at(pictures.content, size, self._contents)
        styles = [
            self._painting(style, pictures, size, content) for style in pictures.styles
        ]
        self._keep(styles)
        return Lane(content, styles, pictures.options)

    def _painting(
        self, style: np.ndarray, pictures: Pictures, size: int, content: Framed
    ) -> Framed:
        longest = style_size(size, pictures.options)
        plain = self._at(style, longest, self._styles)
        color = pictures.options.color
        if color == "style":
            return plain
        key = id(style), longest, id(pictures.content), size, color
        framed = self._recolored.get(key)
        if framed is None:
            recolored = coloring.of_painting(
                plain.cut(plain.pixels), content.cut(content.pixels), pictures.options
            )
            framed = self._recolored[key] = Framed.put(
                recolored, plain.pixels.shape[:2], masked=plain.masked
            )
        return framed

    def _at(self, image: np.ndarray, side: int, tables: _Tables) -> Framed:
        frame = tables[image.shape[:2]][side]
        key = id(image), side, frame
        framed = self._framed.get(key)
        if framed is None:
            resized = resize.resize_longest(image, side)
            masked = frame in _padded(tables)
            framed = self._framed[key] = Framed.put(resized, frame, masked=masked)
        return framed

    def _keep(self, paintings: Sequence[Framed]) -> None:
        self._kept.extend(p for p in paintings if p not in self._kept)
        pixels = sum(math.prod(p.pixels.shape[:2]) for p in self._kept)
        while pixels > _KEPT:
            pixels -= math.prod(self._kept.popleft().pixels.shape[:2])


def _padded(tables: _Tables) -> set[Shape]:
    """Frames in which a picture has padding."""
    return {
        frame
        for (height, width), table in tables.items()
        for side, frame in table.items()
        if frame != resize.fit(height, width, side)
    }


def _frames(
    images: Sequence[tuple[np.ndarray, Sequence[int]]],
) -> _Tables:
    """The frames of images and the longest sides that they get."""
    largest = frames([image.shape[:2] for image, _ in images])
    joined: dict[tuple[Shape, int], Shape] = {}
    for image, sides in images:
        shape = image.shape[:2]
        for place, side in enumerate(sides):
            key = largest[shape], place
            height, width = resize.fit(shape[0], shape[1], side)
            down, across = joined.get(key, (0, 0))
            joined[key] = max(down, height), max(across, width)
    tables: _Tables = {}
    for image, sides in images:
        shape = image.shape[:2]
        frames_of_shape = {
            side: joined[largest[shape], place] for place, side in enumerate(sides)
        }
        # Paintings of one shape may differ by a pixel below the full size.
        tables.setdefault(shape, {}).update(frames_of_shape)
    return tables
