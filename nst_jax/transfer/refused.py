"""What is wrong with jobs, found from the shapes of their pictures alone."""

from collections.abc import Mapping, Sequence

from nst_jax.errors import ImageError, TooSmallError
from nst_jax.images.frames import Shape
from nst_jax.options import Options
from nst_jax.transfer.jobs import Job
from nst_jax.transfer.pictures import Pictures
from nst_jax.transfer.problem import Studio
from nst_jax.transfer.sizes import enough, of_one_size, scales, settled


def looked_at(
    jobs: Sequence[Job],
) -> tuple[dict[str, Shape], dict[int, ImageError]]:
    """The shapes of all sources, and what is wrong with those of jobs."""
    shapes: dict[str, Shape] = {}
    unread: dict[str, ImageError] = {}
    wrong: dict[int, ImageError] = {}
    for place, job in enumerate(jobs):
        for source in job.sources:
            if source.key not in shapes and source.key not in unread:
                try:
                    shapes[source.key] = source.shape()
                except ImageError as error:
                    unread[source.key] = error
        bad = [unread[s.key] for s in job.sources if s.key in unread]
        if bad:
            wrong[place] = bad[0]
    return shapes, wrong


def sized(
    jobs: Sequence[Job], shapes: Mapping[str, Shape], wrong: Mapping[int, ImageError]
) -> tuple[dict[int, Job], dict[int, ImageError]]:
    """Jobs with their sizes in pixels, and what is wrong with those that have none."""
    found: dict[int, Job] = {}
    unsized: dict[int, ImageError] = {}
    for place, job in enumerate(jobs):
        if place not in wrong:
            try:
                found[place] = settled(job, shapes)
            except ImageError as error:
                unsized[place] = error
    return found, unsized


def unread(job: Job, shapes: Mapping[str, Shape]) -> ImageError | None:
    """What is wrong with a job whose pictures can't be read at its size."""
    try:
        Pictures([job], shapes).load(job)
    except ImageError as error:
        return error
    return None


def too_small(
    jobs: Mapping[int, Job], shapes: Mapping[str, Shape], studio: Studio
) -> dict[int, ImageError]:
    """What is wrong with jobs whose pictures are too small at the coarsest size."""
    found: dict[int, ImageError] = {}
    for of_size in of_one_size(jobs):
        found |= _too_small_of(of_size, shapes, studio)
    return found


def _too_small_of(
    jobs: Mapping[int, Job], shapes: Mapping[str, Shape], studio: Studio
) -> dict[int, ImageError]:
    pictures = Pictures(list(jobs.values()), shapes)
    found: dict[int, ImageError] = {}
    known: dict[tuple[str, bool], ImageError | None] = {}
    for place, job in jobs.items():
        lane = pictures.lane(job, scales(job.options)[0].size)
        pairs = [
            (job.content, lane.content, False),
            *(
                (s, framed, True)
                for s, framed in zip(job.styles, lane.styles, strict=True)
            ),
        ]
        for source, framed, style in pairs:
            if (source.key, style) not in known:
                both = framed.extent, pictures.cropped(source, job.options)
                small = _small(source.name, *both, job.options, studio, style=style)
                known[source.key, style] = small
            if error := known[source.key, style]:
                found.setdefault(place, error)
    return found


def _small(
    name: str,
    shape: Shape,
    whole: Shape,
    options: Options,
    studio: Studio,
    *,
    style: bool,
) -> TooSmallError | None:
    """What is wrong with a `whole` picture given a shape to which a tap is blind."""
    wants = ["style"] if style else []
    if not (tap := studio.blind(shape, *wants)):
        return None
    size = enough(whole, options, lambda s: not studio.blind(s, *wants), style=style)
    larger = f"give size={size} or more" if size else "crop it"
    return TooSmallError(
        f"{name}: at {shape[1]}x{shape[0]} pixels it is too small for {tap}, "
        f"which sees nothing of it: {larger}, or earlier taps"
    )
