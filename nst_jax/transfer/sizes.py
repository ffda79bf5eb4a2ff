"""The sizes of a coarse-to-fine run and its iterations at each; what they ask for."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

from nst_jax.images import resize
from nst_jax.images.frames import Shape
from nst_jax.options import Options

_SMALLEST = 64  # Below it the deep taps see next to nothing.
_LARGEST = 65520
"""A multiple of 16 that `Options.size` may be."""
_STEP = 16  # The pooling of five blocks divides sizes like these without remainder.


class Scale(NamedTuple):
    """One size of a run: its longest side, and the iterations done when it ends."""

    size: int
    until: int


def scales(options: Options) -> tuple[Scale, ...]:
    """The sizes of a run, ascending: half of the next each, but none below 64 pixels.

    Every size but the last is a multiple of 16. The iterations are shared out equally:
    those at coarse sizes lay out what costs four times as much a size further up.
    """
    sizes = [options.size]
    for k in range(1, options.pyramid):
        size = max(_STEP, round(options.size / 2**k / _STEP) * _STEP)
        if size < _SMALLEST or size >= sizes[0]:
            break
        sizes.insert(0, size)
    return tuple(
        Scale(size, options.steps * (k + 1) // len(sizes))
        for k, size in enumerate(sizes)
    )


def style_size(size: int, options: Options) -> int:
    """Longest side of the paintings for a result whose longest side is `size`."""
    return max(1, round(size * options.style_scale))


def enough(
    shape: Shape, options: Options, fits: Callable[[Shape], bool], *, style: bool
) -> int | None:
    """A size at which a picture is large enough, the least one within 16 pixels.

    Args:
      shape: height and width of the picture, of which only the ratio counts.
      options: pyramid and style scale are taken from here.
      fits: whether a picture of a shape is large enough.
      style: whether it is a painting.

    Returns:
      A size for `options`; None: none that is allowed is enough.
    """

    def does(steps: int) -> bool:
        longer = dataclasses.replace(options, size=steps * _STEP)
        coarsest = scales(longer)[0].size
        longest = style_size(coarsest, longer) if style else coarsest
        return fits(resize.fit(*shape, longest))

    low, high = options.size // _STEP, _LARGEST // _STEP
    if not does(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if does(middle) else (middle, high)
    return high * _STEP
