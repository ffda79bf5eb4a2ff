"""Which jobs of a batch share a program, and a run: groups, from shapes alone."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import jax

from nst_jax.devices import memory, sharding
from nst_jax.devices.sharding import Layout
from nst_jax.images.frames import Shape
from nst_jax.images.source import Report
from nst_jax.perceptual.regions import Form
from nst_jax.transfer.fitting import Way
from nst_jax.transfer.jobs import Job
from nst_jax.transfer.masks import Masks
from nst_jax.transfer.pictures import Pictures
from nst_jax.transfer.problem import Studio
from nst_jax.transfer.run import Run
from nst_jax.transfer.sizes import side


@dataclasses.dataclass(frozen=True)
class Group:
    """Jobs that are done side by side.

    Attributes:
      places: of the jobs in the batch.
      lanes: of the program, which may be more: jobs are repeated to fill them.
      share: whether each group of this program has one photo only.
    """

    places: tuple[int, ...]
    lanes: int
    share: bool


def layout(devices: str, jobs: Mapping[int, Job], lanes: int | None) -> Layout:
    """How jobs of one size lie on devices.

    Args:
      devices: see `sharding.chosen`.
      jobs: at least one.
      lanes: of a group at most; None: as many as help and fit.
    """
    # Of the largest square that a picture could be.
    pixels = side(next(iter(jobs.values())).options) ** 2
    return sharding.chosen(devices, jobs=len(jobs), pixels=pixels, lanes=lanes)


def laid(layout: Layout, way: Way) -> Layout:
    """On one device, what can't be shared out as it was to be: tiles, odd lanes, a
    solver's state on the host.
    """
    apart = way.studio.tile or way.hosted
    return layout if way.lanes % layout.lanes == 0 and not apart else sharding.ONE


def pictures_of(
    jobs: Mapping[int, Job],
    shapes: Mapping[str, Shape],
    report: Report,
    *,
    lanes: int | None,
    masks: Masks,
    layout: Layout,
) -> Pictures:
    """The pictures of jobs of one size, in frames that suit their lanes and devices.

    Args:
      jobs: at least one.
      shapes: as `Pictures` takes them, `report` and `masks` too.
      report: see there.
      lanes: of a group at most; by 1 no picture is padded for another.
      masks: see there.
      layout: on devices.
    """
    return Pictures(
        [*jobs.values()],
        shapes,
        report,
        apart=lanes == 1,
        masks=masks,
        multiple=layout.multiple,
    )


def groups(
    jobs: Mapping[int, Job],
    pictures: Pictures,
    studio: Studio,
    lanes: int | None,
    layout: Layout = sharding.ONE,
) -> Iterator[Group]:
    """Groups of jobs, in the order of their first ones.

    Jobs whose photos share a frame, and are divided alike, share a program; they are
    shared out equally to groups of at most so many lanes as help and fit the memory.

    Args:
      jobs: by their place in the batch.
      pictures: of these.
      studio: that will pose their problems.
      lanes: of a group at most; None for as many as help and fit.
      layout: on devices; groups have a multiple of its lanes.
    """

    def most(places: Sequence[int]) -> int:
        return lanes or _most(places, jobs, pictures, studio, layout)

    return _groups(jobs, pictures, most, layout)


def spread(
    jobs: Mapping[int, Job],
    pictures: Pictures,
    lanes: int | None,
    *,
    helping: int,
    workers: int,
) -> Iterator[Group]:
    """`groups` for other machines, which say how many lanes fit: see `fitted`.

    Args:
      jobs: by their place in the batch.
      pictures: of these.
      lanes: of a group at most; None for as many as help, if all workers have some.
      helping: pixels of all lanes together up to which more of them save time there.
      workers: that the groups are for.
    """

    def most(places: Sequence[int]) -> int:
        height, width = pictures.frame(jobs[places[0]])
        helps = min(helping // (height * width), math.ceil(len(places) / workers))
        return lanes or _shared_out(len(places), max(1, helps))

    return _groups(jobs, pictures, most, sharding.ONE)


def fitted(
    group: Group, jobs: Mapping[int, Job], pictures: Pictures, studio: Studio
) -> Iterator[Group]:
    """A group of `spread`, or what it has to be divided into for this memory."""

    def compiled(width: int) -> jax.stages.Compiled:
        some = Group(group.places[:width], width, group.share)
        return _largest(some, jobs, pictures, studio, sharding.ONE)

    most = memory.lanes_side_by_side(group.lanes, compiled, pictures.say)
    width = _shared_out(group.lanes, most)
    for part in _parts(group.places, width):
        yield Group(part, width, group.share)


def _groups(
    jobs: Mapping[int, Job],
    pictures: Pictures,
    most_of: Callable[[Sequence[int]], int],
    layout: Layout,
) -> Iterator[Group]:
    alike: dict[tuple[Shape, Form], list[int]] = {}
    for place, job in jobs.items():
        key = pictures.frame(job), pictures.form(job)
        alike.setdefault(key, []).append(place)
    for places in alike.values():
        most = most_of(places)
        width = _shared_out(len(places), most)
        width = math.ceil(width / layout.lanes) * layout.lanes
        parts = _parts(places, width)
        share = _share(parts, jobs, pictures)
        for part in parts:
            yield Group(part, width, share)


def run(
    group: Group,
    places: Sequence[int],
    jobs: Mapping[int, Job],
    pictures: Pictures,
    way: Way,
    layout: Layout = sharding.ONE,
) -> Run:
    """The run of those `places` of a group that are left to do."""
    left = [jobs[place] for place in places]
    left += [left[-1]] * (group.lanes - len(left))
    return Run(way.studio, pictures, tuple(left), group.share, layout, way.hosted)


def _most(
    places: Sequence[int],
    jobs: Mapping[int, Job],
    pictures: Pictures,
    studio: Studio,
    layout: Layout,
) -> int:
    height, width = pictures.frame(jobs[places[0]])
    helping = layout.count * memory.helping_pixels() // (height * width)
    most = max(1, min(helping, len(places)))
    most = _shared_out(len(places), most)  # As `groups` will.
    most = math.ceil(most / layout.lanes)  # Of each device.

    def compiled(each: int) -> jax.stages.Compiled:
        width = each * layout.lanes
        parts = _parts(places, width)
        group = Group(parts[0], width, _share(parts, jobs, pictures))
        return _largest(group, jobs, pictures, studio, layout)

    return layout.lanes * memory.lanes_side_by_side(most, compiled, pictures.say)


def _largest(
    group: Group,
    jobs: Mapping[int, Job],
    pictures: Pictures,
    studio: Studio,
    layout: Layout,
) -> jax.stages.Compiled:
    """The program of a group that needs most memory."""
    way = Way(group.lanes, studio)
    planned = run(group, group.places, jobs, pictures, way, layout)
    full = [one for one in planned.scales if one.size == planned.scales[-1].size]
    return max(map(planned.program, full), key=memory.needed_bytes)


def _shared_out(count: int, most: int) -> int:
    """How many a group has if so many are shared out equally, `most` at a time."""
    return math.ceil(count / math.ceil(count / most))


def _parts(places: Sequence[int], width: int) -> list[tuple[int, ...]]:
    return [tuple(places[i : i + width]) for i in range(0, len(places), width)]


def _share(
    parts: Sequence[tuple[int, ...]], jobs: Mapping[int, Job], pictures: Pictures
) -> bool:
    return all(len({pictures.seen(jobs[p]) for p in part}) == 1 for part in parts)
