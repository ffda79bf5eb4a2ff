"""The project's programs, lowered for chips that aren't here.

The code that runs them lowers them. Nothing is computed but the random weights, and
what a network is trained for: pictures are shapes.
"""

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import SingleDeviceSharding

import nst_jax
from bench.cases import OURS
from bench.runners import jax_painter, run_jax
from bench.workload import Job, Workload
from nst_jax.devices.sharding import Layout
from nst_jax.feedforward import train
from nst_jax.feedforward.recipe import Recipe
from nst_jax.images.frames import Shape
from nst_jax.images.source import Source
from nst_jax.optimize import chunk, hosted
from nst_jax.options import changed
from nst_jax.transfer import jobs
from nst_jax.transfer.pictures import Pictures
from nst_jax.transfer.problem import Studio
from nst_jax.transfer.run import Run

Devices = tuple[jax.Device, ...]


@dataclasses.dataclass(frozen=True)
class Program:
    """A program that is to be compiled.

    Attributes:
      case: of `CASES`.
      side: of its square pictures, in pixels.
      lanes: pictures side by side, over all chips.
      chips: that it runs on.
      options: those that differ from the defaults.
      lower: traces it.
    """

    case: str
    side: int
    lanes: int
    chips: int
    options: Mapping[str, Any]
    lower: Callable[[], jax.stages.Lowered]


@dataclasses.dataclass(frozen=True)
class Case:
    """A kind of program.

    Attributes:
      about: what it computes, for people.
      step: what its figures are of.
      programs: of a size, for these chips: of a run, one for each of its sizes.
    """

    about: str
    step: str
    programs: Callable[[str, int, Devices], Iterator[Program]]

    @property
    def iterated(self) -> bool:
        """Whether figures are of a loop's body, and not of all of a program."""
        return self.step == _ITERATION


_ITERATION = "an iteration"


def _optimised(
    lanes: int = 1, *, solver: str = "adam", **options: Any
) -> Callable[[str, int, Devices], Iterator[Program]]:
    """Gatys's loss as the benchmark has it, and changes of it."""

    def programs(case: str, size: int, devices: Devices) -> Iterator[Program]:
        workload = Workload(size, size, lanes, solver)
        job = Job("step", OURS, case, workload, "auto", options=options)
        yield from _of_run(case, run_jax.options(job), workload, devices)

    return programs


def _sharded(
    rows: Callable[[int], int], *, solver: str = "adam"
) -> Callable[[str, int, Devices], Iterator[Program]]:
    """Gatys's loss on all chips, of which so many of a count share each picture."""

    def programs(case: str, size: int, devices: Devices) -> Iterator[Program]:
        layout = Layout(len(devices) // rows(len(devices)), rows(len(devices)), devices)
        workload = Workload(size, size, layout.lanes, solver)
        job = Job("step", OURS, case, workload, "auto")
        yield from _of_run(case, run_jax.options(job), workload, devices, layout)

    return programs


def _half(chips: int) -> int:
    """The rows of a mesh that is as square as may be: of 4 chips 2, of 256 16."""
    return math.isqrt(chips)


def _default(case: str, size: int, devices: Devices) -> Iterator[Program]:
    """`nst-jax stylize` as it is by default: each size of its pyramid."""
    yield from _of_run(case, nst_jax.Options(size=size), Workload(size, size), devices)


def _poster(case: str, size: int, devices: Devices) -> Iterator[Program]:
    """What is larger than the device: in tiles, L-BFGS's history on the host."""
    workload = Workload(size, size, 1, "lbfgs")
    job = Job("step", OURS, case, workload, "auto")
    tile = min(1024, size // 2)
    yield from _of_run(case, run_jax.options(job), workload, devices, tile=tile)


def _of_run(
    case: str,
    options: nst_jax.Options,
    workload: Workload,
    devices: Devices,
    layout: Layout | None = None,
    tile: int = 0,
) -> Iterator[Program]:
    """The programs of a run: a chunk of iterations at each of its sizes.

    Without a layout they are on one chip; with tiles, the solver's state on the host.
    """
    on = layout or Layout()
    photo, painting = Source("photo"), Source("painting")
    shape: Shape = (workload.height, workload.width)
    one = jobs.Job(photo, (painting,), options)
    network = run_jax.network(workload, options.precision)
    studio = Studio(network, options)
    run = Run(
        studio.in_tiles(tile) if tile else studio,
        Pictures([one], {photo.key: shape, painting.key: shape}, multiple=on.multiple),
        (one,) * workload.lanes,
        layout=on,
        hosted=bool(tile),
    )
    for scale in run.scales:

        def lower(scale: Any = scale) -> jax.stages.Lowered:
            objective, solver, *data = run.shapes(scale)
            placed = data if layout else _placed(data, devices[:1])
            placed = hosted.placed(placed, devices[0])
            return chunk.lowered(objective, solver, *placed)

        yield Program(
            case, scale.size, workload.lanes, on.count, changed(options), lower
        )


def _applied(
    case: str, size: int, devices: Devices, lanes: int = 8
) -> Iterator[Program]:
    """What `nst-jax apply` compiles for pictures of one shape."""
    job = Job("pass", OURS, case, Workload(size, size, lanes), "bfloat16")
    network, program = jax_painter.painter(job.precision)

    def lower() -> jax.stages.Lowered:
        images = jax.ShapeDtypeStruct((lanes, size, size, 3), jnp.float32)
        network_, images = _placed((network, images), devices[:1])
        return program.lower(network_, images, None)

    yield Program(case, size, lanes, 1, {"precision": job.precision}, lower)


def _trained(case: str, size: int, devices: Devices) -> Iterator[Program]:
    """What `nst-jax train` compiles: the batch is shared by all chips."""
    lanes = Recipe.batch * len(devices)
    job = Job("training", OURS, case, Workload(size, size), "auto")

    def lower() -> jax.stages.Lowered:
        plan, *held = jax_painter.trained(job)
        batch = (
            jax.ShapeDtypeStruct((lanes, size, size, 3), jnp.uint8),
            jax.ShapeDtypeStruct((lanes,), jnp.int32),
        )
        more = (jnp.float32(0), jax.random.key(0))
        state, wanted, *more = _placed((*held, *more), devices)
        photos, styles = _placed(batch, devices, parts=True)
        return train.step.lower(plan, state, wanted, photos, styles, *more)

    yield Program(case, size, lanes, len(devices), {"precision": "auto"}, lower)


def _placed(tree: Any, devices: Devices, *, parts: bool = False) -> Any:
    """Shapes and types of arrays, on devices that may not be here."""
    where: Any = SingleDeviceSharding(devices[0]) if len(devices) == 1 else None

    def shaped(leaf: Any) -> jax.ShapeDtypeStruct:
        leaf = leaf if hasattr(leaf, "shape") else np.asarray(leaf)
        weak = getattr(leaf, "weak_type", False)
        return jax.ShapeDtypeStruct(
            leaf.shape, leaf.dtype, sharding=where, weak_type=weak
        )

    shapes = jax.tree.map(shaped, tree)
    if where is not None:
        return shapes
    layout = Layout(len(devices), devices=devices)
    return layout.targets(shapes) if parts else layout.everywhere(shapes)


_GRAM = "Gatys's loss, one picture"

CASES: Mapping[str, Case] = MappingProxyType(
    {
        "adam": Case(f"{_GRAM}, Adam", _ITERATION, _optimised()),
        "lbfgs": Case(f"{_GRAM}, L-BFGS", _ITERATION, _optimised(solver="lbfgs")),
        "lanes": Case(
            "Gatys's loss, 8 pictures side by side, Adam",
            _ITERATION,
            _optimised(8),
        ),
        "w2": Case(
            "optimal transport (w2), one picture, Adam",
            _ITERATION,
            _optimised(style_loss="w2"),
        ),
        "default": Case(
            "nst-jax stylize by default (w2, L-BFGS), each size of its pyramid",
            _ITERATION,
            _default,
        ),
        "lanes sharded": Case(
            "Gatys's loss, Adam, a picture a chip",
            _ITERATION,
            _sharded(lambda chips: 1),
        ),
        "rows sharded": Case(
            "Gatys's loss, Adam, one picture whose rows all chips share",
            _ITERATION,
            _sharded(lambda chips: chips),
        ),
        "both sharded": Case(
            "Gatys's loss, L-BFGS, lanes over one side of a square of chips, rows of "
            "each over the other",
            _ITERATION,
            _sharded(_half, solver="lbfgs"),
        ),
        "poster": Case(
            "Gatys's loss, L-BFGS, one picture in tiles of 1024 pixels, the history in "
            "the host's memory",
            _ITERATION,
            _poster,
        ),
        "apply": Case(
            "one pass of a style network, 8 photos (nst-jax apply)", "a batch", _applied
        ),
        "train": Case(
            "training of a style network, 4 photos a chip, on all chips "
            "(nst-jax train)",
            "an update",
            _trained,
        ),
    }
)
"""By the name that `--cases` takes."""


def of(
    cases: Sequence[str], sizes: Sequence[int], devices: Devices
) -> Iterator[Program]:
    """The programs of some cases and sizes, for these chips; each once."""
    seen = set()
    for size in sizes:
        for case in cases:
            for program in CASES[case].programs(case, size, devices):
                key = (case, program.side)
                if key not in seen:
                    seen.add(key)
                    yield program
