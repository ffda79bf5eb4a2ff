"""Jobs done in groups of lanes, one device program a group."""

import contextlib
import dataclasses
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence

from nst_jax.devices import backend, lapack, memory, sharding
from nst_jax.devices.sharding import Layout
from nst_jax.errors import (
    DivergenceError,
    ImageError,
    NoRoomError,
    NstError,
    OptionsError,
)
from nst_jax.images.source import Report
from nst_jax.networks.extract import digest_of
from nst_jax.networks.network import Network
from nst_jax.optimize.chunk import State
from nst_jax.options import Options, chosen, word
from nst_jax.perceptual.network import network_of
from nst_jax.transfer import jobs as asked
from nst_jax.transfer import plan, refused, states
from nst_jax.transfer.autosave import Autosave
from nst_jax.transfer.jobs import Job
from nst_jax.transfer.masks import Masks
from nst_jax.transfer.pictures import Pictures
from nst_jax.transfer.problem import Studio
from nst_jax.transfer.results import BatchProgress, Progress, Record, Result
from nst_jax.transfer.run import Run
from nst_jax.transfer.sizes import enlarged, of_one_size, side
from nst_jax.transfer.states import States
from weights_convert.architectures import NETWORKS

Outcome = tuple[int, Result | NstError]
"""The place of a job, and its picture or what is wrong with it."""


Show = Callable[[BatchProgress], bool | None]
"""Takes the end of a chunk; a true answer stops the batch."""


def run_jobs(
    jobs: Sequence[Job],
    *,
    lanes: int | None = None,
    devices: str = "auto",
    network: Network | None = None,
    offline: bool = False,
    on_progress: Show | None = None,
    every: Sequence[int] = (),
    done: Collection[int] = (),
    states: States | None = None,
    report: Report | None = None,
) -> Iterator[Outcome]:
    """Does `jobs`, whose options may differ in `VARYING` only.

    Groups follow from the shapes of the pictures; pixels are read when their group
    begins, so that memory doesn't grow with the number of jobs.

    Args:
      jobs: at least one.
      lanes: side by side; default: as many as help and as fit the memory. 1: each is
        bit for bit what it is alone, by a program for each shape.
      devices: see `sharding.chosen`; groups have a multiple of a mesh's lanes.
      network: from `load_network`; default: the one that the options name.
      offline: don't fetch the network's weights if they aren't stored.
      on_progress: called after each chunk of iterations; a true answer stops.
      every: `on_progress` is called at multiples of each of these, among others.
      done: places of jobs to leave out. The others are grouped as they were with them,
        so that a batch that goes on finds its programs and its state.
      states: where the state of a group that is at work or stopped is kept, and gone on
        from. It is removed when the next result is asked for, after the group's last.
      report: takes lines for the user.

    Yields:
      The place of a job and its result, or what is wrong with it; groups are done in
      the order of their jobs. A job that is wanted `at` other iterations too gives a
      result at each. A group that `on_progress` stops yields results too, with fewer
      iterations than asked for, and is the last.

    Raises:
      OptionsError: no jobs, or options that don't fit, or that can't vary.
      WeightsError, NetworkError: weights that are missing or don't fit.
      CheckpointError: a state that has to be gone on from, and can't.
      NoRoomError: the device's memory is too small.
      DeviceError: the device isn't there, or fails.
    """
    asked.check(jobs, lanes)
    sharding.parsed(devices)  # Said before anything is fetched.
    backend.here()
    options, report = jobs[0].options, report or _ignore
    if network is not None:
        _check_network(network, options)
    left = set(range(len(jobs))) - set(done)
    with memory.explained():
        shapes, wrong = refused.looked_at(jobs)
        sized, unsized = refused.sized(jobs, shapes, wrong)
        wrong |= unsized
        masks = Masks(shapes, report)
        wrong |= masks.wrong(jobs, wrong)
        sized = {place: job for place, job in sized.items() if place not in wrong}
        yield from ((place, error) for place, error in wrong.items() if place in left)
        if not left - wrong.keys():
            return
        if len(jobs) == 1 and (unread := refused.unread(sized[0], shapes)):
            yield 0, unread  # Said before anything is fetched.
            return
        for told in masks.lines(jobs[0]) if len(jobs) == 1 else ():
            report(told)
        network = network or network_of(options, offline=offline, report=report)
        studio = Studio(network, _of_all(jobs))
        small = refused.too_small(sized, shapes, studio)
        yield from ((place, error) for place, error in small.items() if place in left)
        good = {place: job for place, job in sized.items() if place not in small}
        if not left & good.keys():
            return
        asked_for = [job for place, job in good.items() if place in left]
        if line := enlarged(asked_for, shapes):
            report(line)
        sets = of_one_size(good)
        finished = len(jobs) - len(good)
        for of_size in sets:
            layout = sharding.chosen(
                *(devices,), jobs=len(of_size), pixels=_pixels(of_size), lanes=lanes
            )
            pictures = Pictures(
                *([*of_size.values()], shapes, report),
                apart=lanes == 1,
                masks=masks,
                multiple=layout.multiple,
            )
            work = _Work(
                *(of_size, jobs, pictures, studio, digest_of(network), states),
                *(report, on_progress, len(sets) > 1, layout),
            )
            if (yield from work.groups(left, lanes, _stops(jobs, every), finished)):
                return
            finished += len(of_size)


@dataclasses.dataclass(frozen=True)
class _Work:
    """What the groups of one size have in common; `jobs` are by their place.

    `asked` are all jobs as they were asked for; `other_sizes` says whether these are of
    other sizes too, which may have room where this one hasn't.
    """

    jobs: Mapping[int, Job]
    asked: Sequence[Job]
    pictures: Pictures
    studio: Studio
    weights: str
    states: States | None
    report: Report
    on_progress: Show | None
    other_sizes: bool
    layout: Layout

    def groups(
        self,
        left: Collection[int],
        lanes: int | None,
        stops: Collection[int],
        finished: int,
    ) -> Generator[Outcome, None, bool]:
        """Yields what comes of all groups; returns whether one was stopped."""
        for group in plan.groups(
            self.jobs, self.pictures, self.studio, lanes, self.layout
        ):
            asked_for = tuple(place for place in group.places if place in left)
            finished += len(group.places) - len(asked_for)
            places = yield from self._readable(asked_for)
            finished += len(asked_for) - len(places)
            if not places:
                continue

            run = plan.run(
                *(group, places, self.jobs, self.pictures, self.studio, self.layout)
            )
            show = _shown(self.on_progress, places, finished, len(self.asked))
            if (yield from self._group(run, places, stops, show)):
                return True
            finished += len(places)
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
            except (DivergenceError, ImageError, NoRoomError) as error:
                if isinstance(error, NoRoomError) and not self.other_sizes:
                    raise  # Of no picture more than of others.
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


def _pixels(jobs: Mapping[int, Job]) -> int:
    """Of the largest square that a picture could be, all jobs being of one size."""
    return side(next(iter(jobs.values())).options) ** 2


def _stops(jobs: Sequence[Job], every: Sequence[int]) -> set[int]:
    steps = jobs[0].options.steps
    multiples = {at for n in every if n > 0 for at in range(n, steps + 1, n)}
    return multiples.union(*(job.at for job in jobs))


def _of_all(jobs: Sequence[Job]) -> Options:
    """The options of a batch, with the edges if a job's have weight."""
    most = max(job.options.edge_weight for job in jobs)
    return dataclasses.replace(jobs[0].options, edge_weight=most)


def _check_network(network: Network, options: Options) -> None:
    """Raises `OptionsError` if a loaded network is not the one that `options` name."""
    found = network.architecture.name, network.pooling
    named = options.network, chosen(options, "pooling")
    if found[0] in NETWORKS and found != named:
        raise OptionsError(
            f"network is {found[0]} with {word('pooling', found[1])} pooling, but the "
            f"options say {options.network} with {options.pooling} pooling"
        )


def _ignore(line: str) -> None:
    """Drops a line for the user."""
