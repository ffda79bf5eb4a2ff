"""The sizes of a coarse-to-fine run, its iterations and frames; what they ask for."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from nst_jax.errors import TooSmallError
from nst_jax.fields import unmet
from nst_jax.images import resize
from nst_jax.images.frames import Shape, frames
from nst_jax.options import STYLE, Options
from nst_jax.transfer.jobs import Job

Frames = dict[Shape, dict[int, Shape]]
"""Frames by the shape of a picture and the longest side that it gets."""

_MOST = 200  # The ratio of sizes is 1.05 at least.
_LARGEST = 65520
"""A multiple of 16 that `Options.size` may be."""
_STEP = 16  # The pooling of five blocks divides sizes like these without remainder.


class Scale(NamedTuple):
    """A stretch of a run at one size.

    Attributes:
      size: longest side.
      until: iterations done when it ends.
      finishing: whether it is the last pass, by `Options.finish_loss`, for which the
        size is the one before too.
    """

    size: int
    until: int
    finishing: bool = False


def settled(job: Job, shapes: Mapping[str, Shape]) -> Job:
    """A job with a size in pixels, and no more sizes than its pictures have room for.

    The size `original` is that of the photo, or of its crop. A pyramid of as many sizes
    as there can be has none at which a picture is less than 16 pixels thin.

    Args:
      job: whose size may be a word.
      shapes: height and width of every source, by key.

    Raises:
      TooSmallError: a photo whose longest side no size may be.
    """
    options = job.options
    if options.size == "original":
        crop = ratio(options.crop) or shapes[job.content.key]
        longest = max(resize.cropped(shapes[job.content.key], crop))
        if not 16 <= longest <= 65536:
            raise TooSmallError(
                f"{job.content.name}: its longest side has {longest} pixels, and a "
                "result 16 to 65536: give a size instead of original"
            )
        options = dataclasses.replace(options, size=longest)
    if not options.pyramid:
        all_sizes = sides(options)
        fitting = [
            size
            for size in all_sizes
            if _thinnest(job, shapes, options, size) >= _STEP or size == all_sizes[-1]
        ]
        if fitting[0] > all_sizes[0]:
            options = dataclasses.replace(options, pyramid_from=fitting[0])
    return job if options is job.options else dataclasses.replace(job, options=options)


def _thinnest(
    job: Job, shapes: Mapping[str, Shape], options: Options, size: int
) -> int:
    """The shortest side of a job's photo and paintings at a size, in pixels."""
    sides = [(job.content, size)]
    sides += [(style, style_size(size, options)) for style in job.styles]
    return min(
        min(resize.fit(*(ratio(options.crop) or shapes[source.key]), side))
        for source, side in sides
    )


def of_one_size(jobs: Mapping[int, Job]) -> list[dict[int, Job]]:
    """`settled` jobs by their sizes, in the order of their first ones."""
    found: dict[tuple[int, ...], dict[int, Job]] = {}
    for place, job in jobs.items():
        found.setdefault(sides(job.options), {})[place] = job
    return list(found.values())


def side(options: Options) -> int:
    """Longest side of the result in pixels, of a job that is `settled`."""
    assert isinstance(options.size, int), options.size
    return options.size


def ratio(crop: str | None) -> Shape | None:
    """Height to width, of "width:height"."""
    if crop is None:
        return None
    width, height = (int(part) for part in crop.split(":"))
    return height, width


def scales(options: Options) -> tuple[Scale, ...]:
    """The sizes of a run, ascending, by `pyramid_step` each, and their iterations.

    None is below `pyramid_from`, and every size but the last is a multiple of 16. The
    iterations are shared out equally, but that the smallest size gets `pyramid_first`
    times as many: those at coarse sizes lay out what costs four times as much at twice
    the size. Likewise the last pass, if there is one, gets `finish_length` times. A
    size that would get none is left out, but the full one.
    """
    full = side(options)
    sizes = [full]
    for k in range(1, options.pyramid or _MOST):
        size = max(_STEP, round(full / options.pyramid_step**k / _STEP) * _STEP)
        if size < options.pyramid_from or size == sizes[0] == _STEP:
            break  # There is none below 16 pixels, however many are asked for.
        if size < sizes[0]:
            sizes.insert(0, size)
    first = options.pyramid_first if sizes[1:] else 1.0
    finish = 0.0
    if options.finish_loss != "none" and not unmet(STYLE, options):
        finish = options.finish_length
    whole = first + len(sizes) - 1 + finish
    shares = [(first + k) / whole for k in range(len(sizes))]
    until = [math.floor(options.steps * share) for share in shares]
    if not finish:
        until[-1] = options.steps
    found = [
        Scale(size, end)
        for size, end, begin in zip(sizes, until, [0, *until], strict=False)
        if end > begin or size == full
    ]
    last = [Scale(full, options.steps, finishing=True)] if finish else []
    return (*found, *last)


def sides(options: Options) -> tuple[int, ...]:
    """The longest sides that a run goes through, ascending, each once."""
    return tuple(scale.size for scale in scales(options) if not scale.finishing)


def style_size(size: int, options: Options) -> int:
    """Longest side of the paintings for a result whose longest side is `size`."""
    return max(1, round(size * options.style_scale))


def enough(
    shape: Shape, options: Options, fits: Callable[[Shape], bool], *, style: bool
) -> int | None:
    """A size at which a picture is large enough, the least one within 16 pixels.

    Args:
      shape: height and width of the picture as it is, or of its crop: only their
        ratio counts, which a picture brought to a size has no more.
      options: pyramid and style scale are taken from here.
      fits: whether a picture of a shape is large enough.
      style: whether it is a painting.

    Returns:
      A size for `options`; None: none that is allowed is enough.
    """

    def does(steps: int) -> bool:
        longer = dataclasses.replace(options, size=steps * _STEP)
        longest = [side(longer), sides(longer)[0]]
        full, coarsest = [style_size(n, longer) if style else n for n in longest]
        return fits(resize.fit(*resize.fit(*shape, full), coarsest))

    low, high = side(options) // _STEP, _LARGEST // _STEP
    if not does(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if does(middle) else (middle, high)
    return high * _STEP


def enlarged(jobs: Sequence[Job], shapes: Mapping[str, Shape]) -> str | None:
    """A line that says which pictures of jobs are enlarged, as little is gained.

    Args:
      jobs: that are `settled`.
      shapes: height and width of every source, by key.
    """
    sized = {}
    for job in jobs:
        sized[job.content.key] = job.content, job.options, side(job.options)
        longest = style_size(side(job.options), job.options)
        sized |= {style.key: (style, job.options, longest) for style in job.styles}
    changes = []
    for source, options, longest in sized.values():
        shape, wanted = shapes[source.key], ratio(options.crop)
        before = resize.cropped(shape, wanted or shape)
        changes.append((source.name, before, resize.fit(*(wanted or shape), longest)))
    return resize.enlarged(changes)


def padded(tables: Frames) -> set[Shape]:
    """Frames in which a picture has padding."""
    return {
        frame
        for (height, width), table in tables.items()
        for side, frame in table.items()
        if frame != resize.fit(height, width, side)
    }


def tall(tables: Frames, multiple: int) -> Frames:
    """The frames with heights rounded up to a multiple."""
    return {
        shape: {
            side: (-(-height // multiple) * multiple, width)
            for side, (height, width) in table.items()
        }
        for shape, table in tables.items()
    }


def own_frames(pictures: Sequence[tuple[Shape, Sequence[int]]]) -> Frames:
    """The shapes of pictures themselves, as `frames_of` gives frames."""
    tables: Frames = {}
    for shape, sides in pictures:
        own = {side: resize.fit(*shape, side) for side in sides}
        tables.setdefault(shape, {}).update(own)
    return tables


def frames_of(pictures: Sequence[tuple[Shape, Sequence[int]]]) -> Frames:
    """The frames of pictures, by their shapes and the longest sides that they get."""
    largest = frames([shape for shape, _ in pictures])
    joined: dict[tuple[Shape, int], Shape] = {}
    for shape, sides in pictures:
        for place, side in enumerate(sides):
            key = largest[shape], place
            height, width = resize.fit(*shape, side)
            down, across = joined.get(key, (0, 0))
            joined[key] = max(down, height), max(across, width)
    tables: Frames = {}
    for shape, sides in pictures:
        of_shape = {
            side: joined[largest[shape], place] for place, side in enumerate(sides)
        }
        # Paintings of one shape may differ by a pixel below the full size.
        tables.setdefault(shape, {}).update(of_shape)
    return tables
