"""What speed is required, and what was measured of it.

Starting lines were measured on one H100 and on two CPU cores before the project had an
engine of its own: the same losses in plain JAX and in PyTorch. A requirement is below
the best of them, where there is one.
"""

import dataclasses
import statistics
from collections.abc import Callable, Sequence

from bench.cases import OURS, TORCH
from bench.report.tables import (
    Record,
    measured,
    pair,
    seconds_per_step,
    seconds_to,
    set_seconds,
    target,
)


@dataclasses.dataclass(frozen=True)
class Goal:
    """A requirement, against its starting line.

    Attributes:
      what: is measured.
      before: the starting line; "-" where none was measured.
      required: at most this.
      aim: better still.
      unit: of the figures.
      gpu: whether it is about a GPU or a CPU.
      figure: from the records of the device; None if they don't hold it.
      also: a second requirement, with its words, if there is one.
    """

    what: str
    before: str
    required: float
    aim: float
    unit: str
    gpu: bool
    figure: Callable[[Sequence[Record]], float | None]
    also: tuple[str, Callable[[Sequence[Record]], bool | None]] | None = None

    def verdict(self, records: Sequence[Record]) -> tuple[str, str]:
        """The measured figure, and whether it is good enough."""
        figure = self.figure(records)
        if figure is None:
            return "not measured yet", ""
        shown = f"{figure:.3g}{self.unit}"
        met = figure <= self.required
        if self.also:
            words, holds = self.also[0], self.also[1](records)
            shown += f"; {words}: {_ANSWERS[holds]}"
            met = met and holds is True
        if not met:
            return shown, "falls short"
        return shown, "aim met" if figure <= self.aim else "required met"


_ANSWERS = {True: "yes", False: "no", None: "not measured"}


def _step(
    records: Sequence[Record], framework: str, side: int, lanes: int = 1, **fields: str
) -> list[Record]:
    return [
        r
        for r in measured(records, "step")
        if (r["framework"], r["workload"]["solver"]) == (framework, "adam")
        and (r["workload"]["height"], r["workload"]["width"]) == (side, side)
        and r["workload"]["lanes"] == lanes
        and all(r[key] == value for key, value in fields.items())
    ]


def _image_step(side: int, lanes: int) -> Callable[[Sequence[Record]], float | None]:
    def figure(records: Sequence[Record]) -> float | None:
        found = _step(records, OURS, side, lanes, precision="bfloat16")
        return min((1e3 * seconds_per_step(r) / lanes for r in found), default=None)

    return figure


def _to_loss(records: Sequence[Record]) -> float | None:
    """Over the pairs, the median of the best run's seconds."""
    ours = [
        r
        for r in measured(records, "trajectory")
        if (r["framework"], r["steps"]) == (OURS, 500)
    ]
    best = []
    for of in dict.fromkeys(map(pair, ours)):
        loss = target(records, of)
        runs = [seconds_to(r, loss) for r in ours if pair(r) == of]
        if loss is not None:
            best.append(min((s for s in runs if s is not None), default=float("inf")))
    return statistics.median(best) if best else None


def _bfloat16(records: Sequence[Record]) -> float | None:
    """Of three pairs or more, the worst ratio of final losses, each scored in float32.

    Records of 512 pixels, 500 iterations of the default solver.
    """
    ends: dict[str, dict[str, float]] = {}
    for r in measured(records, "trajectory"):
        ours = (r["framework"], r["variant"], r["steps"]) == (OURS, "default", 500)
        if ours and (r["workload"]["solver"], r["workload"]["height"]) == (
            "lbfgs",
            512,
        ):
            ends.setdefault(pair(r), {})[r["precision"]] = r["points"][-1]["score"]
    ratios = [
        end["bfloat16"] / end["float32"]
        for end in ends.values()
        if {"bfloat16", "float32"} <= end.keys()
    ]
    return max(ratios) if len(ratios) >= 3 else None


def _process(records: Sequence[Record], framework: str, longest: int) -> float | None:
    """Seconds of a framework's program as it is by default, the median of its runs."""
    found = [
        statistics.median(r["later_seconds"])
        for r in measured(records, "process")
        if (r["framework"], r["options"]) == (framework, {})
        and max(r["workload"]["height"], r["workload"]["width"]) == longest
    ]
    return min(found, default=None)


def _under_torch(records: Sequence[Record]) -> bool | None:
    ours, theirs = (_process(records, who, 512) for who in (OURS, TORCH))
    return None if ours is None or theirs is None else ours < theirs


def _set(records: Sequence[Record]) -> float | None:
    found = [
        set_seconds(r)
        for r in measured(records, "set")
        if (r["framework"], r["steps"], r["workload"]["height"]) == (OURS, 500, 512)
        and r["together"] != 1
    ]
    return min(found, default=None)


def _cpu_step(records: Sequence[Record]) -> float | None:
    ours = [seconds_per_step(r) for r in _step(records, OURS, 256)]
    theirs = [
        seconds_per_step(r)
        for r in _step(records, TORCH, 256, precision="float32")
        if r["variant"].startswith("eager")
    ]
    return min(ours) / min(theirs) if ours and theirs else None


def _cpu_process(records: Sequence[Record]) -> float | None:
    ours, theirs = (_process(records, who, 256) for who in (OURS, TORCH))
    return None if ours is None or theirs is None else ours / theirs


def _against_torch(case: str) -> Callable[[Sequence[Record]], float | None]:
    """Our time as a share of PyTorch's best, of the worst batch that both did."""

    def figure(records: Sequence[Record]) -> float | None:
        best: dict[tuple[str, int, int, int], float] = {}
        for r in measured(records, case):
            w = r["workload"]
            key = (r["framework"], w["height"], w["width"], w["lanes"])
            best[key] = min(best.get(key, float("inf")), seconds_per_step(r))
        ratios = [
            seconds / best[TORCH, *batch]
            for (framework, *batch), seconds in best.items()
            if framework == OURS and (TORCH, *batch) in best
        ]
        return max(ratios, default=None)

    return figure


GOALS = (
    Goal(
        "ms a step, one picture of 512 px, bf16",
        "plain JAX 1.44, torch.compile + graphs 1.46, eager 6.05",
        *(1.15, 0.80, " ms", True, _image_step(512, 1)),
    ),
    Goal(
        "ms an image-step, 8 pictures",
        "plain JAX 1.15, torch.compile + graphs 1.19",
        *(0.95, 0.70, " ms", True, _image_step(512, 8)),
    ),
    Goal(
        "ms a step, one picture of 128 px",
        "0.58",
        *(0.40, 0.25, " ms", True, _image_step(128, 1)),
    ),
    Goal(
        "seconds to PyTorch L-BFGS's 500-iteration loss",
        "PyTorch eager 9.3",
        *(1.2, 0.6, " s", True, _to_loss),
    ),
    Goal(
        "process start to saved 512 px picture, 500 iterations, warm cache",
        "-",
        *(6.0, 4.0, " s", True, lambda r: _process(r, OURS, 512)),
        also=("under PyTorch's total", _under_torch),
    ),
    Goal(
        "32 styles of one photo, 512 px, 500 iterations",
        "PyTorch eager about 300 s",
        *(20.0, 13.0, " s", True, _set),
    ),
    Goal(
        "final loss in bfloat16 over float32's, 512 px, the worst of three pairs",
        "-",
        *(1.01, 1.0, "x", True, _bfloat16),
    ),
    Goal(
        "CPU, 256 px step against the best eager PyTorch float32",
        "1.08x",
        *(1.0, 0.7, "x", False, _cpu_step),
    ),
    Goal(
        "CPU, start to saved file, 256 px, 100 L-BFGS iterations, against a plain "
        "PyTorch script",
        "-",
        *(0.85, 0.6, "x", False, _cpu_process),
    ),
    Goal(
        "CPU, one pass of a style network against the best of PyTorch, the worst batch",
        "-",
        *(1.0, 0.7, "x", False, _against_torch("pass")),
    ),
    Goal(
        "CPU, a step of training a style network against PyTorch eager",
        "-",
        *(1 / 1.3, 0.6, "x", False, _against_torch("training")),
    ),
    Goal(
        "one pass of a style network against torch.compile, the worst batch",
        "-",
        *(1 / 1.3, 0.6, "x", True, _against_torch("pass")),
    ),
    Goal(
        "a step of training a style network against torch.compile",
        "-",
        *(1 / 1.3, 0.6, "x", True, _against_torch("training")),
    ),
)
