"""Pictures and clips painted on other machines: cut into tasks here, painted there.

Tasks hold what the pictures' files hold, or frames, so that machines need not share a
file system. Results come back rounded as they will be written.
"""

import collections
import dataclasses
import math
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from nst_jax.devices import memory, programs
from nst_jax.devices.workers import Pool
from nst_jax.errors import ImageError, NstError
from nst_jax.feedforward.apply import Painter
from nst_jax.feedforward.jobs import Job
from nst_jax.feedforward.load import built, load_stored
from nst_jax.feedforward.many import Frames, framed, paint_framed
from nst_jax.feedforward.masked import Where
from nst_jax.feedforward.options import Options
from nst_jax.feedforward.prepared import Look
from nst_jax.feedforward.results import Painted
from nst_jax.feedforward.stream import Overlapped
from nst_jax.images import opening, sent
from nst_jax.images.frames import Shape
from nst_jax.images.source import Report, Source
from nst_jax.images.video import Frame
from weights_convert import store

_BATCHES = 4  # Of a task, so that reading, painting and finishing overlap in it.
_FRAMES = 32  # Of a segment at most.
_SEGMENT_BYTES = 2**26  # Likewise, of its frames as they are sent.


@dataclasses.dataclass(frozen=True)
class PictureTask:
    """Pictures of one frame.

    Attributes:
      jobs: in their order.
      looks: what each is painted like.
      joined: the frame, by the smallest frames that join it, of other tasks too.
      lanes: side by side, at most.
      contents: what their files hold, by path.
    """

    jobs: Sequence[Job]
    looks: Mapping[Job, Look]
    joined: Frames
    lanes: int
    contents: Mapping[str, bytes]

    def made(self, painter: Painter) -> "tuple[list[tuple[Job, Any]], list[str]]":
        """What came of each job, and lines for the user."""
        lines: dict[str, None] = {}
        painter.report = lines.setdefault
        with opening.carried(self.contents):
            found = paint_framed(
                self.jobs,
                painter,
                self.looks,
                _sent,
                lines.setdefault,
                self.joined,
                lambda frame: self.lanes,
            )
            return list(found), [*lines]


@dataclasses.dataclass(frozen=True)
class SegmentTask:
    """Frames of a clip that follow each other.

    Attributes:
      frames: with their images as levels.
      look: what they are painted like.
      kept: see `Painter.kept`.
      lanes: side by side, at most.
      bits: to which the results are rounded.
    """

    frames: Sequence[Frame]
    look: Look
    kept: np.ndarray | None
    lanes: int
    bits: int

    def made(self, painter: Painter) -> list[np.ndarray | NstError]:
        """The painted frames, as levels, or what is wrong with them."""
        painter.kept = self.kept
        overlapped: Overlapped[Frame, np.ndarray] = Overlapped(
            painter,
            lambda frame: (sent.widened(frame.image), self.look),
            lambda frame, image, seconds: sent.narrowed(image, self.bits),
            most=lambda frame: self.lanes,
        )
        return [made for _, made in overlapped.of(self.frames)]


class Worker:
    """Paints, on another machine; keeps the network and its programs.

    Attributes:
      about: pixels of all lanes up to which more of them save time on its device.
    """

    def __init__(
        self,
        stored: tuple[Any, Mapping[str, str]],
        options: Options,
        tile: int | None,
        masks: Mapping[str, Source],
        contents: Mapping[str, bytes],
        cache: str | None,
    ):
        """Builds the network for its device.

        Args:
          stored: the network, as `load_stored` gives it.
          options: that it is applied by.
          tile: see `Painter`.
          masks: by flag.
          contents: what their files hold, by path.
          cache: see `programs.keep_compiled_programs`.

        Raises:
          DeviceError: there is none.
        """
        programs.keep_compiled_programs(cache, store.home() / "xla")
        self.about = memory.helping_pixels()
        with opening.carried(contents):
            given: dict[str, Any] = {**masks}
            where = Where.of(**given, feather=options.mask_feather)
        stylizer = built(*stored, options.precision)
        self._painter = Painter(stylizer, options, tile=tile, where=where)

    def run(self, task: PictureTask | SegmentTask) -> Any:
        """What is made of a task.

        Raises:
          NoRoomError: the device's memory is too small.
          DeviceError: the device fails.
        """
        return task.made(self._painter)


def given(
    painter: Painter,
    masks: Mapping[str, Source],
    *,
    offline: bool,
    cache: str | None,
) -> tuple[Any, ...]:
    """What a `Worker` is made of that paints as `painter` does.

    Args:
      painter: of a network that is here.
      masks: of its `where`, by flag.
      offline: don't fetch.
      cache: see `programs.keep_compiled_programs`.

    Raises:
      ImageError: a mask that can't be read.
    """
    options = painter.options
    stored = load_stored(options.model, offline=offline)
    if options.coloring.grey:
        masks = {name: one for name, one in masks.items() if name != "color_mask"}
    contents = {one.key: opening.content(one.key) for one in masks.values()}
    return stored, options, painter.tile, masks, contents, cache


def paint_jobs(
    jobs: Sequence[Job],
    painter: Painter,
    looks: Mapping[Job, Look],
    report: Report,
    pool: Pool,
    stopped: Callable[[], bool],
) -> Generator[tuple[Job, Painted | NstError]]:
    """`many.paint_jobs` by the workers of a cluster, in any order.

    Args:
      jobs: see there.
      painter: which needs no device for what it is asked here.
      looks: see there.
      report: takes lines for the user.
      pool: of workers that are made by `Worker`.
      stopped: asked now and then; when it is true, no more is done.

    Yields:
      Each job with its result, or what is wrong with it.
    """
    good, joined = yield from framed(jobs, painter, looks, report)
    wrong: collections.deque[tuple[Job, NstError]] = collections.deque()
    said: set[str] = set()
    tasks = _picture_tasks(good, joined, looks, pool, wrong)
    for task, made in pool.run(tasks, stopped=stopped):
        while wrong:
            yield wrong.popleft()
        if isinstance(made, NstError):
            yield from ((job, made) for job in task.jobs)
            continue
        found, lines = made
        for line in lines:
            if line not in said:
                said.add(line)
                report(line)
        yield from ((job, sent.widened_result(result)) for job, result in found)
    yield from wrong


def paint_clip(
    frames: Iterable[Frame],
    painter: Painter,
    look: Look,
    pool: Pool,
    *,
    bits: int,
    stopped: Callable[[], bool],
) -> Generator[tuple[Frame, np.ndarray | NstError]]:
    """Painted frames of a clip, in their order; segments of it are tasks.

    Args:
      frames: in their order.
      painter: that keeps the style of the first one.
      look: what they are painted like.
      pool: of workers that are made by `Worker`.
      bits: of each channel, to which the results are rounded, 8 or 16.
      stopped: asked now and then; when it is true, no more is done.

    Yields:
      Each frame, with levels for its image, and its result, or what is wrong with it.
    """
    tasks = _segments(frames, painter, look, pool, bits)
    for task, made in pool.run(tasks, ordered=True, stopped=stopped):
        if isinstance(made, NstError):
            raise made
        for frame, image in zip(task.frames, made, strict=True):
            if isinstance(image, NstError):
                yield frame, image
            else:
                yield frame, sent.widened(image)


def _picture_tasks(
    good: Mapping[Job, Shape],
    joined: Frames,
    looks: Mapping[Job, Look],
    pool: Pool,
    wrong: "collections.deque[tuple[Job, NstError]]",
) -> Iterator[PictureTask]:
    of_frame: dict[Shape, list[Job]] = {}
    for job, smallest in good.items():
        of_frame.setdefault(joined[smallest], []).append(job)
    for (height, width), jobs in of_frame.items():
        # Of all, so that each task has the program that one machine has for them.
        frames = {own: of for own, of in joined.items() if of == (height, width)}
        share = math.ceil(len(jobs) / pool.size)
        lanes = min(max(1, pool.about // (height * width)), share)
        size = min(_BATCHES * lanes, share)
        for start in range(0, len(jobs), size):
            some, contents = _read(jobs[start : start + size], wrong)
            if some:
                likes = {job: looks[job] for job in some}
                yield PictureTask(some, likes, frames, lanes, contents)


def _read(
    jobs: Sequence[Job], wrong: "collections.deque[tuple[Job, NstError]]"
) -> tuple[list[Job], dict[str, bytes]]:
    """The jobs whose photos can be read, and what those files hold."""
    found: dict[str, bytes] = {}
    some = []
    for job in jobs:
        try:
            key = job.content.key
            found[key] = found[key] if key in found else opening.content(key)
        except ImageError as error:
            wrong.append((job, error))
        else:
            some.append(job)
    return some, found


def _segments(
    frames: Iterable[Frame], painter: Painter, look: Look, pool: Pool, bits: int
) -> Iterator[SegmentTask]:
    some: list[Frame] = []
    most, lanes = 1, 1
    for frame in frames:
        levels = sent.lossless(frame.image)
        if not some:
            height, width = painter.frame(painter.shape(frame.image.shape[:2]))
            most = min(_FRAMES, max(1, _SEGMENT_BYTES // levels.nbytes))
            lanes = min(most, max(1, pool.about // (height * width)))
        some.append(dataclasses.replace(frame, image=levels))
        if len(some) == most:
            yield SegmentTask(some, look, painter.kept, lanes, bits)
            some = []
    if some:
        yield SegmentTask(some, look, painter.kept, lanes, bits)


def _sent(job: Job, painted: Painted) -> Painted:
    return sent.narrowed_result(painted)
