"""`nst-jax plan`: what a run would need, before it is begun."""

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nst_jax import streams
from nst_jax.commands import batch, flags, regions, stylize
from nst_jax.commands.asked import asked_for
from nst_jax.devices import heap, shape
from nst_jax.errors import OptionsError, counted
from nst_jax.images.source import Source
from nst_jax.transfer.jobs import Job, check_options, check_regions, check_start
from nst_jax.transfer.jobs import check as check_jobs
from weights_convert import store

if TYPE_CHECKING:
    from nst_jax.networks.network import Network
    from nst_jax.transfer.estimate import Estimate

_DESCRIPTION = """\
Tells what `nst-jax stylize` or `nst-jax batch` with the same arguments would need: the
memory, how many pictures side by side, and about how long. Pictures are looked at, not
read; the programs are compiled and kept, so that the run itself starts sooner. Where
the memory is too small, it tells what would fit.

Write `plan` in place of `stylize` or `batch`; what says where results go has no effect.
"""


def add_parser(commands: Any) -> None:
    """Adds this command to the program's parser."""
    parser = commands.add_parser(
        "plan",
        help="tell what a run would need: memory, lanes, time",
        description=_DESCRIPTION,
    )
    parser.add_argument(
        "pictures",
        metavar="PICTURE",
        nargs="*",
        help="The photo and the paintings, as for stylize.",
    )
    batch.add_pictures(parser.add_argument_group("what to make, as for batch"))
    parser.add_argument(
        "--json", action="store_true", help="Print a JSON object a line, for programs."
    )
    run = parser.add_argument_group("the run")
    run.add_argument(
        "--output_dir", type=flags.path, metavar="DIR", help="Folder of a batch."
    )
    stylize.add_run(run)
    batch.add_run(run)
    flags.add_fit(run)
    flags.add_devices(run)
    flags.add_overwrite(run)
    flags.add_config(run)
    flags.add_machine(run)
    regions.add_flags(parser)
    flags.add_options(parser)
    parser.stands_for = _stands_for
    parser.set_defaults(run=run_command)


def _stands_for(arguments: argparse.Namespace) -> str:
    return "stylize" if arguments.pictures else "batch"


def run_command(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit status: 1 if anything doesn't fit."""
    heap.keep_little()
    jobs = _jobs(arguments)

    # JAX is imported from here on: a mistyped command is answered at once.
    from nst_jax.devices import backend, memory, programs
    from nst_jax.perceptual.network import network_of
    from nst_jax.transfer import estimate, room
    from nst_jax.transfer.fitting import Fit

    check_jobs(jobs, arguments.lanes)
    shape.parsed(arguments.devices)
    backend.here()
    before = estimate.Baseline.now()
    options, fit, planned = jobs[0].options, True, set()

    def network() -> "Network":
        programs.keep_compiled_programs(
            arguments.compilation_cache_dir, store.home() / "xla"
        )
        return network_of(options, offline=arguments.offline, report=_say)

    found = estimate.runs(
        jobs,
        network,
        lanes=arguments.lanes,
        fit=Fit(arguments.tile, arguments.solver_memory),
        devices=arguments.devices,
        report=_say,
    )
    with streams.unfailing(), memory.explained():
        for places, run in found:
            of_run = estimate.of_run(places, run, before)
            said = of_run.stages, of_run.lanes
            ways = [] if of_run.fits else room.ways(of_run, run)
            if of_run.fits:
                of_run = estimate.timed(of_run, run)
            fit = fit and of_run.fits
            if arguments.json:
                print(json.dumps(_record(of_run, ways)))
            elif said in planned:  # Another group of the same program.
                print(f"{_group(of_run)}: as before{_time(of_run)}")
            else:
                print("\n".join(_lines(of_run, ways)))
            planned.add(said)
    return 0 if fit else 1


def _jobs(arguments: argparse.Namespace) -> list[Job]:
    """What is planned.

    Raises:
      OptionsError: neither pictures as of stylize nor as of batch, or both.
    """
    of_batch = arguments.contents or arguments.styles or arguments.pairs
    if bool(arguments.pictures) == bool(of_batch):
        raise OptionsError(
            "give a photo and paintings, as for stylize, or --contents and --styles, "
            "or --pairs, as for batch"
        )
    if of_batch:
        arguments.output_dir = arguments.output_dir or Path()
        return asked_for(arguments, _say)[0]
    photo, *paintings = arguments.pictures
    if not paintings:
        raise OptionsError(f"{photo}: give a painting too")
    options = flags.options(arguments)
    check_start(options)
    check_options(options, len(paintings))
    masks = regions.asked(vars(arguments), paintings)
    job = Job(
        Source.of(photo), tuple(map(Source.of, paintings)), options, regions=masks
    )
    check_regions(job)
    return [job]


def _record(of_run: "Estimate", ways: list[str]) -> dict[str, Any]:
    """What is known of a group, for programs: bytes and seconds."""
    return {
        **dataclasses.asdict(of_run),
        "base": of_run.base,
        "needed": of_run.needed,
        "fits": of_run.fits,
        "alternatives": ways,
    }


def _lines(of_run: "Estimate", ways: list[str]) -> list[str]:
    """The same for people."""
    from nst_jax.transfer.estimate import in_words

    lines = [f"{_group(of_run)}, {of_run.precision}{_time(of_run)}"]
    for stage in of_run.stages:
        height, width = stage.frame
        lines.append(
            f"  {width}x{height}: {counted(stage.iterations, 'iteration')}, "
            f"{in_words(of_run.base + stage.most)}"
        )
    verdict = "fits" if of_run.fits else "too large"
    apart = of_run.devices > 1 and of_run.runtime is None
    each = " of each device" if apart else ""
    memory = f"{in_words(of_run.needed)} of {in_words(of_run.free)}"
    if of_run.host:
        memory += f", and {in_words(of_run.host)} of {in_words(of_run.host_free)} of "
        memory += "the host's"
    lines.append(f"  memory{each}: {memory}: {verdict}")
    if not of_run.fits:
        tried = ", or ".join(ways) or "nothing that was tried"
        lines.append(f"  would fit: {tried}")
    return lines


def _group(of_run: "Estimate") -> str:
    pictures = counted(len(of_run.places), "picture")
    several = f" on {of_run.devices} devices" if of_run.devices > 1 else ""
    return f"{pictures}, {counted(of_run.lanes, 'lane')}{several}"


def _time(of_run: "Estimate") -> str:
    if of_run.seconds is None:
        return ""
    return f", about {of_run.seconds:.0f} s (an estimate, without compiling)"


def _say(line: str) -> None:
    print(line, file=sys.stderr)
