"""Compiles the project's programs for chips that aren't here; notes what it would cost.

    python -m bench.topology --topology=v5e:2x2 --output=bench/results/tpu_v5e.jsonl
    python -m bench.topology --topology=h100 --output=bench/results/cuda_h100.jsonl

For TPUs it needs libtpu (`pip install -e '.[tpu]'`, Linux on x86-64), and no TPU; for
GPUs JAX's CUDA plugin (jax-cuda13-plugin, jax-cuda13-pjrt), no GPU and no driver. A
program takes some seconds to some minutes to compile. Figures are the compiler's
estimates, never measurements; each is appended to the file as soon as it is found.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax

from bench.report.estimates import described
from bench.report.tables import records_of
from bench.topology import estimates
from bench.topology.estimates import NoTopologyError
from bench.topology.programs import CASES, of
from nst_jax.devices import backend

_SIZES = "256,512"


def main(argv: Sequence[str] | None = None) -> None:
    """Compiles what the flags ask for, and prints a line for each program."""
    flags, sizes = _parsed(argv)
    # What is here is for building networks; programs are for the topology.
    jax.config.update("jax_platforms", "cpu")
    try:
        platform = estimates.platform_of(flags.topology)
        if flags.platform not in (None, platform):
            raise NoTopologyError(
                f"--platform={flags.platform}: {flags.topology} is of {platform}"
            )
        devices = estimates.devices(flags.topology)
    except NoTopologyError as error:
        raise SystemExit(f"bench.topology: {error}") from None
    done, failed = _done(flags.output) if flags.resume else [], 0
    with backend.made_for({"cuda": "gpu"}.get(platform, platform)):
        for program in of(flags.cases.split(","), sizes, devices):
            about = estimates.about(program, flags.topology)
            if any(about.items() <= record.items() for record in done):
                continue
            record, largest = estimates.estimate(
                program, flags.topology, largest=flags.largest
            )
            failed += "skipped" in record
            if flags.output:
                with flags.output.open("a") as file:
                    file.write(json.dumps(record) + "\n")
            print("\n".join([described(record), *largest]), flush=True)
    if failed:
        raise SystemExit(f"bench.topology: {failed} of the programs don't compile")


def _parsed(argv: Sequence[str] | None) -> tuple[argparse.Namespace, list[int]]:
    parser = argparse.ArgumentParser(
        prog="python -m bench.topology", description=__doc__
    )
    parser.add_argument(
        "--platform", choices=("tpu", "cuda"), help="by default that of the chip"
    )
    parser.add_argument(
        "--topology",
        default="v5e:2x2",
        help="chip and how many: v6e:2x2, v5e:16x16; h100, h200",
    )
    parser.add_argument(
        "--cases",
        default=",".join(CASES),
        help="only these, of "
        + "; ".join(f"{name}: {case.about}" for name, case in CASES.items()),
    )
    parser.add_argument(
        "--sizes", default=_SIZES, help="sides of square pictures in pixels"
    )
    parser.add_argument("--output", type=Path, help="a file of JSON lines to append to")
    parser.add_argument(
        "--resume", action="store_true", help="leave out what that file has already"
    )
    parser.add_argument(
        "--largest",
        type=int,
        default=0,
        help="show so many instructions of an iteration that move the most bytes",
    )
    flags = parser.parse_args(argv)
    if unknown := set(flags.cases.split(",")) - set(CASES):
        parser.error(f"unknown cases: {', '.join(sorted(unknown))}")
    try:
        sizes = [int(size) for size in flags.sizes.split(",")]
    except ValueError:
        sizes = [0]
    if min(sizes) < 16 or any(size % 4 for size in sizes):
        parser.error(f"--sizes={flags.sizes}: give multiples of 4 from 16, as 256,512")
    if flags.output and not flags.output.absolute().parent.is_dir():
        parser.error(f"--output={flags.output}: there is no such folder")
    if flags.resume and not flags.output:
        parser.error("--resume needs --output")
    return flags, sizes


def _done(path: Path) -> list[dict[str, Any]]:
    """What a file has of programs that did compile."""
    if not path.exists():
        return []
    return [record for record in records_of([path]) if "skipped" not in record]


if __name__ == "__main__":
    main()
