"""Which jobs make up a benchmark: `quick`, `cpu` in full, `device` (a GPU) in full.

The order is that of importance, as a run may be cut. Of each framework's step jobs the
larger ones come later: JAX tells the most memory of a whole process only.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from bench.workload import NETWORK, Job, Workload
from nst_jax.options import FIELDS
from weights_convert import store

OURS, TORCH, PASTICHE, ONNX = "nst_jax", "PyTorch", "pastiche", "onnxruntime"
STRONGEST = "compile+graphs"

GRAM = "gram"
LOSSES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        GRAM: {},
        "gram normalized": {"gram": "normalized"},
        **{
            name: {"style_loss": name}
            for name in FIELDS["style_loss"].metadata["choices"]
            if name != GRAM
        },
        "self_similarity": {"content_loss": "self_similarity"},
        "edges": {"edge_weight": 25.0},
    }
)
"""Options by the name of a loss: of the content, Gram matrices are beside it."""

# L-BFGS as PyTorch has it: the same mathematics, step for step.
PLAIN = "plain L-BFGS"
_PLAIN_OPTIONS = {"preconditioner": "none", "bounds": "none"}

_PAIRS = (("cat", "swirls"), ("rocket", "woodcut"), ("coffee", "glass"))

# (side, lanes), smallest first.
_SQUARES = sorted(
    ((side, lanes) for side in (128, 256, 512, 1024, 2048) for lanes in (1, 8, 32)),
    key=lambda square: square[0] ** 2 * square[1],
)
# torch.compile takes half a minute for each: the other squares come last of all.
_COMPILED_FIRST = (
    *((128, 1), (256, 1), (512, 1), (1024, 1), (2048, 1)),
    *((128, 8), (512, 8), (128, 32), (512, 32)),
)


def quick(gpu: bool) -> list[Job]:
    """A few minutes on any machine."""
    if gpu:
        squares = ((512, 1), (512, 8))
        return [
            *_steps(OURS, "default", "bfloat16", squares),
            *_steps(TORCH, "eager", "tf32", squares),
            *_steps(TORCH, STRONGEST, "bfloat16", squares[:1]),
            *_processes(512, 512, steps=100, precision="auto", repeats=1)[:2],
        ]
    squares = ((128, 1), (256, 1))
    return [
        *_steps(OURS, "default", "float32", squares, budget=4),
        *_steps(TORCH, "eager channels_last", "float32", squares, budget=4),
        *_steps(TORCH, "eager", "float32", squares, budget=4),
        *_processes(96, 128, steps=40, precision="auto", repeats=1)[:2],
    ]


def cpu() -> list[Job]:
    """All cases at the sizes of a laptop: about an hour on two cores."""
    layouts = ("eager channels_last", "eager")

    def steps(squares: Iterable[tuple[int, int]], budget: float) -> list[Job]:
        squares = tuple(squares)
        jobs = _steps(OURS, "default", "float32", squares, budget=budget)
        for layout in layouts:
            jobs += _steps(TORCH, layout, "float32", squares, budget=budget)
        return jobs

    lbfgs = dataclasses.replace(_step_workload(256, 1), solver="lbfgs")
    return [
        # In turns, so that a slow minute of the machine meets all.
        *2 * steps([(256, 1), (512, 1)], 10),
        *_processes(192, 256, steps=100, precision="auto", repeats=2),
        *steps([(128, 1), (128, 8)], 8),
        *steps([(1024, 1), (256, 8)], 15),
        *_trajectories(192, 256, _PAIRS[0], steps=200, marks=10, gpu=False),
        *_sets(128, steps=20, gpu=False),
        Job("step", OURS, "default", lbfgs, budget=10),
        Job("step", OURS, PLAIN, lbfgs, budget=10, options=_PLAIN_OPTIONS),
        Job("step", TORCH, layouts[0], lbfgs, budget=10),
        *_steps(OURS, "default", "float32", ((128, 2), (128, 4)), budget=5),
        *_trajectories(192, 256, _PAIRS[1], steps=200, marks=10, gpu=False)[:3],
        *_steps(TORCH, "compile", "float32", ((256, 1),), budget=5),
        *painters_cpu(),
    ]


def painters_cpu() -> list[Job]:
    """One-pass networks on a CPU: passes, a step of training, folders."""
    variants = [
        (OURS, "default"),
        (TORCH, "eager"),
        (TORCH, "eager channels_last"),
        (TORCH, "compile"),
        (ONNX, "default"),
    ]
    shapes = ((512, 512), (720, 1280), (1080, 1920))
    return [
        *_passes(variants, "float32", [(*shapes[0], 1)], budget=6),
        *_trainings(variants[:3], "float32", batch=4, budget=20),
        *_folders(variants, (512, 512), photos=24, repeats=1),
        *_passes(variants, "float32", [(*shape, 1) for shape in shapes[1:]], budget=10),
        *_passes(variants, "float32", [(*shapes[0], 8)], budget=10),
        *_folders(variants, (720, 1280), photos=8, repeats=1),
        *_passes(variants, "float32", [(*shape, 8) for shape in shapes[1:]], budget=10),
    ]


def painters_device() -> list[Job]:
    """One-pass networks on a GPU."""
    shapes = ((512, 512), (720, 1280), (1080, 1920))
    batches = [(*shape, lanes) for shape in shapes for lanes in (1, 8)]
    half = [(OURS, "default"), (TORCH, "compile"), (TORCH, "eager channels_last")]
    return [
        *_passes(half, "bfloat16", batches, budget=1.5),
        *_trainings(half, "bfloat16", batch=16, budget=5),
        *_passes([(TORCH, "eager"), (OURS, "default")], "tf32", batches, budget=1.5),
        *_trainings([(TORCH, "eager")], "tf32", batch=16, budget=5),
        *_folders([(OURS, "default"), (TORCH, "eager")], (512, 512), photos=200),
    ]


def device() -> list[Job]:
    """All cases on a GPU, in the order of importance: about half an hour on an H100."""
    rest = [square for square in _SQUARES if square not in _COMPILED_FIRST]
    lanes = [(512, lanes) for lanes in (2, 4, 16)]
    lbfgs = [(128, 1), (512, 1), (512, 8)]
    return [
        *_steps(OURS, "default", "bfloat16", _SQUARES),
        *_steps(TORCH, STRONGEST, "bfloat16", _COMPILED_FIRST),
        *_steps(TORCH, "eager", "tf32", _SQUARES),
        *_processes(512, 512, steps=500, precision="auto", repeats=3),
        *_trajectories(512, 512, _PAIRS[0], steps=500, marks=25, gpu=True),
        *_sets(512, steps=500, gpu=True),
        *_losses(["w2"]),
        *painters_device(),
        *_steps(TORCH, "eager channels_last", "bfloat16", _SQUARES),
        *_steps(OURS, "default", "bfloat16", lbfgs, solver="lbfgs"),
        *_steps(
            *(OURS, PLAIN, "bfloat16", lbfgs),
            solver="lbfgs",
            options=_PLAIN_OPTIONS,
        ),
        *_steps(TORCH, "eager", "tf32", lbfgs, solver="lbfgs"),
        *_steps(TORCH, STRONGEST, "bfloat16", [(512, 1)], solver="lbfgs"),
        *_trajectories(512, 512, _PAIRS[1], steps=500, marks=25, gpu=True)[:3],
        *_trajectories(512, 512, _PAIRS[2], steps=500, marks=25, gpu=True)[:3],
        *_float32_trajectories(),
        *_steps(OURS, "default", "tf32", [(512, 1), (512, 8)]),
        *_steps(OURS, "default", "float32", [(512, 1)]),
        *_steps(OURS, "default", "bfloat16", lanes),
        *_losses([name for name in LOSSES if name not in (GRAM, "w2")]),
        *_steps(TORCH, STRONGEST, "bfloat16", rest),
    ]


def _losses(names: Iterable[str]) -> list[Job]:
    """Style losses against Gram matrices on a GPU, which take turns in each job."""
    pair = {"photo": "examples/photos/cat.jpg"}
    return [
        Job(
            *("losses", OURS, name),
            Workload(
                *(side, side),
                solver="lbfgs",
                paintings=("examples/styles/swirls.jpg",),
                **pair,
            ),
            "bfloat16",
            repeats=5,
            options=dict(LOSSES[name]),
        )
        for side in (256, 512)
        for name in names
    ]


def _step_workload(side: int, lanes: int, solver: str = "adam") -> Workload:
    return Workload(side, side, lanes, solver)


def _steps(
    framework: str,
    variant: str,
    precision: str,
    squares: Iterable[tuple[int, int]],
    *,
    solver: str = "adam",
    budget: float = 1.5,
    options: Mapping[str, Any] = MappingProxyType({}),
) -> list[Job]:
    return [
        Job(
            "step",
            framework,
            variant,
            _step_workload(side, lanes, solver),
            precision,
            budget=budget,
            options=dict(options),
        )
        for side, lanes in squares
    ]


def _passes(
    variants: Iterable[tuple[str, str]],
    precision: str,
    batches: Iterable[tuple[int, int, int]],
    *,
    budget: float,
) -> list[Job]:
    """Batches of (height, width, pictures), each in all variants in turn."""
    return [
        Job("pass", *variant, _photo(*batch), precision, budget=budget)
        for batch in batches
        for variant in variants
    ]


def _trainings(
    variants: Iterable[tuple[str, str]], precision: str, *, batch: int, budget: float
) -> list[Job]:
    return [
        Job("training", *variant, _photo(256, 256, batch), precision, budget=budget)
        for variant in variants
    ]


def _folders(
    variants: Iterable[tuple[str, str]],
    shape: tuple[int, int],
    *,
    photos: int,
    repeats: int = 2,
) -> list[Job]:
    return [
        Job("folder", *variant, _photo(*shape, 1), steps=photos, repeats=repeats)
        for variant in variants
    ]


def _photo(height: int, width: int, lanes: int) -> Workload:
    """A photo of the examples, so many times; a painting, where one is asked for."""
    photo, painting = _PAIRS[0]
    return Workload(
        height,
        width,
        lanes,
        photo=f"examples/photos/{photo}.jpg",
        paintings=(f"examples/styles/{painting}.jpg",),
    )


def _pair(height: int, width: int, pair: tuple[str, str]) -> Workload:
    """A photo and a painting of the examples; with the stored weights if there are."""
    photo, painting = pair
    stored = store.weights_path(NETWORK).is_file()
    return Workload(
        height,
        width,
        solver="lbfgs",
        photo=f"examples/photos/{photo}.jpg",
        paintings=(f"examples/styles/{painting}.jpg",),
        weights="stored" if stored else "random",
    )


def _processes(
    height: int, width: int, *, steps: int, precision: str, repeats: int
) -> list[Job]:
    ours = _pair(height, width, _PAIRS[0])
    theirs = dataclasses.replace(ours, history=100)
    # As each program's users start it: PyTorch's convolutions in TF32 on a GPU.
    return [
        Job(
            "process",
            framework,
            variant,
            workload,
            kind,
            steps=steps,
            repeats=count,
        )
        for framework, variant, workload, kind, count in (
            (OURS, "nst-jax stylize", ours, precision, repeats),
            (TORCH, "plain script", theirs, "default", min(repeats, 2)),
            (PASTICHE, "pastiche", theirs, "default", 1),
        )
    ]


def _trajectories(
    height: int,
    width: int,
    pair: tuple[str, str],
    *,
    steps: int,
    marks: int,
    gpu: bool,
) -> list[Job]:
    ours = _pair(height, width, pair)
    theirs = dataclasses.replace(ours, history=100)
    default, full = ("bfloat16", "tf32") if gpu else ("float32", "float32")
    adam = dataclasses.replace(theirs, solver="adam", learning_rate=1 / 255)
    decayed = {"learning_rate": 0.04, "learning_rate_decay": "cosine"}
    jobs = [
        Job("trajectory", OURS, "default", ours, default),
        Job("trajectory", TORCH, "eager", theirs, full),
        Job("trajectory", OURS, "pyramid", ours, default, options={"pyramid": 3}),
        Job("trajectory", PASTICHE, "pastiche", theirs, "default"),
        Job("trajectory", OURS, PLAIN, ours, default, options=_PLAIN_OPTIONS),
        Job(
            "trajectory",
            OURS,
            "default",
            dataclasses.replace(adam, learning_rate=0.04),
            default,
            options=decayed,
        ),
        Job("trajectory", TORCH, "eager", adam, full),
    ]
    if gpu:
        jobs.append(Job("trajectory", TORCH, STRONGEST, theirs, default))
    return [dataclasses.replace(job, steps=steps, marks=marks) for job in jobs]


def _float32_trajectories() -> list[Job]:
    """What the default precision of a GPU is measured against."""
    return [
        Job(
            *("trajectory", OURS, "default", _pair(512, 512, pair), "float32"),
            steps=500,
            marks=100,
        )
        for pair in _PAIRS
    ]


def _sets(side: int, *, steps: int, gpu: bool) -> list[Job]:
    """32 paintings for one photo; slow programs do some of them."""
    names = ("swirls", "woodcut", "glass", "dots", "facets")
    paintings = tuple(f"examples/styles/{name}.jpg" for name in names)
    ours = dataclasses.replace(
        _pair(side, side, _PAIRS[0]), lanes=32, paintings=paintings
    )
    theirs = dataclasses.replace(ours, history=100)
    default, full = ("bfloat16", "tf32") if gpu else ("float32", "float32")
    strongest = STRONGEST if gpu else "eager channels_last"
    jobs = [
        Job("set", OURS, "default", ours, default, together=0),
        Job("set", OURS, "default", ours, default, together=1, measured=8),
        Job("set", TORCH, "eager", theirs, full, together=1, measured=4),
        Job("set", TORCH, strongest, theirs, default, together=1, measured=4),
        Job("set", TORCH, strongest, theirs, default, together=8, measured=8),
    ]
    return [dataclasses.replace(job, steps=steps) for job in jobs]
