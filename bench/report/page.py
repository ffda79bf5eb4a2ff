"""The page: what was measured, device by device; what was not is said too."""

from collections.abc import Sequence
from pathlib import Path

from bench import launch
from bench.report import tables
from bench.report.goals import GOALS
from bench.report.tables import Record

_INTRODUCTION = """\
# Benchmark

Made by `python -m bench.report` from the raw records in `bench/results/`; don't edit.
Repeat the measurements, alone on the machine, with

```bash
bash scripts/bench.sh --quick     # a table in under 5 minutes, once installed
bash scripts/bench.sh --cpu       # the CPU cases in full, about an hour
bash scripts/bench.sh --device    # the GPU cases, 8 minutes of them; --resume goes on
```

All programs compute one loss: VGG-19 to relu5_1, content relu4_2 x 5, style relu1_1 to
relu5_1 x 100, Gram matrices divided by channels and pixels, mean squared differences
(`bench/workload.py`; `tests/parity/test_bench.py` compares loss and gradient).
A step is the loss, its gradient and the solver's update. Steps are timed on random
weights and smooth noise, whose cost is the same; the other cases are about real
pictures. Each framework runs in a process of its own. Warm-up and compilation stand
apart. Figures are medians. Pictures are scored by one evaluator, this project's loss in
float32, clipped to [0, 1] as they would be saved.

PyTorch's variants: *eager* as tutorials write it (NCHW; on a GPU with convolutions in
TF32, its default), *eager channels_last*, and *compile+graphs*, torch.compile with the
whole step of Adam, or loss and gradient for L-BFGS, in one CUDA graph, channels_last.
All have frozen weights, targets computed once, and no read-back that the solver does
not force. *nst_jax* is as it is by default; *plain L-BFGS* is its solver without the
preconditioner, step for step PyTorch's. pastiche is asked for the same loss; its
seconds count from process start.

One-pass networks are pytorch/examples' fast_neural_style, 32 to 128 channels, with the
same random weights everywhere; a pass goes from float pixels to float pixels, a step of
training (VGG-16, its example's loss) from bytes of photos to new weights. onnxruntime
runs the file that `nst-jax export` writes. Folders are painted by `nst-jax apply` and
by a plain script (`bench/runners/plain_painter.py`), from JPEG files to PNG files.
"""


def page(records: Sequence[Record], folder: Path) -> str:
    """The Markdown text; plots go to `folder/plots`."""
    found = tables.latest(records)
    places = sorted({launch.place(r) for r in found}, key=_gpus_first)
    parts = [_INTRODUCTION, "## The speed it must reach\n", _goals(found, places)]
    for place in places:
        parts.append(_device([r for r in found if launch.place(r) == place], place))
        parts += _plots(found, place, folder)
    skipped = [r for r in found if "skipped" in r]
    if skipped:
        parts.append("## Not measured\n")
        parts.append("".join(f"- {launch.describe(r)}\n" for r in skipped))
    return "\n".join(parts)


def _gpus_first(place: str) -> tuple[bool, bool, str]:
    return place == "cpu", place != "gpu-h100", place


def _goals(records: Sequence[Record], places: Sequence[str]) -> str:
    """The table of goals; GPU figures from an H100 if there are any."""
    rows = []
    for goal in GOALS:
        where = next((p for p in places if (p == "cpu") != goal.gpu), None)
        here = [r for r in records if launch.place(r) == where]
        figure, verdict = goal.verdict(here)
        if verdict and goal.gpu and where != "gpu-h100":
            figure += f" (on {where})"
        limits = (f"<= {limit:.3g}{goal.unit}" for limit in (goal.required, goal.aim))
        rows.append([goal.what, goal.before, *limits, figure, verdict])
    header = ["one H100 unless said", "starting line", "required", "aim", "measured"]
    return tables.table([*header, ""], rows)


def _device(records: Sequence[Record], place: str) -> str:
    """The tables of one device."""
    parts = [f"## {place}\n", *(f"- {line}\n" for line in _about(records))]
    for case, (title, show) in tables.SECTIONS.items():
        if tables.measured(records, case):
            parts.append(f"\n### {title}\n\n{show(records)}")
    if tables.measured(records, "step"):
        parts.append(f"\n### How the cost grows\n\n{tables.growth(records)}")
    return "".join(parts)


def _about(records: Sequence[Record]) -> list[str]:
    """Device, versions, commits and dates, each that occurs."""

    def joined(dictionary: dict) -> str:
        return ", ".join(f"{k} {v}" for k, v in dictionary.items() if v is not None)

    devices = {joined(r["device"]) for r in records if "device" in r}
    hosts = {joined(r["host"]) for r in records}
    versions = {joined(r["versions"]) for r in records if "versions" in r}
    real = ("process", "trajectory", "set")
    weights = {r["workload"]["weights"] for r in records if r["case"] in real}
    dates = sorted(r["at"][:10] for r in records)
    busy = max(r["load"] for r in records)
    return [
        *(f"device: {text}" for text in sorted(devices)),
        *(f"host: {text}" for text in sorted(hosts)),
        *(f"versions: {text}" for text in sorted(versions)),
        *(f"weights of real pictures: {text}" for text in sorted(weights)),
        f"measured {dates[0]} to {dates[-1]}, commits "
        + ", ".join(sorted({str(r["commit"]) for r in records})),
        f"load average at the start of a job: {busy:.1f} at most, the runner before "
        "it included",
    ]


def _plots(records: Sequence[Record], place: str, folder: Path) -> list[str]:
    try:
        from bench.report import plots
    except ImportError:
        return ["(No plots: matplotlib is not installed.)\n"]
    here = [r for r in records if launch.place(r) == place]
    files = plots.draw(here, place, folder / "plots")
    return [
        f"![{title}]({path.relative_to(folder).as_posix()})\n\n*{title}*\n"
        for title, path in files.items()
    ]
