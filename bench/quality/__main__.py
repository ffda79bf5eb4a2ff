"""How good pictures look: `python -m bench.quality COMMAND`.

paint, score and report are what the protocol is made of; time, called before them on a
quiet machine, says how many steps are equal seconds; compare does all three for a
few systems in one go, for tuning; sheets makes blind comparisons, judge scores their
answers. What was done already is left as it is, so that any of them goes on where it
was stopped.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.quality import commands
from bench.quality.pairs import SPLITS
from bench.quality.systems import STRENGTHS
from bench.workload import ROOT
from nst_jax.errors import answered


def parser() -> argparse.ArgumentParser:
    """The flags of all commands."""
    found = argparse.ArgumentParser(prog="bench.quality", description=__doc__)
    programs = found.add_subparsers(dest="command", required=True)
    for name, (help, make) in _COMMANDS.items():
        one = programs.add_parser(name, help=help, description=help)
        make(one)
        one.set_defaults(run=getattr(commands, name))
    return found


def _timed(one: argparse.ArgumentParser) -> None:
    one.add_argument(
        "systems",
        nargs="+",
        help="a name (photo, default, pytorch, pastiche, starry_night, glass), a "
        "preset, a file of options MINE.json, or MINE='{\"style_weight\": 50}'",
    )
    one.add_argument("--offline", action="store_true", help="fetch no weights")
    _chosen(one)
    _kept(one)


def _painted(one: argparse.ArgumentParser) -> None:
    _timed(one)
    one.add_argument("--strengths", default="1", help=f"of {','.join(STRENGTHS)}")
    one.add_argument(
        "--seconds",
        type=float,
        default=0.0,
        help="equal ones for all: the steps that fit in (default: their own steps)",
    )


def _scored(one: argparse.ArgumentParser) -> None:
    one.add_argument("--offline", action="store_true", help="fetch no weights")
    _chosen(one)
    _kept(one)


def _reported(one: argparse.ArgumentParser) -> None:
    one.add_argument("--against", default="", help="system that others are held to")
    one.add_argument("--output", type=Path, help="file (default: standard output)")
    one.add_argument("--seconds", type=float, default=0.0, help="of the pictures")
    _chosen(one)
    _kept(one)


def _compared(one: argparse.ArgumentParser) -> None:
    _painted(one)
    one.add_argument("--against", default="", help="default: the first system")
    one.add_argument("--look", type=Path, help="picture of all side by side, a .png")
    one.set_defaults(results=ROOT / "out/quality/compare", split="tune")


def _shown(one: argparse.ArgumentParser) -> None:
    one.add_argument("first", help="system, as paint has it")
    one.add_argument("second")
    one.add_argument("--output", type=Path, required=True, help="folder of the sheets")
    one.add_argument("--key", type=Path, required=True, help="file outside of it")
    one.add_argument("--seconds", type=float, default=0.0, help="of the pictures")
    _chosen(one)
    _kept(one)


def _judged(one: argparse.ArgumentParser) -> None:
    one.add_argument("answers", nargs="+", type=Path, help="CSV files")
    one.add_argument("--key", type=Path, required=True)


def _chosen(one: argparse.ArgumentParser) -> None:
    one.add_argument(
        "--split",
        choices=("all", *SPLITS),
        default="judge",
        help="pairs: those to tune on, or those that judge, on which nobody tunes",
    )
    one.add_argument("--pairs", default="", help="only these, by name; or so many")
    one.add_argument("--size", type=int, default=512, help="longest side in pixels")
    one.add_argument(
        "--pictures", type=Path, help="folder of photos/ and images/ (default: shared)"
    )


def _kept(one: argparse.ArgumentParser) -> None:
    one.add_argument(
        "--results",
        type=Path,
        default=ROOT / "bench/results/quality",
        help="folder of the records",
    )
    one.add_argument(
        "--painted",
        type=Path,
        default=ROOT / "out/quality/painted",
        help="folder of the pictures, which aren't committed",
    )


_COMMANDS = {
    "time": ("measure what steps take, alone on the machine", _timed),
    "paint": ("paint pairs by systems", _painted),
    "score": ("measure what was painted", _scored),
    "report": ("tables of what was measured", _reported),
    "compare": ("paint, score and report a few systems, for tuning", _compared),
    "sheets": ("blind comparisons of two systems", _shown),
    "judge": ("score answers to such sheets", _judged),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit status."""
    flags = parser().parse_args(argv)
    return answered(lambda: flags.run(flags), name="bench.quality")


if __name__ == "__main__":
    sys.exit(main())
