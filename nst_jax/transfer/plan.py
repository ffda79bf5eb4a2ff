"""Which jobs of a batch share a program, and a run: groups, from shapes alone."""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence

import jax

from nst_jax.devices import memory, sharding
from nst_jax.devices.sharding import Layout
from nst_jax.images.frames import Shape
from nst_jax.perceptual.regions import Form
from nst_jax.transfer.jobs import Job
from nst_jax.transfer.pictures import Pictures
from nst_jax.transfer.problem import Studio
from nst_jax.transfer.run import Run


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
    alike: dict[tuple[Shape, Form], list[int]] = {}
    for place, job in jobs.items():
        key = pictures.frame(job), pictures.form(job)
        alike.setdefault(key, []).append(place)
    for places in alike.values():
        most = lanes or _most(places, jobs, pictures, studio, layout)
        width = math.ceil(len(places) / math.ceil(len(places) / most))
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
    studio: Studio,
    layout: Layout = sharding.ONE,
) -> Run:
    """The run of those `places` of a group that are left to do."""
    left = [jobs[place] for place in places]
    left += [left[-1]] * (group.lanes - len(left))
    return Run(studio, pictures, tuple(left), group.share, layout)


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
    # Shared out equally, as `groups` will.
    most = math.ceil(len(places) / math.ceil(len(places) / most))
    most = math.ceil(most / layout.lanes)  # Of each device.

    def compiled(each: int) -> jax.stages.Compiled:
        width = each * layout.lanes
        parts = _parts(places, width)
        group = Group(parts[0], width, _share(parts, jobs, pictures))
        planned = run(group, group.places, jobs, pictures, studio, layout)
        full = [one for one in planned.scales if one.size == planned.scales[-1].size]
        return max(map(planned.program, full), key=memory.needed_bytes)

    fitting = memory.fitting_lanes(most, compiled, memory.free_bytes())
    return fitting * layout.lanes


def _parts(places: Sequence[int], width: int) -> list[tuple[int, ...]]:
    return [tuple(places[i : i + width]) for i in range(0, len(places), width)]


def _share(
    parts: Sequence[tuple[int, ...]], jobs: Mapping[int, Job], pictures: Pictures
) -> bool:
    return all(len({pictures.seen(jobs[p]) for p in part}) == 1 for part in parts)
