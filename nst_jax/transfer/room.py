"""Whether a run has room, and what would need less."""

import dataclasses
import math
from collections.abc import Callable, Iterator

from nst_jax.devices import heap, memory
from nst_jax.devices.sharding import ONE, Layout
from nst_jax.errors import NoRoomError
from nst_jax.options import Options
from nst_jax.transfer import plan
from nst_jax.transfer.estimate import Estimate, in_words
from nst_jax.transfer.fitting import HOST, Way
from nst_jax.transfer.needs import (
    host_bytes,
    network_bytes,
    pictures_bytes,
    program_bytes,
)
from nst_jax.transfer.pictures import Pictures
from nst_jax.transfer.run import Run

_TRIES = 6  # Programs that are compiled to find a size that fits.
_STEP = 16  # Sizes are proposed in multiples of it.

Change = Callable[[Options, int], Iterator[tuple[str, Options, int]]]
"""From options and lanes to others that need less: flags that say so, and both."""


def _fewer_lanes(options: Options, lanes: int) -> Iterator[tuple[str, Options, int]]:
    while lanes > 1:
        lanes //= 2
        yield f"--lanes={lanes}", options, lanes


def _adam(options: Options, lanes: int) -> Iterator[tuple[str, Options, int]]:
    if options.solver == "lbfgs":
        yield "--solver=adam", dataclasses.replace(options, solver="adam"), lanes


CHANGES: tuple[Change, ...] = (_fewer_lanes, _adam)
"""What is tried where a run doesn't fit, in this order; then smaller sizes."""


def ways(estimate: Estimate, run: Run) -> list[str]:
    """Flags with which a run that doesn't fit would, each way by itself.

    Each is compiled, and said only if it does.
    """
    found = []
    options = run.jobs[0].options
    for change in CHANGES:
        for said, changed, lanes in change(options, estimate.lanes):
            if _fits(estimate, _other(run, changed, lanes)):
                found.append(said)
                break
    for said in (_tiled(estimate, run), _smaller(estimate, run)):
        found += [said] if said else []
    return found


def _needed(estimate: Estimate, run: Run) -> int:
    scale = run.scales[-1]
    return estimate.base + program_bytes(run, scale, run.program(scale))


def _fits(estimate: Estimate, run: Run) -> bool:
    on_host = host_bytes(run) <= estimate.host_free
    return on_host and _needed(estimate, run) <= estimate.free


def _tiled(estimate: Estimate, run: Run) -> str:
    """The flag of the largest tiles by which it fits, if need be by the host's memory
    for the solver too; "" if by none.
    """
    apart = not memory.is_shared()
    way = Way(1, run.studio, run.hosted, may=not run.studio.whole, may_host=apart)
    frame = run.pictures.frame(run.jobs[0])
    while less := way.smaller(frame):
        way, _ = less
        cut = dataclasses.replace(
            run,
            studio=way.studio,
            jobs=run.jobs[:1] if way.hosted else run.jobs,
            layout=plan.laid(run.layout, way),
            hosted=way.hosted,
        )
        if _fits(estimate, cut):
            tile = f"--tile={way.studio.tile}" if way.studio.tile else ""
            host = f"--solver_memory={HOST}" if way.hosted else ""
            return " ".join(filter(None, (tile, host)))
    return ""


def _smaller(estimate: Estimate, run: Run) -> str:
    """The flag of the largest size that fits, about; "" if none of a few tries does."""
    options = run.jobs[0].options
    size, needed, of_host = run.scales[-1].size, estimate.needed, estimate.host
    for _ in range(_TRIES):
        share = (estimate.free - estimate.base) / max(1, needed - estimate.base)
        share = min(share, estimate.host_free / max(1, of_host))
        if share <= 0:
            return ""
        size = math.floor(min(0.97, math.sqrt(share)) * size / _STEP) * _STEP
        if size < _STEP:
            return ""
        changed = dataclasses.replace(options, size=size, pyramid=1)
        other = _other(run, changed, estimate.lanes)
        needed, of_host = _needed(estimate, other), host_bytes(other)
        if needed <= estimate.free and of_host <= estimate.host_free:
            return f"--size={size}"
    return ""


def _other(run: Run, options: Options, lanes: int) -> Run:
    """The run of other options that solver, size and lanes are of.

    On several devices it may need less than is found here: which devices share what
    follows from the lanes and the size.
    """
    layout = plan.laid(run.layout, Way(lanes, run.studio, run.hosted))
    if options.size != run.jobs[0].options.size:  # Rows of small ones aren't divided.
        layout = Layout(layout.lanes) if layout.lanes > 1 else ONE
    jobs = [dataclasses.replace(job, options=options) for job in run.jobs]
    jobs = (jobs * math.ceil(lanes / len(jobs)))[:lanes]
    of, multiple = run.pictures, layout.multiple
    pictures = Pictures(jobs, of.shapes, masks=of.masks, multiple=multiple)
    return Run(run.studio, pictures, tuple(jobs), run.share, layout, run.hosted)


def expect(run: Run, *, grey: bool) -> str:
    """A line about the memory of a run, whose largest program is compiled for it.

    Args:
      run: to be begun.
      grey: whether a lane is to have no colour.

    Raises:
      NoRoomError: there is less than the program needs, in a memory that wouldn't say
        so itself; it says what needs less.
    """
    largest, lanes = run.scales[-1], len(run.jobs)
    program = run.program(largest, grey=grey)
    heap.trim()
    needed, room = memory.needed_bytes(program), memory.room_bytes()
    if needed > room:
        raise NoRoomError(_refused(run, needed, room))
    whole = program_bytes(run, largest, program)
    free = memory.free_bytes()
    if memory.is_shared():
        held = memory.resident_bytes()
        whole, free = whole + held + pictures_bytes(run), free + held
    else:
        whole += network_bytes(run)
    side_by_side = f" for {lanes} side by side" if lanes > 1 else ""
    line = (
        f"needs about {in_words(whole)} of memory{side_by_side}, of "
        f"{in_words(free)} there are"
    )
    if of_host := host_bytes(run):
        line += f"; and {in_words(of_host)} of the host's, of "
        line += in_words(memory.pinned_bytes())
    return line


def _refused(run: Run, needed: int, room: int) -> str:
    options, lanes = run.jobs[0].options, len(run.jobs)
    size = math.floor(math.sqrt(room / needed) * run.scales[-1].size / _STEP) * _STEP
    others = [next(change(options, lanes), None) for change in CHANGES]
    ways = [f"such as {max(_STEP, size)}", *(other[0] for other in others if other)]
    return (
        f"the memory is too small for this picture, which needs {in_words(needed)} of "
        f"{in_words(room)}: try a smaller --size, {', or '.join(ways)}; `nst-jax plan` "
        "with the same arguments tells what fits"
    )
