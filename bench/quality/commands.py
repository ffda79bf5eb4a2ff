"""What the commands of `python -m bench.quality` do."""

import argparse
import functools
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from bench.quality import judge as answers
from bench.quality import look, lpips, pairs, rates
from bench.quality import sheets as blind
from bench.quality.eyes import Eyes
from bench.quality.paint import Task, tasks
from bench.quality.paint import paint as paint_tasks
from bench.quality.painters import Studio, painting_of, photo_of
from bench.quality.records import Folder, key
from bench.quality.report import report as tables
from bench.quality.score import score as measured
from bench.quality.systems import STRENGTHS, System, chosen
from bench.quality.yardstick import SMALLEST
from bench.workload import ROOT
from nst_jax.errors import OptionsError
from nst_jax.images import files, outputs


def paint(flags: argparse.Namespace) -> int:
    """Paints pairs by systems."""
    _paint(flags, chosen(flags.systems), _strengths(flags), _pairs(flags))
    return 0


def time(flags: argparse.Namespace) -> int:
    """Measures what steps take, once for each shape of photo."""
    _keep_programs()
    studio = Studio(offline=flags.offline, report=_say)
    for system in chosen(flags.systems):
        for pair in _pairs(flags) if system.steps_made else ():
            rates.rate(system, pair, _folder(flags), studio, size=flags.size, say=_say)
    return 0


def score(flags: argparse.Namespace) -> int:
    """Measures all pictures of the pairs that were painted at the size."""
    wanted = _pairs(flags)
    names = {pair.name for pair in wanted}
    painted = [
        one
        for one in _folder(flags).painted().values()
        if one["pair"] in names and one["size"] == flags.size
    ]
    if not painted:
        raise OptionsError(
            f"nothing is painted at --size={flags.size} of these pairs: paint first"
        )
    _score(flags, painted, wanted)
    return 0


def report(flags: argparse.Namespace) -> int:
    """Tables of the pictures of the pairs that were measured at the size."""
    folder, names = _folder(flags), set(_names(flags))
    figures, told = folder.scored(), folder.told().values()
    asked = [
        one
        for one in told
        if one["pair"] in names and one["size"] == flags.size
        if one["limit"] in (0, flags.seconds)
    ]
    recipes = {one["system"]: one["recipe"] for one in asked}  # Of each the last.
    found = []
    for one in asked:
        known = figures.get((one["pair"], one["sha256"]))
        if known and one["recipe"] == recipes[one["system"]]:
            # Pictures of two systems may be one, whose figures say who was first.
            found.append({**known, **one})
    limited = {one["system"] for one in found if one["limit"]}
    left = [
        one
        for one in found
        if one["limit"] == flags.seconds or one["system"] not in limited
    ]
    _say_or_write(flags, tables(left, against=flags.against))
    return 0


def compare(flags: argparse.Namespace) -> int:
    """Paints, measures and reports."""
    systems, strengths = chosen(flags.systems), _strengths(flags)
    if flags.look is not None:
        files.check_writable(flags.look)
    wanted = _pairs(flags)
    painted = _paint(flags, systems, strengths, wanted)
    print(tables(_score(flags, painted, wanted), against=flags.against), flush=True)
    if flags.look is not None:
        shown = look.wall(painted, wanted, _folder(flags), cell=min(256, flags.size))
        files.write(flags.look, shown)
        print(f"{flags.look}: the pictures side by side")
    return 0


def sheets(flags: argparse.Namespace) -> int:
    """Blind comparisons of two systems."""
    folder, wanted = _folder(flags), _pairs(flags)
    systems = chosen([flags.first, flags.second])
    done = folder.painted()
    found = []
    for pair in wanted:
        both = [
            done.get(key(task.fields)) for task in _tasks(flags, systems, [pair], ["1"])
        ]
        if len(both) == 2 and None not in both:
            photo = photo_of(pair, flags.size)
            painted = [
                blind.read(folder.pictures / one["file"], photo.shape[:2])
                for one in both
                if one
            ]
            painting = painting_of(pair, flags.size)
            found.append(
                blind.Comparison(pair.name, blind.COMPARED, photo, painting, *painted)
            )
    names = systems[0].name, systems[1].name
    count = blind.write(found, flags.output, flags.key, systems=names)
    print(f"{count} sheets of {len(found)} pairs in {flags.output}, key {flags.key}")
    return 0


def judge(flags: argparse.Namespace) -> int:
    """Answers to such sheets, scored."""
    print(answers.judged(flags.answers, flags.key))
    return 0


def _strengths(flags: argparse.Namespace) -> list[str]:
    strengths = flags.strengths.split(",")
    if unknown := sorted(set(strengths) - set(STRENGTHS)):
        raise OptionsError(
            f"strengths={','.join(unknown)}: not known; known are {','.join(STRENGTHS)}"
        )
    return strengths


def _paint(
    flags: argparse.Namespace,
    systems: Sequence[System],
    strengths: Sequence[str],
    several: Sequence[pairs.Pair],
) -> list[dict[str, Any]]:
    wanted = _tasks(flags, systems, several, strengths)
    if not wanted:
        raise OptionsError("none of these systems paints any of these pairs")
    _keep_programs()
    studio = Studio(offline=flags.offline, report=_say)
    return paint_tasks(wanted, _folder(flags), studio, say=_say)


def _tasks(
    flags: argparse.Namespace,
    systems: Sequence[System],
    several: Sequence[pairs.Pair],
    strengths: Sequence[str],
) -> list[Task]:
    found = tasks(
        systems, several, strengths=strengths, size=flags.size, limit=flags.seconds
    )
    return list(found)


def _score(
    flags: argparse.Namespace,
    painted: Sequence[dict[str, Any]],
    several: Sequence[pairs.Pair],
) -> list[dict[str, Any]]:
    @functools.cache
    def opened() -> tuple[Eyes, list[np.ndarray]]:
        _keep_programs()
        how = {"offline": flags.offline, "report": _say}
        return Eyes.opened(**how), lpips.heads(**how)

    return measured(painted, several, _folder(flags), opened, say=_say)


def _pairs(flags: argparse.Namespace) -> list[pairs.Pair]:
    if flags.size < SMALLEST:
        raise OptionsError(
            f"size={flags.size}: measured are pictures of {SMALLEST} pixels a side or "
            "more"
        )
    if getattr(flags, "seconds", 0) < 0:
        raise OptionsError(f"seconds={flags.seconds}: give 0 or more")
    return pairs.find(_names(flags), flags.pictures)


def _names(flags: argparse.Namespace) -> list[str]:
    """The pairs that --split and --pairs ask for."""
    names = pairs.names("" if flags.split == "all" else flags.split)
    if not flags.pairs:
        return names
    if flags.pairs.isdecimal():
        if not 1 <= int(flags.pairs) <= len(names):
            raise OptionsError(f"pairs={flags.pairs}: there are {len(names)}")
        return names[: int(flags.pairs)]
    return flags.pairs.split(",")


def _keep_programs() -> None:
    """What is compiled is found again by the next command."""
    folder = str(ROOT / "out/quality/programs")
    jax.config.update("jax_compilation_cache_dir", folder)


def _folder(flags: argparse.Namespace) -> Folder:
    return Folder(flags.results, flags.painted)


def _say(line: str) -> None:
    print(line, flush=True)


def _say_or_write(flags: argparse.Namespace, text: str) -> None:
    if flags.output is None:
        print(text)
        return
    outputs.check_place(flags.output)
    outputs.write_whole(flags.output, text.encode())
    print(f"{flags.output}: written")
