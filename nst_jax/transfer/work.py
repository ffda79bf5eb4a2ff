"""The groups of jobs of one size, done one after the other."""

import contextlib
import dataclasses
from collections.abc import Callable, Collection, Generator, Mapping, Sequence

from nst_jax.devices import lapack, memory, sharding
from nst_jax.devices.sharding import Layout
from nst_jax.errors import DivergenceError, ImageError, NoRoomError, NstError
from nst_jax.images.frames import Shape
from nst_jax.images.source import Report
from nst_jax.optimize.chunk import State
from nst_jax.transfer import fitting, plan, room, states
from nst_jax.transfer.autosave import Autosave
from nst_jax.transfer.fitting import Fit
from nst_jax.transfer.jobs import Job
from nst_jax.transfer.pictures import Pictures
from nst_jax.transfer.plan import Group
from nst_jax.transfer.problem import Studio
from nst_jax.transfer.results import BatchProgress, Progress, Record, Result
from nst_jax.transfer.run import Run
from nst_jax.transfer.sizes import side
from nst_jax.transfer.states import States

Outcome = tuple[int, Result | NstError]
"""The place of a job, and its picture or what is wrong with it."""


Show = Callable[[BatchProgress], bool | None]
"""Takes the end of a chunk; a true answer stops the batch."""


@dataclasses.dataclass(frozen=True)
class Work:
    """What the groups of one size have in common.

    Attributes:
      jobs: by their place in the batch.
      asked: all of its jobs, as they were asked for.
      shapes: of the sources, by key.
      pictures: of these jobs.
      studio: that poses their problems.
      weights: tells the network's weights from others.
      states: see `run_jobs`.
      report: likewise.
      on_progress: likewise.
      other_sizes: whether the batch has others, which may have room where this hasn't.
      fit: what is asked for of memory.
      foretell: likewise.
      layout: on devices.
    """

    jobs: Mapping[int, Job]
    asked: Mapping[int, Job]
    shapes: Mapping[str, Shape]
    pictures: Pictures
    studio: Studio
    weights: str
    states: States | None
    report: Report
    on_progress: Show | None
    other_sizes: bool
    fit: Fit = fitting.AUTO
    foretell: Report | None = None
    layout: Layout = sharding.ONE

    def groups(
        self,
        left: Collection[int],
        lanes: int | None,
        stops: Collection[int],
        finished: int,
    ) -> Generator[Outcome, None, bool]:
        """Yields what comes of all groups; returns whether one was stopped."""
        planned = plan.groups(self.jobs, self.pictures, self.studio, lanes, self.layout)
        for group in planned:
            asked_for = tuple(place for place in group.places if place in left)
            finished += len(group.places) - len(asked_for)
            if (yield from self.group(group, asked_for, stops, finished)):
                return True
            finished += len(asked_for)
        return False

    def group(
        self,
        group: Group,
        asked_for: tuple[int, ...],
        stops: Collection[int],
        finished: int = 0,
    ) -> Generator[Outcome, None, bool]:
        """Yields what comes of the places of a group that are asked for.

        Returns whether it was stopped.
        """
        places = yield from self._readable(asked_for)
        finished += len(asked_for) - len(places)
        if not places:
            return False
        return (yield from self._fitted(group, places, stops, finished))

    def _fitted(
        self,
        group: Group,
        places: Sequence[int],
        stops: Collection[int],
        finished: int,
    ) -> Generator[Outcome, None, bool]:
        """Yields what comes of a group, by ways of less memory where it has no room
        otherwise; returns whether it was stopped.
        """
        way, left = fitting.first(self.studio, group.lanes, self.fit), list(places)
        frame = self.pictures.frame(self.jobs[group.places[0]])
        for line in self.fit.idle(self.studio, frame):
            self.report(line)
        while left:
            now = tuple(left[: way.lanes])
            here = dataclasses.replace(group, lanes=way.lanes)
            run = plan.run(
                *(here, now, self.jobs, self.pictures, way),
                plan.laid(self.layout, way),
            )
            show = _shown(self.on_progress, now, finished, len(self.asked))
            less = way.smaller(frame)
            try:
                if (yield from self._group(run, now, stops, show)):
                    return True
                less = None
            except NoRoomError as error:
                if less is None:
                    if not self.other_sizes:
                        raise  # Of no picture more than of others.
                    yield from ((place, error) for place in now)
            if less is None:
                finished, left = finished + len(now), left[len(now) :]
            else:
                way, line = less
                self.report(line)
        return False

    def _readable(
        self, places: Sequence[int]
    ) -> Generator[Outcome, None, tuple[int, ...]]:
        """Yields what is wrong with pictures; returns the places that are left."""
        good = []
        for place in places:
            try:
                self.pictures.load(job := self.jobs[place])
                if job.regions is not None:
                    lane = self.pictures.lane(job, side(job.options))
                    for line in self.studio.thin(self.pictures.opened(lane)):
                        self.report(line)
            except ImageError as error:
                yield place, error
            else:
                good.append(place)
        return tuple(good)

    def _group(
        self,
        run: Run,
        places: tuple[int, ...],
        stops: Collection[int],
        show: Callable[[tuple[Progress, ...]], bool | None],
    ) -> Generator[Outcome, None, bool]:
        """Yields what comes of a group; returns whether it was stopped."""
        digest = ""
        if self.states:
            digest = states.digest([self.jobs[p] for p in places], self.weights)
        with Autosave(self.states, digest, self.report) as saving:
            try:
                with memory.explained():
                    last, state = yield from self._optimised(
                        run, places, stops, show, saving
                    )
            except (DivergenceError, ImageError) as error:
                yield from ((place, error) for place in places)
                return False
            results = [result for of_job in last for result in of_job]
            going_on = any(isinstance(r, Result) and not r.finished for r in results)
            stopped = state is not None
            if state is not None and going_on:
                saving.stop(state)
            saving.settle()  # Who can't save a picture has the state.
            del state  # Whoever saves pictures, and the next group, have the room.
            for place, of_job in zip(places, last, strict=True):
                yield from ((place, result) for result in of_job)
            if not going_on:
                saving.done()
        return stopped

    def _optimised(
        self,
        run: Run,
        places: tuple[int, ...],
        stops: Collection[int],
        show: Callable[[tuple[Progress, ...]], bool | None],
        saving: Autosave,
    ) -> Generator[Outcome, None, tuple[list[list[Result | NstError]], State | None]]:
        """Yields results on the way; returns the last ones, and a stopped run's state.

        Raises:
          DivergenceError: no first image has a finite loss.
          ImageError: a picture that can't be read any more.
        """
        found = saving.find(run)
        if self.foretell:
            size = run.scales[-1].size
            seen = [self.pictures.lane(job, size) for job in dict.fromkeys(run.jobs)]
            grey = any(self.pictures.opened(lane).grey for lane in seen)
            self.foretell(room.expect(run, grey=grey))
        asked_for = [self.asked[place] for place in places]
        records = [Record(job.options, job.at, job.mask_names) for job in asked_for]
        state = None
        chunks = run.chunks(stops=stops, resumed=found)
        with lapack.one_thread(), contextlib.closing(chunks):
            for lanes, reached in chunks:
                for place, record, lane in zip(places, records, lanes, strict=False):
                    yield from ((place, result) for result in record.add(lane))
                if show(lanes[: len(places)]):
                    state = reached
                    break
                if lanes[0].iteration < run.scales[-1].until:
                    saving.offer(reached)
            return [record.last(ended=state is None) for record in records], state


def _shown(
    on_progress: Show | None, places: tuple[int, ...], finished: int, total: int
) -> Callable[[tuple[Progress, ...]], bool | None]:
    def show(lanes: tuple[Progress, ...]) -> bool | None:
        if on_progress is None:
            return None
        return on_progress(BatchProgress(places, lanes, finished, total))

    return show
