"""A batch on other machines: its groups planned here, and done there.

Here the shapes are read, and groups planned; a group is sent with what its pictures'
files hold, so that machines need not share a file system. There the same `Work` does it
as on one machine. Results come back rounded as they will be written.
"""

import collections
import dataclasses
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from nst_jax.devices import memory, programs
from nst_jax.devices.workers import Pool
from nst_jax.errors import ImageError, LostError, NstError
from nst_jax.images import opening, sent
from nst_jax.images.frames import Shape
from nst_jax.images.source import Report
from nst_jax.networks import extract
from nst_jax.options import Options, chosen
from nst_jax.transfer import plan
from nst_jax.transfer.batch import of_all
from nst_jax.transfer.fitting import Fit
from nst_jax.transfer.jobs import Job
from nst_jax.transfer.masks import Masks
from nst_jax.transfer.pictures import Framing, Pictures
from nst_jax.transfer.problem import Studio
from nst_jax.transfer.work import Outcome, Work
from weights_convert import architectures, store


@dataclasses.dataclass(frozen=True)
class Task:
    """A group of jobs, as it is sent.

    Attributes:
      group: the places of those that are to be done.
      jobs: by their place; `asked` likewise, as they were asked for.
      asked: see `jobs`.
      shapes: of their sources, by key.
      framing: the frames of the whole batch, as far as these need them.
      contents: what their files hold, by path.
      fits: whether the number of lanes was given, and isn't to be found.
      other_sizes: see `Work`.
      fit: see `Work`.
      stops: see `engine.run`.
    """

    group: plan.Group
    jobs: Mapping[int, Job]
    asked: Mapping[int, Job]
    shapes: Mapping[str, Shape]
    framing: Framing
    contents: Mapping[str, bytes]
    fits: bool
    other_sizes: bool
    fit: Fit
    stops: Collection[int]


@dataclasses.dataclass(frozen=True)
class Made:
    """What came of a task: outcomes, as they are sent, and lines for the user."""

    outcomes: Sequence[Outcome]
    lines: Sequence[str]


class Worker:
    """Does groups, on another machine; keeps the network and its programs.

    Attributes:
      about: pixels of all lanes up to which more of them save time on its device.
    """

    def __init__(self, weights: Mapping[str, Any], options: Options, cache: str | None):
        """Builds the network for its device.

        Args:
          weights: arrays by stored key.
          options: of all jobs, but for what may vary.
          cache: see `programs.keep_compiled_programs`.

        Raises:
          DeviceError: there is none.
        """
        programs.keep_compiled_programs(cache, store.home() / "xla")
        self.about = memory.helping_pixels()
        network = extract.build(
            architectures.find(options.network),
            weights,
            pooling=chosen(options, "pooling"),
            precision=chosen(options, "precision"),
        )
        self._studio = Studio(network, options)

    def run(self, task: Task) -> Made:
        """Does a group.

        Raises:
          NoRoomError: the device's memory is too small.
          DeviceError: the device fails.
        """
        lines: dict[str, None] = {}
        with opening.carried(task.contents):
            masks = Masks(task.shapes, lines.setdefault)
            pictures = Pictures(
                [*task.jobs.values()],
                task.shapes,
                lines.setdefault,
                masks=masks,
                framing=task.framing,
            )
            work = Work(
                jobs=task.jobs,
                asked=task.asked,
                shapes=task.shapes,
                pictures=pictures,
                studio=self._studio,
                weights="",
                states=None,
                report=lambda line: lines.update({line: None}),
                on_progress=None,
                other_sizes=task.other_sizes,
                fit=task.fit,
            )
            found: list[Outcome] = []
            with memory.explained():
                for group in self._groups(task, pictures):
                    found += work.group(group, group.places, task.stops)
        return Made(
            [(place, sent.narrowed_result(made)) for place, made in found], [*lines]
        )

    def _groups(self, task: Task, pictures: Pictures) -> Iterator[plan.Group]:
        if task.fits:
            return iter([task.group])
        return plan.fitted(task.group, task.jobs, pictures, self._studio)


def given(jobs: Sequence[Job], cache: str | None) -> tuple[Any, ...]:
    """What a `Worker` is made of, for jobs whose network is stored here.

    Raises:
      WeightsError: it isn't, or is damaged.
    """
    options = of_all(jobs)
    weights, _ = store.load(architectures.find(options.network))
    return weights, options, cache


class Remote:
    """Does a batch by the workers of a cluster; see `batch.Remote`.

    Attributes:
      begin: gives the pool, of workers that are made by `Worker`.
      report: takes lines for the user.
      stopped: asked now and then; when it is true, no more is done.
      lanes: how many jobs were at work with one, by its place.
    """

    def __init__(
        self,
        begin: Callable[[], Pool],
        *,
        report: Report,
        stopped: Callable[[], bool],
    ):
        """See the attributes."""
        self.begin, self.report, self.stopped = begin, report, stopped
        self.lanes: dict[int, int] = {}
        self._wrong: collections.deque[Outcome] = collections.deque()
        self._said: set[str] = set()

    def done(
        self,
        works: Sequence[Work],
        left: Collection[int],
        lanes: int | None,
        stops: Collection[int],
    ) -> Iterator[Outcome]:
        """Yields what comes of the jobs of `left`, in any order."""
        pool = self.begin()
        tasks = self._tasks(works, left, lanes, stops, pool)
        for task, made in pool.run(tasks, stopped=self.stopped):
            yield from self._taken_wrong()
            places = task.group.places
            if isinstance(made, LostError):
                yield from ((place, made) for place in places)
                continue
            if isinstance(made, NstError):
                raise made
            for line in made.lines:
                if line not in self._said:
                    self._said.add(line)
                    self.report(line)
            self.lanes |= dict.fromkeys(places, len(places))
            yield from (
                (place, sent.widened_result(result)) for place, result in made.outcomes
            )
        yield from self._taken_wrong()

    def _taken_wrong(self) -> Iterator[Outcome]:
        while self._wrong:
            yield self._wrong.popleft()

    def _tasks(
        self,
        works: Sequence[Work],
        left: Collection[int],
        lanes: int | None,
        stops: Collection[int],
        pool: Pool,
    ) -> Iterator[Task]:
        for work in works:
            how = {"helping": pool.about, "workers": pool.size}
            for group in plan.spread(work.jobs, work.pictures, lanes, **how):
                contents, places = self._read(work, group, left)
                if places:
                    group = dataclasses.replace(group, places=places)
                    yield _task(work, group, contents, lanes is not None, stops)

    def _read(
        self, work: Work, group: plan.Group, left: Collection[int]
    ) -> tuple[dict[str, bytes], tuple[int, ...]]:
        """What the files of a group hold, and the places whose files can be read."""
        found: dict[str, bytes] = {}
        places = []
        for place in group.places:
            if place not in left:
                continue
            try:
                for source in work.jobs[place].sources:
                    if source.given is None and source.key not in found:
                        found[source.key] = opening.content(source.key)
            except ImageError as error:
                self._wrong.append((place, error))
            else:
                places.append(place)
        return found, tuple(places)


def _task(
    work: Work,
    group: plan.Group,
    contents: Mapping[str, bytes],
    fits: bool,
    stops: Collection[int],
) -> Task:
    jobs = {place: work.jobs[place] for place in group.places}
    keys = {source.key for job in jobs.values() for source in job.sources}
    return Task(
        group,
        jobs,
        {place: work.asked[place] for place in group.places},
        {key: work.shapes[key] for key in keys},
        work.pictures.framing,
        contents,
        fits,
        work.other_sizes,
        work.fit,
        stops,
    )
