"""What the compiler says of programs for chips that nobody measured: never a rate."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.report.tables import ESTIMATES, number, records_of, table

Record = Mapping[str, Any]

_INTRODUCTION = """\
## Estimates

Nothing here was measured. Compilers take the project's own programs for chips that
aren't here, Google's for TPUs (libtpu) and XLA's for NVIDIA's GPUs, and say what each
computes, reads and needs; `python -m bench.topology` asks them (`bench/topology/`).
FLOPs and bytes are of one
iteration and one chip. GB are XLA's count of what instructions read and write; much of
that stays on the chip: what goes to its memory and back, by the layouts that the
program names, stands beside it. The roofline is the larger one of FLOPs over the chip's
peak and bytes over its memory's bandwidth, by the vendor's figures: by XLA's bytes, and
by those of memory, which no program can beat that does as much. Copies, transposes,
converts, slices are those of the loop's body (of programs without a loop, of all);
copies in brackets are those that are an instruction of their own. Compilation is in
seconds of all cores together, as the machine may do other things meanwhile. For GPUs
XLA counts no FLOPs, and GB are those of arrays that instructions of the program name;
nothing is tuned without one, so that calls and passes are to be read, not algorithms.
"""


def read(folder: Path) -> list[dict[str, Any]]:
    """All records of estimates in a folder, in the order of writing."""
    files = [path for pattern in ESTIMATES for path in sorted(folder.glob(pattern))]
    return records_of(files)


def latest(records: Sequence[Record]) -> list[Record]:
    """The last record of each program and topology."""
    found: dict[str, Record] = {}
    for record in records:
        names = ("topology", "case", "side", "lanes", "chips", "options")
        found[json.dumps([record[name] for name in names], sort_keys=True)] = record
    return sorted(found.values(), key=lambda r: (r["topology"], r["case"], r["side"]))


def section(records: Sequence[Record]) -> str:
    """The section of the report, of one record at least."""
    found = latest(records)
    parts = [_INTRODUCTION]
    for topology in dict.fromkeys(record["topology"] for record in found):
        here = [record for record in found if record["topology"] == topology]
        parts.append(f"### {topology}\n\n{_about(here)}\n{_table(here)}")
        parts += [line for record in here if (line := _calls(record))]
    return "\n".join(parts)


def described(record: Record) -> str:
    """A line about a record."""
    where = f"{record['topology']}, {record['chips']} of its chips"
    what = f"{record['case']}, {record['side']} px, {record['lanes']} lanes ({where})"
    if "skipped" in record:
        return f"{what}: doesn't compile, {record['skipped']}"
    roof = record["roofline"]
    return (
        f"{what}: {_tera(record['flops']) or 'unknown'} TFLOP, "
        f"{number(record['bytes_accessed'] / 1e9)} GB, of these "
        f"{number(record['memory_bytes'] / 1e9)} of memory, temporary "
        f"{number(record['temporary_bytes'] / 1e6)} MB {record['step']}; roofline "
        f"{number(1e3 * roof['seconds'])} ms by {roof['bound']} (estimates); "
        f"compiled in {number(record.get('compile_cpu_seconds'))} CPU seconds"
    )


def _about(records: Sequence[Record]) -> str:
    versions = {json.dumps(r["versions"], sort_keys=True) for r in records}
    said = [
        ", ".join(f"{name} {value}" for name, value in json.loads(one).items())
        for one in sorted(versions)
    ]
    roofs = {
        f"peak {r['roofline']['flops'] / 1e12:g} TFLOP/s in bfloat16, "
        f"{r['roofline']['bandwidth'] / 1e9:g} GB/s ({r['roofline']['source']})"
        for r in records
        if "roofline" in r
    }
    commits = ", ".join(sorted({str(r["commit"]) for r in records}))
    lines = [*sorted(roofs), *(f"versions: {one}" for one in said)]
    return "".join(f"- {line}\n" for line in [*lines, f"commits {commits}"])


def _table(records: Sequence[Record]) -> str:
    header = [
        *("program: side, pictures, chips", "TFLOP", "GB", "GB a picture"),
        "GB of memory",
        *("roofline, ms", "by", "by GB of memory, ms"),
        *("temporary, MB", "arguments, MB"),
        *("copies", "transposes", "converts", "slices", "collectives"),
        "compilation, CPU s",
    ]
    return table(header, [_row(record) for record in records])


def _tera(flops: float | None) -> str:
    return "" if flops is None else number(flops / 1e12)


def _calls(record: Record) -> str:
    """A line about the library functions that a program for a GPU calls."""
    if record["topology"].startswith("v") or not record.get("calls"):
        return ""
    said = ", ".join(f"{count} `{name}`" for name, count in record["calls"].items())
    return f"{record['case']}, {record['side']} px, {record['step']}: {said}.\n"


def _by_memory(record: Record) -> float:
    """The roofline in seconds, of what is read from memory and written there alone."""
    roof = record["roofline"]
    seconds = record["memory_bytes"] / roof["bandwidth"]
    return max((record["flops"] or 0.0) / roof["flops"], seconds)


def _row(record: Record) -> list[str]:
    name = f"{record['case']}: {record['side']} px, {record['lanes']}"
    if record["chips"] > 1:
        name += f", {record['chips']}"
    if "skipped" in record:
        return [name, f"doesn't compile: {record['skipped']}", *[""] * 14]
    roof, moved = record["roofline"], record["bytes_accessed"]
    own = record["lanes"] / record["chips"]
    counts = record["counts"].get("loop", record["counts"]["all"])
    return [
        name,
        _tera(record["flops"]),
        *(number(moved / 1e9), number(moved / 1e9 / own)),
        number(record["memory_bytes"] / 1e9),
        *(number(1e3 * roof["seconds"]), roof["bound"]),
        number(1e3 * _by_memory(record)),
        number(record["temporary_bytes"] / 1e6),
        number(record["argument_bytes"] / 1e6),
        f"{counts['copy']} ({counts['copy alone']})",
        *(str(counts[kind]) for kind in ("transpose", "convert", "slice")),
        str(counts["collective"]),
        number(record.get("compile_cpu_seconds")),
    ]
