"""What a run needs: memory, lanes, and about how long; known before it is computed.

The programs are compiled, not run; the compiler says what each needs. On accelerators a
run needs the network, and the program that needs most. On CPUs the process is in the
same memory, so that there it is

    runtime + network + compiled + pictures + the largest of all sizes' programs

- runtime: what this process held before it had a network;
- network: its kernels, plain and transformed;
- compiled: what the process holds beside these once it has compiled, and has made a
  few iterations: its programs, and what traced them;
- pictures: photos and paintings as they are kept;
- a program: its temporary buffers, the state of the solver, targets, and results; or,
  where that is more, those of the program that finds the targets.
"""

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from nst_jax.devices import heap, memory, sharding
from nst_jax.errors import NstError
from nst_jax.images.frames import Shape
from nst_jax.images.source import Report
from nst_jax.networks.network import Network
from nst_jax.optimize import hosted
from nst_jax.options import chosen
from nst_jax.perceptual.objective import targets
from nst_jax.transfer import fitting, needs, plan, refused
from nst_jax.transfer.fitting import Fit
from nst_jax.transfer.jobs import Job
from nst_jax.transfer.masks import Masks
from nst_jax.transfer.problem import Studio
from nst_jax.transfer.run import Run
from nst_jax.transfer.sizes import Scale, of_one_size

_TIMED = 3  # Iterations that are timed.
_SMALL = 2**16  # Pixels of pictures that are timed; of few, what each costs misleads.
_OF_TILES = 4 / 3  # Those of tiles are seen forward twice, and backward once.


@dataclasses.dataclass(frozen=True)
class Stage:
    """What one size of a run needs.

    Attributes:
      size: longest side in pixels.
      frame: height and width in pixels.
      iterations: at this size.
      program: bytes of its program, the network left out.
      targets: bytes of the largest program that finds what a picture asks for.
    """

    size: int
    frame: Shape
    iterations: int
    program: int
    targets: int

    @property
    def most(self) -> int:
        """Bytes that this size takes at the most: targets are found before it runs."""
        return max(self.program, self.targets)


@dataclasses.dataclass(frozen=True)
class Estimate:
    """What a run of a group needs.

    Attributes:
      places: of its jobs.
      lanes: side by side.
      precision: what the network computes in here, such as "bfloat16".
      stages: of each size, ascending; a last pass is one more.
      network: bytes.
      pictures: bytes.
      runtime: bytes of the process before it had a network; None: not in this memory.
      compiled: bytes that it holds beside runtime and network; None: likewise.
      free: bytes that the device could give, or that the whole process may take.
      host: bytes of the solver's state in the host's memory, of `host_free` there.
      host_free: see `host`.
      seconds: about, of all iterations; None: not estimated.
      devices: that share the group; bytes are those of each, or of the process.
    """

    places: tuple[int, ...]
    lanes: int
    precision: str
    stages: tuple[Stage, ...]
    network: int
    pictures: int
    runtime: int | None
    compiled: int | None
    free: int
    host: int = 0
    host_free: int = 0
    seconds: float | None = None
    devices: int = 1

    @property
    def base(self) -> int:
        """Bytes that are held at every size."""
        if self.runtime is None or self.compiled is None:
            return self.network
        return self.runtime + self.network + self.compiled + self.pictures

    @property
    def needed(self) -> int:
        """Bytes at the most."""
        return self.base + max(stage.most for stage in self.stages)

    @property
    def fits(self) -> bool:
        """Whether there is as much."""
        return self.needed <= self.free and self.host <= self.host_free


@dataclasses.dataclass(frozen=True)
class Baseline:
    """What the process has before a run is planned.

    Attributes:
      runtime: bytes of memory, where programs are in the same; else None.
      free: bytes that there may be in all.
    """

    runtime: int | None
    free: int

    @classmethod
    def now(cls) -> "Baseline":
        """Of this moment: to be asked before the network is loaded."""
        if not memory.is_shared():
            return cls(None, memory.free_bytes())
        held = memory.resident_bytes()
        return cls(held, held + memory.free_bytes())


def runs(
    jobs: Sequence[Job],
    network: Callable[[], Network],
    *,
    lanes: int | None = None,
    fit: Fit = fitting.AUTO,
    devices: str = "auto",
    report: Report,
) -> Iterator[tuple[tuple[int, ...], Run]]:
    """The places and the run of each group of jobs, as `batch.run_jobs` makes them.

    Args:
      jobs: at least one; see `run_jobs`.
      network: gives the network, once it is known that there is something to do.
      lanes: see `run_jobs`.
      fit: what is asked for of memory.
      devices: likewise.
      report: takes lines for the user, such as what can't be made.

    Raises:
      NstError: what is wrong with a job that is alone.
    """
    fit.check(lanes, devices)
    lanes = 1 if fit.hosted else lanes
    shapes, wrong = refused.looked_at(jobs)
    sized, unsized = refused.sized(jobs, shapes, wrong)
    masks = Masks(shapes, report)
    wrong |= unsized
    wrong |= masks.wrong(jobs, wrong)
    good = {place: job for place, job in sized.items() if place not in wrong}
    _tell(wrong, jobs, report)
    if not good:
        return
    edges = max(job.options.edge_weight for job in jobs)
    options = dataclasses.replace(jobs[0].options, edge_weight=edges)
    studio = Studio(network(), options)
    small = refused.too_small(good, shapes, studio)
    _tell(small, jobs, report)
    good = {place: job for place, job in good.items() if place not in small}
    for of_size in of_one_size(good) if good else ():
        layout = plan.layout(devices, of_size, lanes)
        layout = sharding.ONE if fit.hosted else layout
        pictures = plan.pictures_of(
            of_size, shapes, report, lanes=lanes, masks=masks, layout=layout
        )
        for group in plan.groups(of_size, pictures, studio, lanes, layout):
            way = fitting.first(studio, group.lanes, fit)
            for line in fit.idle(studio, pictures.frame(of_size[group.places[0]])):
                report(line)
            on = plan.laid(layout, way)
            places = group.places
            yield places, plan.run(group, places, of_size, pictures, way, on)


def _tell(wrong: Mapping[int, NstError], jobs: Sequence[Job], report: Report) -> None:
    for error in wrong.values():
        if len(jobs) == 1:
            raise error
        report(f"nst-jax: {error}")


def of_run(places: tuple[int, ...], run: Run, before: Baseline) -> Estimate:
    """What a run needs, by its compiled programs.

    Args:
      places: of its jobs.
      run: planned.
      before: of the process.
    """
    stages, done = [], 0
    for scale in run.scales:
        stages.append(_stage(run, scale, scale.until - done))
        done = scale.until
    return Estimate(
        places,
        len(run.jobs),
        jnp.dtype(chosen(run.jobs[0].options, "precision").here().dtype).name,
        tuple(stages),
        needs.network_bytes(run),
        needs.pictures_bytes(run),
        before.runtime,
        _beside(run, before.runtime),
        before.free,
        needs.host_bytes(run),
        memory.pinned_bytes(),
        devices=run.layout.count,
    )


def _stage(run: Run, scale: Scale, iterations: int) -> Stage:
    program = run.program(scale)
    heap.trim()
    return Stage(
        scale.size,
        run.pictures.frame(run.jobs[0], scale.size),
        iterations,
        needs.program_bytes(run, scale, program),
        _targets_bytes(run, scale),
    )


def _targets_bytes(run: Run, scale: Scale) -> int:
    """Bytes of the largest program that looks at a photo or painting, compiled here.

    Of whole pictures: regions' masks are not counted.
    """
    studio, lane = run.studio.at(scale), run.pictures.lane(run.jobs[0], scale.size)
    seen = [(lane.content, "content"), *((style, "style") for style in lane.styles)]
    if studio.objective.losses.follows:
        seen = seen[:1]
    most = 0
    for frame, masked, wants in {(one.frame, one.masked, w): None for one, w in seen}:
        image = jax.ShapeDtypeStruct((*frame, 3), jnp.float32)
        extents = jax.ShapeDtypeStruct((1, 2), jnp.int32) if masked else None
        looks = targets.lower(
            studio.objective, studio.network.plain, image, wants, extents, None
        )
        found: Any = looks.compile().memory_analysis()
        most = max(most, found.temp_size_in_bytes + found.output_size_in_bytes)
    heap.trim()
    return most


def _beside(run: Run, runtime: int | None) -> int | None:
    """Bytes that this process holds beside runtime and network; None: not together."""
    if runtime is None:
        return None
    network = run.studio.network
    held = (network.plain, network.shapes if network.is_prepared else None)
    return max(0, memory.resident_bytes() - runtime - needs.tree_bytes(held))


def timed(estimate: Estimate, run: Run) -> Estimate:
    """With the seconds of all iterations, by a few at a small size.

    Time is taken to grow with the pixels, which holds on CPUs, and where an accelerator
    is busy: small pictures cost it more a pixel, so that it is too much rather than too
    little. Compiling, reading and writing aren't in it.
    """
    small = [math.prod(stage.frame) <= _SMALL for stage in estimate.stages]
    place = max(0, sum(small) - 1)
    timed_at = run.scales[place]
    _, _, state, problem = run.shapes(timed_at)
    ones = jax.tree.map(lambda x: jnp.ones(x.shape, x.dtype), problem)
    problem = dataclasses.replace(ones, network=run.studio.network.fastest)
    image = jax.random.uniform(jax.random.key(0), state.image.shape)
    here = hosted.without(state)
    zeros = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), here)
    state = dataclasses.replace(hosted.zeros(zeros, state), image=image)
    frame = estimate.stages[place].frame
    state, problem = run.layout.images(state, frame), problem.placed(run.layout)
    program = run.program(timed_at)
    state, *_ = program(state, problem, jnp.int32(1))
    jax.block_until_ready(state)
    began = time.perf_counter()
    state, *_ = program(state, problem, jnp.int32(_TIMED))
    jax.block_until_ready(state)
    taken = time.perf_counter() - began
    pixels = math.prod(frame)
    seconds = sum(
        taken / _TIMED * stage.iterations * _seen(run, stage.frame) / pixels
        for stage in estimate.stages
    )
    del state, problem, ones, zeros, image
    heap.trim()
    beside = _beside(run, estimate.runtime)
    return dataclasses.replace(estimate, seconds=seconds, compiled=beside)


def _seen(run: Run, frame: Shape) -> float:
    """Pixels that are gone over at an iteration, as often as in a step at once."""
    if (tiling := run.studio.tiling(frame)) is None:
        return math.prod(frame)
    size, places = tiling.windows(tiling.framed(frame))
    return _OF_TILES * len(places) * math.prod(size)


def in_words(size: float) -> str:
    """A number of bytes, such as "1.25 GB"."""
    return f"{size / 1e9:.2f} GB" if size < 1e10 else f"{size / 1e9:.1f} GB"
