"""Pictures of many shapes in few: padding, so that few programs serve them all."""

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np

Shape = tuple[int, int]


@dataclasses.dataclass(frozen=True, eq=False)
class Framed:
    """A picture in the top left corner of a frame that may be larger.

    Attributes:
      pixels: `[h, w, 3]` float32, zero outside of the picture.
      extent: height and width of the picture.
      masked: whether programs for this frame have to be told the extent, as they do for
        a picture that fills a frame which others don't fill.
    """

    pixels: np.ndarray
    extent: Shape
    masked: bool

    @classmethod
    def put(
        cls, image: np.ndarray, frame: Shape | None = None, *, masked: bool = False
    ) -> "Framed":
        """Puts an image into a frame.

        Args:
          image: `[h, w, 3]`; one that fills its frame is taken as it is, not copied.
          frame: height and width; None: the image's own.
          masked: see `Framed`; true wherever the image doesn't fill its frame.

        Raises:
          ValueError: a frame that is smaller.
        """
        extent = height, width = image.shape[:2]
        down, across = frame or extent
        if down < height or across < width:
            raise ValueError(f"a frame of {frame} can't hold an image of {extent}")
        if (down, across) == extent:
            return cls(image, extent, masked)
        margins = ((0, down - height), (0, across - width), (0, 0))
        return cls(np.pad(image, margins), extent, masked=True)

    def cut(self, pixels: np.ndarray) -> np.ndarray:
        """The part of `pixels`, `[h, w, c]` of the same frame, that is the picture."""
        height, width = self.extent
        return pixels[:height, :width]


def frames(
    shapes: Sequence[Shape], *, limit: int = 6, slack: float = 0.03
) -> dict[Shape, Shape]:
    """Few frames that hold pictures of all `shapes` with little padding.

    Frames are joined two by two, those first that cost the fewest pixels over all
    pictures, until at most `limit` are left and every further join would make more
    than `slack` of the two's pixels padding.

    Args:
      shapes: height and width of each picture, repeated as often as it occurs.
      limit: frames at most.
      slack: share of padding that is worth a frame less.

    Returns:
      The frame of each shape.
    """
    members: dict[Shape, list[Shape]] = {}
    for shape in shapes:
        members.setdefault(shape, []).append(shape)

    def join(a: Shape, b: Shape) -> tuple[int, float, Shape]:
        frame = max(a[0], b[0]), max(a[1], b[1])
        area = frame[0] * frame[1]
        count = len(members[a]), len(members[b])
        added = count[0] * (area - a[0] * a[1]) + count[1] * (area - b[0] * b[1])
        return added, added / (area * sum(count)), frame

    while len(members) > 1:
        # Of pictures with one longest side, neighbours in this order differ least.
        kept = sorted(members)
        pairs = [(*join(a, b), a, b) for a, b in itertools.pairwise(kept)]
        _, share, frame, a, b = min(pairs)
        if len(members) <= limit and share > slack:
            break
        joined = members.pop(a) + members.pop(b)
        members.setdefault(frame, []).extend(joined)
    return {shape: frame for frame, group in members.items() for shape in group}
