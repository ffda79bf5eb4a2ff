"""The sizes of a coarse-to-fine run and its iterations at each."""

from typing import NamedTuple

from nst_jax.options import Options

_SMALLEST = 64  # Below it the deep taps see next to nothing.
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
