"""Runs the checks: `python3 -m bench.smoke`."""

import argparse
import dataclasses
import functools
import importlib.metadata
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from bench import smoke
from bench.runners.record import machine
from bench.smoke import checks, device, program
from bench.smoke.outcome import LAST, LEFT_OUT, WRONG, Outcome, taken
from bench.smoke.runs import Runs

_VERSIONS = ("jax", "flax", "optax", "numpy", "safetensors", "pillow")


def main(argv: Sequence[str] | None = None) -> int:
    """Makes the checks, prints a table; the exit status is 1 if something is wrong."""
    parser = argparse.ArgumentParser(
        description=smoke.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--device",
        choices=("any", *device.NAMES),
        default="any",
        help="what JAX has to compute on; any: a GPU, if there is one",
    )
    parser.add_argument("--size", type=int, default=96, help="of pictures, in pixels")
    parser.add_argument("--steps", type=int, default=12, help="iterations of a run")
    parser.add_argument(
        "--output", type=Path, help="a file that a JSON line of each check is added to"
    )
    flags = parser.parse_args(argv)
    if flags.size < 64:
        parser.error(f"--size={flags.size}: must be 64 at least")
    if flags.steps < 5:
        parser.error(f"--steps={flags.steps}: must be 5 at least")
    if flags.output and not flags.output.parent.is_dir():
        parser.error(f"--output={flags.output}: there is no such folder")
    # A GPU's memory is to be left for the program that is started last.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    found = []
    for outcome in outcomes(flags.device, flags.size, flags.steps):
        print(_line(outcome), flush=True)
        found.append(outcome)
        if flags.output:
            with flags.output.open("a") as file:
                file.write(json.dumps(_record(outcome, flags)) + "\n")
    wrong = [one.name for one in found if one.status == WRONG]
    print(f"\n{_table(found)}")
    print(f"wrong: {', '.join(wrong)}" if wrong else "all is right")
    return 1 if wrong else 0


def outcomes(
    asked: str,
    size: int,
    steps: int,
    *,
    here: Callable[[], device.Device] = device.here,
    runs: checks.Paints | None = None,
    run: program.Run = program.counted,
) -> Iterator[Outcome]:
    """What the checks find, one after the other.

    Where the device is another than the one asked for, no more is checked.

    Args:
      asked: "cpu", "gpu", "tpu" or "any".
      size: of the pictures, in pixels.
      steps: iterations.
      here: tells the device.
      runs: paints; default: this project.
      run: starts `nst-jax`.
    """
    found: list[device.Device] = []

    def used() -> str:
        found.append(here())
        return device.used(found[0], asked)

    yield (first := taken("device", used))
    if first.status == WRONG:
        return
    for name, check in _checks(found[0], runs or Runs(size, steps)).items():
        yield taken(name, check)
    yield taken(LAST, functools.partial(program.kept, size, steps, run))


def _checks(
    used: device.Device, runs: checks.Paints
) -> Mapping[str, Callable[[], str]]:
    platform = used.platform
    bound = functools.partial
    return {
        "memory": bound(device.memory, used),
        "precisions": bound(checks.precisions, runs, platform),
        **{
            name: bound(checks.solver, runs, platform, name)
            for name in ("lbfgs", "adam")
        },
        **{
            name: bound(checks.style_loss, runs, platform, name)
            for name in ("gram", "w2")
        },
        "lanes": bound(checks.lanes, runs),
        "one pass": bound(checks.one_pass, runs),
    }


def _line(outcome: Outcome) -> str:
    mark = {WRONG: "WRONG", LEFT_OUT: "-"}.get(outcome.status, "ok")
    return f"{outcome.name:<14}{mark:<6}{outcome.seconds:6.1f} s  {outcome.said}"


def _table(found: Sequence[Outcome]) -> str:
    lines = ["| check | outcome | seconds |", "|---|---|---:|"]
    lines += [f"| {one.name} | {one.status} | {one.seconds:.1f} |" for one in found]
    total = sum(one.seconds for one in found)
    return "\n".join([*lines, f"| all | | {total:.1f} |"])


def _record(outcome: Outcome, flags: argparse.Namespace) -> dict[str, object]:
    versions = {name: importlib.metadata.version(name) for name in _VERSIONS}
    return {
        **dataclasses.asdict(outcome),
        **machine(),
        "asked": flags.device,
        "size": flags.size,
        "steps": flags.steps,
        "versions": versions,
    }


if __name__ == "__main__":
    sys.exit(main())
