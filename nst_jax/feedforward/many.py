"""Many photos painted in one pass: few frames, so that few programs serve them all."""

import collections
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from nst_jax.errors import ImageError, NstError, TooSmallError
from nst_jax.feedforward.apply import Painter
from nst_jax.feedforward.jobs import Job
from nst_jax.feedforward.prepared import Look
from nst_jax.feedforward.results import Painted
from nst_jax.feedforward.stream import Made, Overlapped
from nst_jax.images import resize
from nst_jax.images.frames import Shape, frames
from nst_jax.images.source import Report, Source
from nst_jax.recent import Recent

_KEPT_BYTES = 256 * 2**20  # Of photos that further styles are to be laid over.
_READERS = 8

Frames = Mapping[Shape, Shape]
"""The frame that pictures of a smallest frame share with others."""


def paint_jobs(
    jobs: Sequence[Job],
    painter: Painter,
    looks: Mapping[Job, Look],
    finish: Callable[[Job, Painted], Made],
    report: Report,
) -> Generator[tuple[Job, Made | NstError]]:
    """Paints photos, those of a frame after each other.

    Args:
      jobs: whose options differ in the style only.
      painter: that paints.
      looks: what each is painted like; jobs without are left out.
      finish: takes a job and its result, in threads, such as to write it.
      report: takes lines for the user.

    Yields:
      Each job with what `finish` gave, or what is wrong with it.

    Raises:
      NoRoomError: the device's memory is too small.
    """
    good, joined = yield from framed(jobs, painter, looks, report)
    frame_of = {job: joined[frame] for job, frame in good.items()}
    count = collections.Counter(frame_of.values())
    places = {frame: place for place, frame in enumerate(count)}
    ordered = sorted(good, key=lambda job: places[frame_of[job]])
    most = count.__getitem__
    yield from paint_framed(ordered, painter, looks, finish, report, joined, most)


def framed(
    jobs: Sequence[Job],
    painter: Painter,
    looks: Mapping[Job, Look],
    report: Report,
) -> Generator[tuple[Job, NstError], None, tuple[dict[Job, Shape], Frames]]:
    """Chooses the frames of `paint_jobs` from the files' headers.

    Yields:
      Jobs with what is wrong with them.

    Returns:
      The smallest frame of each other job, and the frame that each of those joins.
    """
    jobs = [job for job in jobs if job in looks]
    contents = list(dict.fromkeys(job.content for job in jobs))
    shapes = _shapes(contents, painter, report)
    for job in jobs:
        if isinstance(wrong := shapes[job.content], ImageError):
            yield job, wrong
    good = {
        job: painter.frame(shape)
        for job in jobs
        if not isinstance(shape := shapes[job.content], Exception)
    }
    found = list(good.values())
    joined = frames(found) if painter.exact else {shape: shape for shape in found}
    return good, joined


def paint_framed(
    jobs: Sequence[Job],
    painter: Painter,
    looks: Mapping[Job, Look],
    finish: Callable[[Job, Painted], Made],
    report: Report,
    joined: Frames,
    most: Callable[[Shape], int],
) -> Generator[tuple[Job, Made | NstError]]:
    """`paint_jobs` of jobs in their order, whose frames are chosen.

    Args:
      jobs: see there.
      painter: likewise.
      looks: likewise.
      finish: likewise.
      report: likewise.
      joined: the frame that each smallest frame joins.
      most: of a frame, pictures side by side at most.
    """
    photos = _Photos(report)

    def finished(job: Job, image: np.ndarray, seconds: float) -> Made:
        alpha = _opacity(job, image.shape[:2], report)
        painted = Painted(
            *(image, job.options, seconds), alpha=alpha, masks=job.mask_names
        )
        return finish(job, painted)

    overlapped: Overlapped[Job, Made] = Overlapped(
        painter,
        lambda job: (photos.read(job.content), looks[job]),
        finished,
        frame=lambda shape: joined[painter.frame(shape)],
        most=most,
        mixed={frame for own, frame in joined.items() if own != frame},
    )
    yield from overlapped.of(jobs)


def _shapes(
    sources: Sequence[Source], painter: Painter, report: Report
) -> dict[Source, Shape | ImageError]:
    """The shape in which each photo is painted, or what is wrong with it.

    A line says which are enlarged.
    """
    changes: list[tuple[str, Shape, Shape]] = []
    longest = painter.options.longest

    def look(source: Source) -> Shape | ImageError:
        try:
            own = source.shape()
            if longest is not None:
                changes.append((source.name, own, resize.fit(*own, longest)))
            return painter.shape(own)
        except TooSmallError as error:
            return TooSmallError(f"{source.key}: {error}")
        except ImageError as error:
            return error

    with ThreadPoolExecutor(_READERS) as pool:
        found = dict(zip(sources, pool.map(look, sources), strict=True))
    if line := resize.enlarged(sorted(changes)):
        report(line)
    return found


def _opacity(job: Job, shape: Shape, report: Report) -> np.ndarray | None:
    if job.options.transparency != "keep":
        return None
    found = job.content.opacity(size=shape)
    if found.min() < 1:
        return found
    report(f"{job.content.name}: has no transparency to be kept")
    return None


class _Photos:
    """Photos that were read, while there is room for them."""

    def __init__(self, report: Report):
        self._report = report
        self._kept: Recent[str, np.ndarray]
        self._kept = Recent(_KEPT_BYTES, lambda image: image.nbytes)

    def read(self, source: Source) -> np.ndarray:
        found = self._kept.get(source.key)
        if found is None:
            found = source.read(self._report)
            self._kept[source.key] = found
        return found
