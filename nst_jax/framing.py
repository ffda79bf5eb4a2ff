"""Pictures of many results brought to a size, in frames that they share."""

from collections.abc import Hashable, Sequence

import numpy as np

from nst_jax.images import resize
from nst_jax.images.frames import Framed, Shape, frames
from nst_jax.pictures import Pictures, style_size
from nst_jax.problem import Lane


class Framing:
    """The frames of photos and paintings at every size of a run.

    Photos that share a frame at the full size share one at every size; so do paintings.
    A picture is resized and framed once a size, whatever the number of its results.
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
        self._framed: dict[tuple[int, int, Shape], Framed] = {}
        self._results = tuple(results)  # Kept, so that no other array gets their id.

    def frame(self, pictures: Pictures) -> Shape:
        """Height and width of the frame of a result's photo at the full size."""
        return self._contents[pictures.content.shape[:2]][self._size]

    def lane(self, pictures: Pictures, size: int) -> Lane:
        """The pictures of one result, framed, for a longest side of `size`."""
        longest = style_size(size, pictures.options)
        content, *styles = (
            self._at(image, side, tables[image.shape[:2]][side])
            for image, side, tables in (
                (pictures.content, size, self._contents),
                *((style, longest, self._styles) for style in pictures.styles),
            )
        )
        return Lane(content, styles, pictures.options)

    def _at(self, image: np.ndarray, side: int, frame: Shape) -> Framed:
        key = id(image), side, frame
        if key not in self._framed:
            resized = resize.resize_longest(image, side)
            self._framed[key] = Framed.put(resized, frame)
        return self._framed[key]


def _frames(
    images: Sequence[tuple[np.ndarray, Sequence[int]]],
) -> dict[Shape, dict[int, Shape]]:
    """For images and the longest sides they get: `{shape: {longest side: frame}}`."""
    largest = frames([image.shape[:2] for image, _ in images])
    joined: dict[tuple[Shape, int], Shape] = {}
    for image, sides in images:
        shape = image.shape[:2]
        for place, side in enumerate(sides):
            key = largest[shape], place
            height, width = resize.fit(shape[0], shape[1], side)
            down, across = joined.get(key, (0, 0))
            joined[key] = max(down, height), max(across, width)
    tables: dict[Shape, dict[int, Shape]] = {}
    for image, sides in images:
        shape = image.shape[:2]
        frames_of_shape = {
            side: joined[largest[shape], place] for place, side in enumerate(sides)
        }
        # Paintings of one shape may differ by a pixel below the full size.
        tables.setdefault(shape, {}).update(frames_of_shape)
    return tables
