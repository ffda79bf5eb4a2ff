"""Plots of the records, as SVG files."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib import pyplot

from bench.report.tables import Record, measured, name, pair, seconds_per_step

matplotlib.use("svg")
# The same records give the same file.
pyplot.rcParams.update({"svg.hashsalt": "nst_jax", "svg.fonttype": "none"})
_METADATA = {"Date": None, "Creator": None}


def draw(records: Sequence[Record], place: str, folder: Path) -> dict[str, Path]:
    """Draws what there is to draw of a device; returns the files by title."""
    adam = [r for r in measured(records, "step") if r["workload"]["solver"] == "adam"]
    alone = [r for r in adam if r["workload"]["lanes"] == 1]
    files = {}
    if len(alone) > 1:
        files["One picture: seconds a step against its pixels"] = _curves(
            folder / f"{place}_pixels.svg",
            alone,
            at=lambda r: r["workload"]["height"] * r["workload"]["width"],
            labels=("pixels", "seconds a step"),
        )
    side = _commonest([r["workload"]["height"] for r in adam if r not in alone])
    lanes = [r for r in adam if r["workload"]["height"] == side]
    if side is not None:
        files[f"{side} px: seconds an image-step against pictures together"] = _curves(
            folder / f"{place}_lanes.svg",
            lanes,
            at=lambda r: r["workload"]["lanes"],
            labels=("pictures together", "seconds an image-step"),
        )
    runs = measured(records, "trajectory")
    for of in dict.fromkeys(map(pair, runs)):
        path = folder / f"{place}_{re.sub('[^a-z0-9]+', '_', of)}.svg"
        files[f"{of}: loss of the picture against seconds"] = _losses(
            path, [r for r in runs if pair(r) == of]
        )
    return files


def _commonest(values: Sequence[int]) -> int | None:
    return max(values, key=lambda v: (values.count(v), v)) if values else None


def _curves(
    path: Path,
    records: Sequence[Record],
    *,
    at: Callable[[Record], int],
    labels: tuple[str, str],
) -> Path:
    figure, axes = _axes(*labels)
    for label in dict.fromkeys(map(name, records)):
        points = sorted(
            (at(r), seconds_per_step(r) / r["workload"]["lanes"])
            for r in records
            if name(r) == label
        )
        axes.plot(*zip(*points, strict=True), marker="o", label=label)
    axes.set_xscale("log", base=2)
    return _save(path, figure, axes)


def _losses(path: Path, records: Sequence[Record]) -> Path:
    figure, axes = _axes("seconds (pastiche: since process start)", "loss")
    for record in records:
        seconds = [point["seconds"] for point in record["points"]]
        scores = [point["score"] for point in record["points"]]
        label = f"{name(record)}, {record['workload']['solver']}"
        axes.plot(seconds, scores, marker=".", label=label)
    axes.set_xscale("log")
    return _save(path, figure, axes)


def _axes(x: str, y: str) -> tuple[Any, Any]:
    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_yscale("log")
    axes.grid(visible=True, which="both", alpha=0.25)
    return figure, axes


def _save(path: Path, figure: Any, axes: Any) -> Path:
    axes.legend(fontsize="small")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata=_METADATA)
    pyplot.close(figure)
    return path
