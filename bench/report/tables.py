"""Records as Markdown tables."""

import contextlib
import json
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.cases import OURS, TORCH
from bench.launch import identity, place

ESTIMATES = ("tpu_*.jsonl", "cuda_*.jsonl")
"""Files of estimates, which are no measurements: see `estimates`."""

Record = Mapping[str, Any]

_POOLED = ("seconds_per_step", "later_seconds")


def read(folder: Path) -> list[dict[str, Any]]:
    """All measurements of the JSON-lines files in a folder, in the order of writing.

    A line that was cut, by the end of the machine's time, is none.
    """
    paths = sorted(folder.glob("*.jsonl"))
    return records_of(path for path in paths if not any(map(path.match, ESTIMATES)))


def records_of(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """The records of files, a line each, without lines that were cut."""
    found = []
    for path in paths:
        for line in path.read_text().splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                found.append(json.loads(line))
    return found


def latest(records: Iterable[Record]) -> list[Record]:
    """One record for each job and device: that of the last session that measured it.

    Several of one session are pooled. What was skipped stays only if it was never
    measured.
    """
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((place(record), identity(record)), []).append(record)
    found = []
    for group in groups.values():
        measured = [record for record in group if "skipped" not in record]
        last = max(record["session"] for record in measured or group)
        chosen = [r for r in measured or group if r["session"] == last]
        pooled = {
            name: [value for record in chosen for value in record[name]]
            for name in _POOLED
            if name in chosen[0]
        }
        found.append({**chosen[0], **pooled})
    return found


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others figures."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def number(value: float | None) -> str:
    """Three significant digits, plain."""
    if value is None:
        return "-"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def name(record: Record) -> str:
    """The framework and how it is used."""
    precision, variant = record["precision"], record["variant"]
    plain = record["variant"] in ("default", record["framework"])
    parts = [record["framework"] if plain else f"{record['framework']} {variant}"]
    return ", ".join(parts + ([] if precision == "default" else [precision]))


def seconds_per_step(record: Record) -> float:
    """The median over a record's repeats, for all lanes together."""
    return statistics.median(record["seconds_per_step"])


def peak_gib(record: Record) -> float | None:
    """Most memory of the device, or of the host where that is the device."""
    peak = record.get("peak_bytes") or {}
    found = peak.get("device")
    if found is None and record["device"].get("platform") == "cpu":
        found = peak.get("host")
    return None if found is None else found / 2**30


def measured(records: Iterable[Record], case: str) -> list[Record]:
    """Those of a case that have figures."""
    return [r for r in records if r["case"] == case and "skipped" not in r]


def steps(records: Iterable[Record]) -> str:
    """Time, memory and warm-up of steps, by size and number of pictures.

    Shares are of the fastest of ours, which may differ in precision.
    """
    found = measured(records, "step")
    ours: dict[str, float] = {}
    for record in found:
        if record["framework"] == OURS:
            key, seconds = json.dumps(record["workload"]), seconds_per_step(record)
            ours[key] = min(seconds, ours.get(key, seconds))

    def share(record: Record) -> float | None:
        best = ours.get(json.dumps(record["workload"]))
        return best and best / seconds_per_step(record)

    parts = [
        ("Milliseconds an image-step", lambda r: 1e3 * _per_image(r)),
        (f"{OURS}'s time as a share of each program's", share),
        ("Peak memory, GiB", peak_gib),
        ("Seconds of warm-up and compilation", lambda r: r["warm_up_seconds"]),
    ]
    return "\n".join(f"{title}:\n\n{_grid(found, value)}" for title, value in parts)


def _per_image(record: Record) -> float:
    return seconds_per_step(record) / record["workload"]["lanes"]


def _grid(records: Sequence[Record], value: Callable[[Record], float | None]) -> str:
    columns = list(dict.fromkeys(name(record) for record in records))
    rows: dict[tuple, dict[str, str]] = {}
    for record in records:
        w = record["workload"]
        key = (w["solver"], w["height"] * w["width"], w["lanes"], w["width"])
        row = rows.setdefault((*key, w["height"]), {})
        row[name(record)] = number(value(record))
    return table(
        ["solver, picture, lanes", *columns],
        [
            [
                f"{solver}, {width}x{height}, {lanes}",
                *(rows[solver, area, lanes, width, height].get(c, "") for c in columns),
            ]
            for solver, area, lanes, width, height in sorted(rows)
        ],
    )


def growth(records: Iterable[Record]) -> str:
    """How the cost of a step grows with pixels, and with pictures."""
    found = [r for r in measured(records, "step") if r["workload"]["solver"] == "adam"]
    pixels = [r for r in found if r["workload"]["lanes"] == 1]
    by_pixels = _grid(pixels, lambda r: 1e6 * _per_image(r) / _kilopixels(r))
    alone = {
        (name(r), r["workload"]["width"], r["workload"]["height"]): seconds_per_step(r)
        for r in pixels
    }

    def relative(record: Record) -> float | None:
        w = record["workload"]
        one = alone.get((name(record), w["width"], w["height"]))
        return one and _per_image(record) / one

    lanes = [r for r in found if r["workload"]["lanes"] > 1]
    return (
        f"Microseconds a step for 1000 pixels, one picture:\n\n{by_pixels}\n"
        "Time of an image-step among several pictures, relative to one alone:\n\n"
        f"{_grid(lanes, relative)}"
    )


def _kilopixels(record: Record) -> float:
    return record["workload"]["width"] * record["workload"]["height"] / 1000


def pair(record: Record) -> str:
    """The pictures of a record: "cat, swirls, 512x512"."""
    w = record["workload"]
    names = [Path(path).stem for path in (w["photo"], *w["paintings"][:1])]
    return f"{', '.join(names)}, {w['width']}x{w['height']}"


def target(records: Iterable[Record], of: str) -> float | None:
    """The loss that PyTorch's eager L-BFGS ends with for the pictures `of`."""
    for record in measured(records, "trajectory"):
        eager = (record["framework"], record["variant"]) == (TORCH, "eager")
        if eager and record["workload"]["solver"] == "lbfgs" and pair(record) == of:
            return record["points"][-1]["score"]
    return None


def seconds_to(record: Record, loss: float | None) -> float | None:
    """When a run's picture first scores `loss` or less; None: never."""
    for point in record["points"]:
        if loss is not None and point["score"] <= loss:
            return point["seconds"]
    return None


def trajectories(records: Iterable[Record]) -> str:
    """What each run reaches, by pair of pictures."""
    found = measured(records, "trajectory")
    rows = []
    for record in sorted(found, key=pair):
        last = record["points"][-1]
        reached = seconds_to(record, target(found, pair(record)))
        rows.append(
            [
                f"{pair(record)}: {name(record)}, {record['workload']['solver']}",
                str(last["iteration"]),
                number(last["seconds"]),
                number(last["score"]),
                "not reached" if reached is None else number(reached),
                number(record.get("warm_up_seconds")),
            ]
        )
    header = ["pictures: program", "iterations", "seconds", "loss of its picture"]
    return table([*header, "s to PyTorch's L-BFGS loss", "warm-up, s"], rows)


def processes(records: Iterable[Record]) -> str:
    """Process start to saved file."""
    rows = []
    for record in measured(records, "process"):
        w, peak = record["workload"], record["peak_bytes"]["host"]
        rows.append(
            [
                f"{record['framework']}: {record['variant']}, "
                f"{w['width']}x{w['height']}, {record['steps']} iterations",
                number(record["first_seconds"]),
                number(statistics.median(record["later_seconds"])),
                number(record["score"]),
                number(peak / 2**30),
            ]
        )
    header = ["program", "first run, s", "later runs, s", "loss of its picture"]
    return table([*header, "peak host memory, GiB"], rows)


def set_seconds(record: Record) -> float:
    """Seconds for the whole set, from those of the paintings that were done."""
    return record["total_seconds"] * record["workload"]["lanes"] / record["paintings"]


def sets(records: Iterable[Record]) -> str:
    """A set of styles for one photo."""
    rows = []
    for record in measured(records, "set"):
        w = record["workload"]
        together = record["together"] or "automatic"
        rows.append(
            [
                f"{name(record)}, {w['width']}x{w['height']}, {record['steps']} "
                f"iterations, {w['lanes']} paintings",
                "one" if together == 1 else str(together),
                str(record["paintings"]),
                number(set_seconds(record)),
                number(record["warm_up_seconds"]),
                number(peak_gib(record)),
            ]
        )
    header = ["program", "at a time", "paintings done", "seconds for the set"]
    return table([*header, "warm-up, s", "peak memory, GiB"], rows)


def passes(records: Iterable[Record]) -> str:
    """One-pass networks by themselves: milliseconds a picture."""
    return _by_batch(measured(records, "pass"), lambda r: 1e3 * _per_image(r))


def trainings(records: Iterable[Record]) -> str:
    """Training of one-pass networks: photos a second."""
    return _by_batch(measured(records, "training"), lambda r: 1 / _per_image(r))


def _by_batch(records: Sequence[Record], value: Callable[[Record], float]) -> str:
    columns = list(dict.fromkeys(name(record) for record in records))
    rows: dict[tuple[int, int, int], dict[str, str]] = {}
    for record in records:
        w = record["workload"]
        row = rows.setdefault((w["height"], w["width"], w["lanes"]), {})
        row[name(record)] = number(value(record))
    return table(
        ["picture, batch", *columns],
        [
            [f"{width}x{height}, {lanes}", *(row.get(c, "") for c in columns)]
            for (height, width, lanes), row in sorted(rows.items())
        ],
    )


def folders(records: Iterable[Record]) -> str:
    """Folders of photos painted by programs, files to files."""
    rows = []
    for record in measured(records, "folder"):
        w, later = record["workload"], statistics.median(record["later_seconds"])
        rows.append(
            [
                f"{record['framework']}, {record['variant']}: {record['steps']} of "
                f"{w['width']}x{w['height']}",
                number(record["first_seconds"]),
                number(later),
                number(record["painted"] / later),
                number(record["peak_bytes"]["host"] / 2**30),
            ]
        )
    header = ["program: photos", "first run, s", "later runs, s"]
    return table([*header, "photos a second", "peak host memory, GiB"], rows)


def losses(records: Iterable[Record]) -> str:
    """What a step costs by each loss, beside Gram matrices in turn."""
    return table(
        ["loss, picture", "ms a step", "of Gram's"],
        [
            [
                f"{name(record)}, {record['workload']['width']} px",
                number(1e3 * seconds_per_step(record)),
                number(record["of_gram"]),
            ]
            for record in measured(records, "losses")
        ],
    )


SECTIONS: Mapping[str, tuple[str, Callable[[Sequence[Record]], str]]] = {
    "step": ("Steps", steps),
    "process": ("Process start to saved file", processes),
    "trajectory": ("Loss against seconds", trajectories),
    "set": ("A style set", sets),
    "losses": ("Style losses", losses),
    "pass": ("One-pass networks, milliseconds a picture", passes),
    "training": ("Training of one-pass networks, photos a second", trainings),
    "folder": ("Folders painted in one pass, process start to last file", folders),
}


def everything(records: Iterable[Record]) -> str:
    """The tables of all cases that were measured."""
    found = latest(records)
    return "\n".join(
        f"{title}\n\n{show(found)}"
        for case, (title, show) in SECTIONS.items()
        if measured(found, case)
    )
