"""The work of commands done by the workers of a cluster."""

import argparse
import collections
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from nst_jax.errors import NstError
from nst_jax.images.source import Report, Source
from nst_jax.images.video import Frame
from nst_jax.transfer.jobs import Job
from nst_jax.transfer.stop import StopRequest

if TYPE_CHECKING:
    from nst_jax.collection.folder import Folder
    from nst_jax.commands.screen import BatchScreen, Screen
    from nst_jax.devices.workers import Pool
    from nst_jax.feedforward.apply import Painter
    from nst_jax.feedforward.jobs import Job as PassJob
    from nst_jax.feedforward.prepared import Look

_WRITERS = 8


def make(
    arguments: argparse.Namespace,
    jobs: Sequence[Job],
    folder: "Folder",
    screen: "BatchScreen",
    request: StopRequest,
    **how: Any,
) -> None:
    """Has a cluster make what a folder of `nst-jax batch` lacks.

    Args:
      arguments: of the command.
      jobs: all of the batch.
      folder: takes the results.
      screen: shows what is made.
      request: says when to stop.
      how: further arguments of `run_jobs`.
    """
    from nst_jax.transfer import batch, remote

    def begin() -> "Pool":
        given = remote.given(jobs, arguments.compilation_cache_dir)
        return _pool(arguments, remote.Worker, given, screen.say)

    remotely = remote.Remote(
        begin, report=screen.say, stopped=lambda: request.signal is not None
    )

    def save(place: int, result: Any) -> None:
        folder.add(jobs[place], result, lanes=remotely.lanes.get(place, 1))

    made = batch.run_jobs(jobs, remote=remotely, **how)
    for place, result in _saved(request.deferring(made), save):
        screen.made(place, result, jobs[place].options.steps)


def paint_jobs(
    arguments: argparse.Namespace,
    jobs: Sequence["PassJob"],
    painter: "Painter",
    looks: "dict[PassJob, Look]",
    folder: "Folder",
    request: StopRequest,
    screen: "Screen",
) -> int:
    """Has a cluster paint what a folder of `nst-jax apply` lacks.

    Args:
      arguments: of the command.
      jobs: that the folder lacks.
      painter: as for `many.paint_jobs`.
      looks: likewise.
      folder: takes the results.
      request: says when to stop.
      screen: shows what is made.

    Returns:
      How many were painted.
    """
    from nst_jax.feedforward import remote

    if not any(job in looks for job in jobs):
        return 0
    pool, count = _painters(arguments, painter, screen.say), 0
    painted = remote.paint_jobs(
        *(jobs, painter, looks, screen.say, pool),
        lambda: request.signal is not None,
    )
    for _, result in _saved(request.deferring(painted), folder.add):
        count += not isinstance(result, NstError)
        screen.advance()
    return count


def paint_clip(
    arguments: argparse.Namespace,
    frames: Iterable[Frame],
    painter: "Painter",
    look: "Look",
    request: StopRequest,
    bits: int,
    report: Report,
) -> Generator[tuple[Frame, np.ndarray | NstError]]:
    """Painted frames of a clip, in their order, by a cluster.

    Args:
      arguments: of the command.
      frames: in their order.
      painter: that keeps the style of the first.
      look: what they are painted like.
      request: says when to stop.
      bits: of each channel of the clip.
      report: takes lines for the user.
    """
    from nst_jax.feedforward import remote

    pool = _painters(arguments, painter, report)
    yield from remote.paint_clip(
        *(frames, painter, look, pool),
        bits=bits,
        stopped=lambda: request.signal is not None,
    )


def _painters(arguments: argparse.Namespace, painter: "Painter", say: Report) -> "Pool":
    """Workers that paint as a painter does."""
    from nst_jax.feedforward import jobs, remote

    named = {name: getattr(arguments, name) for name in jobs.MASKS}
    masks = {name: Source.of(path) for name, path in named.items() if path is not None}
    given = remote.given(
        painter,
        masks,
        offline=arguments.offline,
        cache=arguments.compilation_cache_dir,
    )
    return _pool(arguments, remote.Worker, given, say)


def _pool(
    arguments: argparse.Namespace,
    worker: Callable[..., Any],
    given: Sequence[Any],
    say: Report,
) -> "Pool":
    from nst_jax.devices.workers import Pool

    return Pool(worker, given, workers=arguments.ray_workers, say=say)


def _saved(
    made: Iterator[tuple[Any, ...]], save: Callable[..., None]
) -> Iterator[tuple[Any, ...]]:
    """Saves what other machines made, several at a time; yields what is saved.

    Args:
      made: what `save` takes.
      save: may be called by several threads.
    """
    threads = min(_WRITERS, os.cpu_count() or 1)
    waiting: collections.deque[tuple[Any, Future[None]]] = collections.deque()
    with ThreadPoolExecutor(threads) as writers:
        for one in made:
            waiting.append((one, writers.submit(save, *one)))
            while waiting and (waiting[0][1].done() or len(waiting) > 2 * threads):
                done, future = waiting.popleft()
                future.result()
                yield done
        for done, future in waiting:
            future.result()
            yield done
