"""Pictures of many shapes in few: padding, so that few programs serve them all."""

import itertools
from collections.abc import Sequence

import numpy as np

Shape = tuple[int, int]


_LIMIT = 6
_SLACK = 0.03


def pad(image: np.ndarray, frame: Shape) -> np.ndarray:
    """An image in the top left corner of a frame, zero around it.

    Args:
      image: `[h, w, c]`; one that fills its frame is taken as it is, not copied.
      frame: height and width.

    Raises:
      ValueError: a frame that is smaller.
    """
    height, width, _ = image.shape
    down, across = frame
    if down < height or across < width:
        raise ValueError(f"a frame of {frame} can't hold an image of {height, width}")
    if (down, across) == (height, width):
        return image
    return np.pad(image, ((0, down - height), (0, across - width), (0, 0)))


def frames(shapes: Sequence[Shape]) -> dict[Shape, Shape]:
    """Few frames that hold pictures of all `shapes` with little padding.

    Frames are joined two by two, those first that cost the fewest pixels over all
    pictures, until at most 6 are left and every further join would make more than 3 %
    of the two's pixels padding.

    Args:
      shapes: height and width of each picture, repeated as often as it occurs.

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
        if len(members) <= _LIMIT and share > _SLACK:
            break
        joined = members.pop(a) + members.pop(b)
        members.setdefault(frame, []).extend(joined)
    return {shape: frame for frame, group in members.items() for shape in group}
