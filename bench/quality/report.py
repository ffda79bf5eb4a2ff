"""What was found, as Markdown tables."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.quality import strengths, verdict
from bench.quality.yardstick import MEASURES
from bench.report.tables import table

Record = Mapping[str, Any]

_VOICES = ("S1", "S2", "C1")  # Measures of which each eye has its own.
_FLAWS = ("clipped", "grain", "grid", "border", "tint")
_ALL = "1"  # The strength of tables of one.


def report(records: Iterable[Record], *, against: str = "") -> str:
    """The whole report of one size and limit.

    Args:
      records: of pictures, with figures.
      against: the system that others are compared with; "": the first one.
    """
    found = list(records)
    systems = list(dict.fromkeys(one["system"] for one in found))
    if not systems:
        return "Nothing was measured.\n"
    reference = against if against in systems else systems[0]
    parts = [
        f"Medians over pairs ({_pairs(found)}); less is better. "
        "Of S 0 is the painting against itself, 1 the photo; of C 0 is the photo, 1 "
        "the painting.\n",
        medians(found, systems),
        "Artefacts, medians: share of values clipped beyond photo and painting, grain "
        "by the painting's, grid, steps at the border by the photo's, tint where all "
        "is grey.\n",
        flaws(found, systems),
    ]
    if len(systems) > 1:
        parts += [
            f"Against {reference}, pair by pair: median difference [90 % of it], "
            "wins-losses (chance of as many wins).\n",
            against_table(found, systems, reference),
            "Each eye by itself, median differences; where they don't agree in sign, "
            "nothing is proven.\n",
            voices(found, systems, reference),
        ]
    parts += ["The weakest pair of each.\n", weakest(found, systems)]
    if len({one["strength"] for one in found}) > 1:
        parts += [
            "Over the strengths: area of (S1, C1), more is better; S1 at the content "
            f"of {reference}, less is better, and how it compares.\n",
            over_strengths(found, systems, reference),
        ]
    return "\n".join(parts)


def values(
    records: Iterable[Record], system: str, measure: str, *, strength: str = _ALL
) -> dict[str, float]:
    """A system's values of a measure, or of an artefact, by pair."""
    found = {}
    for one in records:
        if (one["system"], one["strength"]) == (system, strength):
            value = {**one["scaled"], **one["artefacts"]}.get(measure)
            if value is not None:
                found[one["pair"]] = value
    return found


def medians(records: Sequence[Record], systems: Sequence[str]) -> str:
    """Systems by measures."""
    rows = []
    for system in systems:
        here = [r for r in records if (r["system"], r["strength"]) == (system, _ALL)]
        row = [_median(values(records, system, name)) for name in MEASURES]
        rows.append([system, str(len(here)), *row, *_spent(here)])
    return table(["system", "pairs", *MEASURES, "steps", "seconds"], rows)


def _spent(records: Sequence[Record]) -> tuple[str, str]:
    """Median steps and seconds: those alone on the machine, where they are known."""
    if not records:
        return "-", "-"
    steps = statistics.median(one["steps"] for one in records)
    seconds = statistics.median(one.get("alone", one["seconds"]) for one in records)
    return f"{steps:.0f}", f"{seconds:.1f}"


def flaws(records: Sequence[Record], systems: Sequence[str]) -> str:
    """Systems by artefacts."""
    rows = [
        [system, *(_median(values(records, system, name), 3) for name in _FLAWS)]
        for system in systems
    ]
    return table(["system", *_FLAWS], rows)


def against_table(
    records: Sequence[Record], systems: Sequence[str], reference: str
) -> str:
    """Systems by measures, each against the reference on the same pairs."""
    rows = []
    for system in systems:
        if system == reference:
            continue
        cells = []
        for measure in MEASURES:
            mine, other = (values(records, s, measure) for s in (system, reference))
            cells.append(_told(verdict.compare(mine, other)))
        rows.append([system, *cells])
    return table(["system", *MEASURES], rows)


def voices(records: Sequence[Record], systems: Sequence[str], reference: str) -> str:
    """Median differences by eye."""
    names = {name for r in records for name in r["scaled"] if "." in name}
    columns = [name for m in _VOICES for name in sorted(names) if name.startswith(m)]
    rows = []
    for system in systems:
        if system != reference:
            found = [
                verdict.compare(*(values(records, s, c) for s in (system, reference)))
                for c in columns
            ]
            rows.append([system, *(f"{v.median:+.2f}" if v else "-" for v in found)])
    return table(["system", *columns], rows)


def weakest(records: Sequence[Record], systems: Sequence[str]) -> str:
    """The pairs on which each system is worst, in style and in content."""
    rows = []
    for system in systems:
        cells = []
        for measure in ("S1", "C1"):
            found = values(records, system, measure)
            worst = max(found, key=lambda pair: found[pair], default="")
            cells.append(f"{worst} {found[worst]:.2f}" if worst else "-")
        rows.append([system, *cells])
    return table(["system", "S1", "C1"], rows)


def over_strengths(
    records: Sequence[Record], systems: Sequence[str], reference: str
) -> str:
    """Areas, and style at the content of the reference."""
    contents = values(records, reference, "C1")
    styles = values(records, reference, "S1")
    rows = []
    for system in systems:
        points = _points(records, system)
        areas = {pair: strengths.area(several) for pair, several in points.items()}
        equal = {
            pair: found
            for pair, several in points.items()
            if pair in contents
            and (found := strengths.style_at(several, contents[pair])) is not None
        }
        compared = "" if system == reference else _told(verdict.compare(equal, styles))
        rows.append([system, _median(areas), _median(equal), str(len(equal)), compared])
    header = ["system", "area", "S1 at equal content", "pairs", "difference"]
    return table(header, rows)


def _points(records: Sequence[Record], system: str) -> dict[str, list[strengths.Point]]:
    found: dict[str, list[strengths.Point]] = {}
    for one in records:
        style, kept = one["scaled"].get("S1"), one["scaled"].get("C1")
        if one["system"] == system and None not in (style, kept):
            found.setdefault(one["pair"], []).append((style, kept))
    return found


def _pairs(records: Sequence[Record]) -> str:
    return f"{len({one['pair'] for one in records})} of them"


def _median(found: Mapping[str, float], digits: int = 2) -> str:
    return f"{statistics.median(found.values()):.{digits}f}" if found else "-"


def _told(found: verdict.Verdict | None) -> str:
    if found is None:
        return "-"
    interval = f"[{found.low:+.2f}, {found.high:+.2f}]"
    signs = f"{found.wins}-{found.losses} ({found.chance:.3f})"
    return f"{found.median:+.2f} {interval} {signs}"
