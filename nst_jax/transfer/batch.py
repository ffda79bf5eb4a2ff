"""Jobs done in groups of lanes, one device program a group."""

import dataclasses
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Protocol

from nst_jax.devices import backend, memory, shape, sharding
from nst_jax.errors import (
    OptionsError,
)
from nst_jax.images.source import Report
from nst_jax.networks.extract import digest_of
from nst_jax.networks.network import Network
from nst_jax.options import Options, chosen, word
from nst_jax.perceptual.network import network_of
from nst_jax.transfer import jobs as asked
from nst_jax.transfer import plan, refused
from nst_jax.transfer.fitting import HOST, Fit
from nst_jax.transfer.jobs import Job
from nst_jax.transfer.masks import Masks
from nst_jax.transfer.problem import Studio
from nst_jax.transfer.sizes import enlarged, of_one_size
from nst_jax.transfer.states import States
from nst_jax.transfer.work import Outcome, Show, Work
from weights_convert.architectures import NETWORKS


class Remote(Protocol):
    """Does the groups of a batch on other machines."""

    def done(
        self,
        works: Sequence[Work],
        left: Collection[int],
        lanes: int | None,
        stops: Collection[int],
    ) -> Iterator[Outcome]:
        """Yields what comes of the jobs of `left`, in any order."""


def run_jobs(
    jobs: Sequence[Job],
    *,
    lanes: int | None = None,
    tile: int | None = None,
    solver_memory: str | None = None,
    devices: str = "auto",
    network: Network | None = None,
    offline: bool = False,
    on_progress: Show | None = None,
    every: Sequence[int] = (),
    done: Collection[int] = (),
    states: States | None = None,
    report: Report | None = None,
    remote: Remote | None = None,
    foretell: Report | None = None,
    studios: Callable[[Network, Options], Studio] = Studio,
) -> Iterator[Outcome]:
    """Does `jobs`, whose options may differ in `VARYING` only.

    Groups follow from the shapes of the pictures; pixels are read when their group
    begins, so that memory doesn't grow with the number of jobs.

    Args:
      jobs: at least one.
      lanes: side by side; default: as many as help and as fit the memory. 1: each is
        bit for bit what it is alone, by a program for each shape.
      tile: side in pixels of the tiles in which larger pictures are seen, which is the
        same picture but for rounding, by less memory and more time; 0: never in any;
        None: where the memory is too small.
      solver_memory: "host": what a solver keeps of its steps (L-BFGS's history, Adam's
        moments) is in the host's memory, which is the same picture but for rounding, by
        less of the device's and more time; "device": never; None: where the device's is
        too small.
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
      remote: does the groups on other machines, without `states` or `on_progress`.
      foretell: takes a line about the memory that a group needs, before it begins; for
        that the program of its full size is compiled first, and what is too large is
        refused before anything is computed.
      studios: gives the studio of a network and of options; one of before, if that is
        for options like these: what it prepared for its paintings is there then.

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
    fit = Fit(tile, solver_memory)
    shape.parsed(devices)  # Said before anything is fetched.
    fit.check(lanes, devices)
    backend.here()
    options, report = jobs[0].options, report or _ignore
    if network is not None:
        _check_network(network, options)
    if fit.hosted or (remote is not None and fit.solver_memory == HOST):
        lanes = 1
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
        studio, weights = studios(network, of_all(jobs)), digest_of(network)
        del network  # The studio has what it needs of it.
        small = refused.too_small(sized, shapes, studio)
        yield from ((place, error) for place, error in small.items() if place in left)
        good = {place: job for place, job in sized.items() if place not in small}
        if not left & good.keys():
            return
        asked_for = [job for place, job in good.items() if place in left]
        if line := enlarged(asked_for, shapes):
            report(line)
        sets = of_one_size(good)
        finished, stops = len(jobs) - len(good), _stops(jobs, every)

        def work_of(of_size: Mapping[int, Job]) -> Work:
            layout = sharding.ONE
            if remote is None and not fit.hosted:
                layout = plan.layout(devices, of_size, lanes)
            return Work(
                jobs=of_size,
                asked=dict(enumerate(jobs)),
                shapes=shapes,
                pictures=plan.pictures_of(
                    *(of_size, shapes, report),
                    lanes=lanes,
                    masks=masks,
                    layout=layout,
                ),
                studio=studio,
                weights=weights,
                states=states,
                report=report,
                on_progress=on_progress,
                other_sizes=len(sets) > 1,
                fit=fit,
                foretell=foretell,
                layout=layout,
            )

        works = map(work_of, sets)
        if remote is not None:
            yield from remote.done([*works], left, lanes, stops)
            return
        for work in works:
            if (yield from work.groups(left, lanes, stops, finished)):
                return
            finished += len(work.jobs)


def _stops(jobs: Sequence[Job], every: Sequence[int]) -> set[int]:
    steps = jobs[0].options.steps
    multiples = {at for n in every if n > 0 for at in range(n, steps + 1, n)}
    return multiples.union(*(job.at for job in jobs))


def of_all(jobs: Sequence[Job]) -> Options:
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
