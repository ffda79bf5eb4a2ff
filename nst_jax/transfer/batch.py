"""Many results at once: every photo in every style, in lanes of one device program."""

import dataclasses
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from flax import nnx

from nst_jax.errors import ImageError
from nst_jax.images import resize
from nst_jax.optimize import checkpoint, engine
from nst_jax.optimize.engine import DivergenceError
from nst_jax.options import Options, OptionsError, check_start
from nst_jax.transfer import sizes, verbs
from nst_jax.transfer.pictures import Picture, Pictures, Reader, Report, style_size
from nst_jax.transfer.plan import Plan
from nst_jax.transfer.problem import Studio
from nst_jax.transfer.results import Result, gather
from nst_jax.transfer.run import Resumed, Run
from nst_jax.transfer.sweep import VARYING, variations


@dataclasses.dataclass(frozen=True)
class Job:
    """One result that is asked for.

    Attributes:
      content: the photo.
      styles: the painting, or several to blend.
      options: of this result.
    """

    content: Picture
    styles: tuple[Picture, ...]
    options: Options


@dataclasses.dataclass(frozen=True)
class BatchProgress:
    """What happened up to the end of a chunk of one group of lanes.

    Attributes:
      jobs: places of the group's jobs in the batch.
      lanes: progress of each.
      finished: jobs finished before this group, given up ones included.
      total: jobs of the batch.
    """

    jobs: tuple[int, ...]
    lanes: tuple[engine.Progress, ...]
    finished: int
    total: int


def stylize_batch(
    contents: Picture | Sequence[Picture],
    styles: Picture | Sequence[Picture],
    options: Options | None = None,
    *,
    sweep: Mapping[str, Sequence[Any]] | None = None,
    lanes: int | None = None,
    network: nnx.Module | None = None,
    offline: bool = False,
    on_progress: Callable[[BatchProgress], bool | None] | None = None,
    on_result: Callable[[int, Result], None] | None = None,
    report: Report | None = None,
) -> list[Result]:
    """Repaints every photo in the style of every painting.

    The results are optimised side by side in one device program, which costs less than
    one after the other; each is what `stylize` makes of its pair.

    Args:
      contents: photos.
      styles: paintings.
      options: of all results.
      sweep: options that vary, of `sweep.VARYING`, each with its values: every pair is
        made with every combination of them.
      lanes: results side by side; default: as many as help and as fit the memory.
      network: from `load_network`; default: the one that `options` name.
      offline: don't fetch the network's weights if they aren't stored.
      on_progress: called after each chunk of iterations; a true answer stops.
      on_result: called with the place in the list and the result as each is finished.
      report: takes lines for the user.

    Returns:
      Results by photo, then painting, then values of the sweep; of a stopped batch
      those that were finished.

    Raises:
      ImageError: a picture that can't be read.
      OptionsError: options that don't fit, or that can't vary.
      WeightsError, NetworkError: weights that are missing or don't fit.
      DivergenceError: a loss that isn't finite at the start; raised when the others are
        finished.
    """
    photos, paintings = (
        tuple(given) if isinstance(given, list | tuple) else (given,)
        for given in (contents, styles)
    )
    varied = variations(options or Options(), sweep or {})
    for one in varied:
        check_start(one)
    jobs = [
        Job(photo, (painting,), one)
        for photo in photos
        for painting in paintings
        for one in varied
    ]
    found: dict[int, Result] = {}
    diverged: DivergenceError | None = None
    for place, result in run_jobs(
        jobs,
        lanes=lanes,
        network=network,
        offline=offline,
        on_progress=on_progress,
        report=report,
    ):
        if isinstance(result, ImageError):
            raise result
        if isinstance(result, DivergenceError):
            diverged = result
            continue
        found[place] = result
        if on_result:
            on_result(place, result)
    if diverged:
        raise diverged
    return [found[place] for place in sorted(found)]


def run_jobs(
    jobs: Sequence[Job],
    *,
    lanes: int | None = None,
    network: nnx.Module | None = None,
    offline: bool = False,
    on_progress: Callable[[BatchProgress], bool | None] | None = None,
    report: Report | None = None,
    done: Collection[int] = (),
    every: Sequence[int] = (),
    state_folder: Path | None = None,
) -> Iterator[tuple[int, Result | ImageError | DivergenceError]]:
    """Does `jobs`, whose options may differ in `VARYING` only, in groups of lanes.

    Args:
      jobs: at least one.
      lanes: see `stylize_batch`.
      network: likewise.
      offline: likewise.
      on_progress: likewise.
      report: likewise.
      done: places of jobs to leave out. The others are grouped as they were with them,
        so that a batch that goes on finds its programs and its state.
      every: `on_progress` is called at multiples of each of these, among others.
      state_folder: where the state of a stopped group is kept, from which the same
        batch goes on.

    Yields:
      The place of a job and its result, or what is wrong with its pictures or its first
      loss; groups are done in the order of their jobs. A group that `on_progress` stops
      yields results too, with fewer iterations than asked for, and is the last.

    Raises:
      OptionsError, WeightsError, NetworkError: see `stylize_batch`.
    """
    check(jobs, lanes)
    options = jobs[0].options
    if network is not None:
        verbs.check_network(network, options)
    reader, read = Reader(report), {}
    for place, job in enumerate(jobs):
        try:
            read[place] = reader.read(job.content, job.styles, job.options)
        except ImageError as error:
            if place not in done:
                yield place, error
    if not read.keys() - set(done):
        return
    if network is None:
        network = verbs.network_of(options, offline=offline, report=report)
    studio = Studio(network, options)
    for place, problem in _too_small(studio, read).items():
        del read[place]
        if place not in done:
            yield place, problem
    if not read.keys() - set(done):
        return
    plan = Plan(studio, network, read, lanes)
    finished = len(jobs) - len(read)
    for whole in plan.groups():
        group = tuple(place for place in whole if place not in done)
        finished += len(whole) - len(group)
        if not group:
            continue
        run = plan.run(whole, group)
        path = None if state_folder is None else plan.state_path(group, state_folder)

        def stop(lanes: tuple[engine.Progress, ...]) -> bool | None:
            at_work = BatchProgress(group, lanes, finished, len(jobs))  # noqa: B023
            return on_progress(at_work) if on_progress else None

        chunks = run.chunks(every=every, resumed=_resumed(run, path, report))
        results, state = gather([read[p].options for p in group], chunks, stop)
        del chunks
        yield from zip(group, results, strict=True)
        if path:
            going_on = any(isinstance(r, Result) and not r.finished for r in results)
            kept = state if going_on else None
            if failure := checkpoint.keep(path, kept, path.stem):
                (report or verbs.ignore)(f"{failure}; these pictures can't go on")
        if state is not None:
            return
        finished += len(group)


def check(jobs: Sequence[Job], lanes: int | None = None) -> None:
    """Raises if `run_jobs` couldn't do these jobs together, whatever their pictures.

    Raises:
      OptionsError: no jobs, or options that don't fit or that can't vary.
      NetworkError: an unknown network or tap.
    """
    if lanes is not None and lanes < 1:
        raise OptionsError(f"lanes={lanes} is out of range: give 1 or more")
    if not jobs:
        raise OptionsError("the batch is empty: name photos and paintings")
    for job in jobs:
        verbs.check(job.options, len(job.styles))
        _check_alike(jobs[0].options, job.options)


def _too_small(
    studio: Studio, results: Mapping[int, Pictures]
) -> dict[int, ImageError]:
    """What is wrong with results whose pictures are too small at the coarsest size."""
    found = {}
    for place, pictures in results.items():
        size = sizes.scales(pictures.options)[0].size
        longest = style_size(size, pictures.options)
        content, *styles = (
            resize.fit(image.shape[0], image.shape[1], side)
            for image, side in (
                (pictures.content, size),
                *((style, longest) for style in pictures.styles),
            )
        )
        try:
            studio.check(content, styles)
        except OptionsError as error:
            found[place] = ImageError(str(error))
    return found


def _check_alike(first: Options, other: Options) -> None:
    for field in dataclasses.fields(Options):
        values = getattr(first, field.name), getattr(other, field.name)
        if field.name not in VARYING and values[0] != values[1]:
            raise OptionsError(
                f"{field.name} can't vary within a batch: {values[0]} and {values[1]}"
            )


def _resumed(run: Run, path: Path | None, report: Report | None) -> Resumed | None:
    """The state in `path`, if there is one of this run."""
    if path is None or not path.exists():
        return None
    try:
        return run.load(path, path.stem)
    except checkpoint.CheckpointError as error:
        (report or verbs.ignore)(f"{error}; these pictures are begun anew")
        return None
