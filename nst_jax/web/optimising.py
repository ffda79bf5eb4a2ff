"""Jobs that are optimised: from an order to a picture, told on the way."""

import dataclasses
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from nst_jax.errors import CheckpointError, NstError
from nst_jax.images.source import Report, Source
from nst_jax.networks.network import Network
from nst_jax.options import FIELDS, VARYING, Options
from nst_jax.recent import Recent
from nst_jax.transfer import batch, idle, sizes
from nst_jax.transfer.jobs import Job, can_grow
from nst_jax.transfer.problem import Studio
from nst_jax.transfer.regions import Regions
from nst_jax.transfer.results import BatchProgress, Progress, Result
from nst_jax.transfer.sizes import Scale
from nst_jax.transfer.states import States
from nst_jax.web import records
from nst_jax.web.easel import Easel
from nst_jax.web.orders import Order
from nst_jax.web.pictures import Pictures
from nst_jax.web.records import Record

_NETWORKS = 2  # That are kept between jobs: VGG-19 is 80 MB.
_WEIGHTS = ("content_weight", "style_weight", "tv_weight", "edge_weight")
"""Options whose values a studio doesn't depend on, but on whether there are any."""
_ANY: Mapping[str, Any] = MappingProxyType(
    {
        name: FIELDS[name].default
        for name in ("size", "steps", "style_scale", "style_blend", "seed", "init")
    }
)
"""Options that a studio doesn't depend on."""
_FORGET = 0.2
_FIRST = "preparing, once for this size"


class Optimiser:
    """Paints by optimisation; what it loaded and compiled serves the next job."""

    def __init__(self, load: Callable[[Options, Report], Network]):
        """Loads nothing yet.

        Args:
          load: gives the network that options name, and tells of what it fetches.
        """
        self._load = load
        self._networks: Recent[Hashable, Network] = Recent(_NETWORKS)
        self._studio: tuple[Hashable, Studio] | None = None
        self._prepared: Recent[Hashable, bool] = Recent(256)

    def paint(self, easel: Easel) -> dict[str, Any]:
        """Paints a job; returns what its record is to change.

        Raises:
          NstError: it can't be painted.
          DiscardedError: it isn't wanted any more.
        """
        record = easel.record
        options = _options(easel, record)
        job = _job(easel.pictures, record.order, options)
        for line in idle.lines([job], [*record.order.options]):
            easel.line(line)
        key = _program_key(job, record)
        phase = "preparing" if key in self._prepared else _FIRST
        easel.phase(phase)
        network = self._loaded(options, easel)
        try:
            result, kept = self._result(easel, job, network, record)
        except CheckpointError as error:
            easel.path(records.STATE).unlink(missing_ok=True)
            easel.line(f"{error}; go on from its picture instead")
            return {"state": records.STOPPED, "phase": "stopped"}
        self._prepared[key] = True
        if easel.record.iteration < record.steps and not result.given_up:
            ended = {"state": records.STOPPED, "phase": "stopped"}
        else:
            ended = {"state": records.DONE, "phase": "done"}
        return ended | kept

    def _loaded(self, options: Options, easel: Easel) -> Network:
        key = options.network, options.pooling, options.precision
        found = self._networks.get(key)
        if found is None:
            found = self._load(options, easel.line)
            self._networks[key] = found
        return found

    def _studios(self, network: Network, options: Options) -> Studio:
        """The studio of the last job, if it serves these options too.

        It holds the network as this machine computes it fastest, 400 MB on CPUs, and
        what the paintings of late ask for.
        """
        weights: dict[str, Any]
        weights = {name: float(getattr(options, name) > 0) for name in _WEIGHTS}
        alike = dataclasses.replace(options, **_ANY, **weights)
        key = id(network), alike
        if self._studio is None or self._studio[0] != key:
            self._studio = None  # Both at a time would need twice the room.
            self._studio = key, Studio(network, options)
        return self._studio[1]

    def _result(
        self, easel: Easel, job: Job, network: Network, record: Record
    ) -> tuple[Result, dict[str, Any]]:
        """What comes of a job, and what its record is to change, its picture kept.

        A state is left where more iterations may follow.
        """
        states = States(lambda _: easel.path(records.STATE), must=record.resume)
        result: Result | None = None
        for _, outcome in batch.run_jobs(
            [job],
            network=network,
            on_progress=_Show(easel, record.steps),
            every=(record.steps,),
            states=states,
            report=easel.line,
            studios=self._studios,
        ):
            if isinstance(outcome, NstError):
                raise outcome
            result, kept = outcome, self._kept(easel, outcome, record)
        assert result is not None
        return result, kept

    def _kept(self, easel: Easel, result: Result, record: Record) -> dict[str, Any]:
        for line in result.events:
            easel.line(line)
        description = result.description()
        description["options"] |= {"init": record.order.chosen().init}
        description["options"] |= {"steps": record.steps}
        if "masks" in description:
            description["masks"] = _masks(easel.pictures, record.order)
        return {
            "loss": records.finite(result.loss),
            "iteration": result.iterations,
            **easel.keep(
                result.image,
                description=description,
                bits=result.options.bits,
                alpha=result.alpha,
            ),
        }


class _Show:
    """Tells of each chunk of iterations, and ends the run where it is to end."""

    def __init__(self, easel: Easel, steps: int):
        self._easel, self._steps = easel, steps
        self._pace = 0.0  # Seconds of an iteration, of late.
        self._until = -1  # Of the stretch that it is of.

    def __call__(self, made: BatchProgress) -> bool:
        (lane,) = made.lanes
        easel = self._easel
        ends = easel.is_to_end
        if easel.wants_picture:
            easel.show(lane.image())
        first = lane.iteration + 1 - len(lane.losses)
        points = [(first + n, float(loss)) for n, loss in enumerate(lane.losses)]
        if lane.event:
            easel.line(lane.event)
        easel.reach(
            points,
            iteration=lane.iteration,
            loss=records.finite(lane.loss),
            phase="stopping" if ends else _phase(lane, self._steps),
            seconds_left=_left(lane, self._steps, self._paced(lane)),
        )
        return ends or lane.iteration >= self._steps

    def _paced(self, lane: Progress) -> float:
        """Seconds of an iteration: those of late count most, the first ones less."""
        share = min(1.0, len(lane.losses) * _FORGET)
        if lane.steps != self._until:
            share, self._until = 1.0, lane.steps
        taken = 1 / max(lane.iterations_per_second, 1e-9)
        self._pace += share * (taken - self._pace)
        return self._pace


def _stretches(lane: Progress, steps: int) -> tuple[int, Sequence[Scale]]:
    """The place of the stretch that a run is in, and all of them."""
    found = [
        scale._replace(until=min(scale.until, steps))
        for scale in sizes.scales(lane.lane.job.options)
    ]
    at = min(lane.steps, steps)
    size = max(lane.lane.content.extent)
    near = [n for n, scale in enumerate(found) if scale.until == at]
    same = [n for n in near if found[n].size == size]
    return (same or near or [len(found) - 1])[0], found


def _phase(lane: Progress, steps: int) -> str:
    place, found = _stretches(lane, steps)
    if lane.iteration >= found[place].until and place + 1 < len(found):
        return f"preparing {found[place + 1].size} px"
    doing = "finishing" if found[place].finishing else "painting"
    number = f" ({place + 1} of {len(found)})" if len(found) > 1 else ""
    return f"{doing} at {found[place].size} px{number}"


def _left(lane: Progress, steps: int, pace: float) -> float | None:
    """Seconds that are left, about: an iteration takes as long as it has pixels."""
    place, found = _stretches(lane, steps)
    here = found[place]
    work, done = float(here.until - lane.iteration), here.until
    for scale in found[place + 1 :]:
        work += (scale.until - done) * (scale.size / here.size) ** 2
        done = scale.until
    return records.finite(max(0.0, work * pace))


def _options(easel: Easel, record: Record) -> Options:
    """The options of the run: those of the order, its start, its iterations.

    One that may grow is asked for one iteration more than it makes: it then leaves a
    state, from which it goes on exactly.
    """
    options = record.order.chosen()
    grows = can_grow(options) and record.steps > 0
    options = dataclasses.replace(options, steps=record.steps + grows)
    if record.order.start is not None:
        start = str(easel.path(records.START))
        options = dataclasses.replace(options, init=start)
    return options


def _job(pictures: Pictures, order: Order, options: Options) -> Job:
    def path(picture: str | None) -> Path | None:
        return pictures.path(picture) if picture else None

    return Job(
        Source.of(pictures.path(order.photo)),
        tuple(Source.of(pictures.path(one)) for one in order.paintings),
        options,
        regions=Regions.of(
            masks=[pictures.path(one) for one in order.masks],
            keep_mask=path(order.keep_mask),
            color_mask=path(order.color_mask),
        ),
    )


def _masks(pictures: Pictures, order: Order) -> dict[str, Any]:
    """What the picture tells of its masks, by the names that they were sent with."""
    found: dict[str, Any] = {}
    if order.masks:
        found["mask"] = [pictures.name(one) for one in order.masks]
    for name in ("keep_mask", "color_mask"):
        if one := getattr(order, name):
            found[name] = pictures.name(one)
    return found


def _program_key(job: Job, record: Record) -> Hashable:
    """What jobs have in common that share compiled programs, about."""
    varying = {name: getattr(Options, name) for name in (*VARYING, "steps")}
    options = dataclasses.replace(job.options, **varying)
    regions = record.order.masks != (), record.order.keep_mask is not None
    return options, record.width, record.height, regions
