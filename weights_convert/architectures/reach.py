"""How far pixels see: which inputs a network's output pixel depends on.

Each step says, of the outputs `first` to `last` along an axis, which inputs they are
made of. From the last step to the first, that gives the inputs of one output pixel; how
far they reach depends on where in a period of the network's scales it lies.
"""

from collections.abc import Callable, Iterable

Step = Callable[[int, int], tuple[int, int]]


def convolution(size: int, stride: int = 1, *, before: int | None = None) -> Step:
    """Of odd size; `before` pixels of padding above and left, by default half of it."""
    above = size // 2 if before is None else before
    return lambda first, last: (
        first * stride - above,
        last * stride - above + size - 1,
    )


def pooling(size: int) -> Step:
    """Windows side by side."""
    return lambda first, last: (first * size, last * size + size - 1)


def nearest(first: int, last: int) -> tuple[int, int]:
    """Each pixel made two."""
    return first // 2, last // 2


def bilinear(first: int, last: int) -> tuple[int, int]:
    """Two for each pixel, a quarter of a pixel before and behind its middle."""
    return (first - 1) // 2, (last + 1) // 2


def transposed(first: int, last: int) -> tuple[int, int]:
    """TensorFlow's transposed convolution, 3x3, stride 2: see `convolve_transposed`."""
    return (first - 1) // 2, last // 2


def reach(steps: Iterable[Step], period: int) -> int:
    """Pixels around one that its result depends on, at the worst place of a period.

    Args:
      steps: from the picture to the painted one.
      period: pixels after which a network's grids begin anew.
    """
    backward = list(steps)[::-1]
    farthest = 0
    for place in range(period):
        first = last = place
        for step in backward:
            first, last = step(first, last)
        farthest = max(farthest, place - first, last - place)
    return farthest
