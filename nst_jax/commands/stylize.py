"""`nst-jax stylize`: one photo, one or more paintings, one picture."""

import argparse
import contextlib
import os
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nst_jax import streams
from nst_jax.commands import flags, idle, regions
from nst_jax.commands.trace import is_trace
from nst_jax.devices import heap, shape
from nst_jax.errors import ImageError, NstError, OptionsError
from nst_jax.images import files, outputs
from nst_jax.images.outputs import Output
from nst_jax.images.source import Source
from nst_jax.options import Options
from nst_jax.transfer.jobs import (
    Job,
    check_options,
    check_regions,
    check_start,
    is_state,
)
from nst_jax.transfer.stop import StopRequest
from weights_convert import store

if TYPE_CHECKING:
    from nst_jax.commands.screen import RunScreen
    from nst_jax.transfer.results import BatchProgress, Result

_DESCRIPTION = """\
Repaints PHOTO in the style of PAINTING. Several paintings blend into one style.

Stop with Ctrl-C whenever the picture pleases: the best one so far is saved, and the
same command with --resume goes on from there.
"""

_STATE_LOST = (
    "that state is of a run that was stopped, whose command goes on with --resume"
)


def add_parser(commands: Any) -> None:
    """Adds this command to the program's parser."""
    parser = commands.add_parser(
        "stylize",
        help="repaint a photo in the style of one or more paintings",
        description=_DESCRIPTION,
    )
    parser.add_argument("photo", metavar="PHOTO", help="picture that gives the content")
    parser.add_argument(
        "paintings", metavar="PAINTING", nargs="+", help="picture that gives the style"
    )
    run = parser.add_argument_group("this run")
    add_run(run)
    flags.add_fit(run)
    flags.add_devices(run)
    flags.add_overwrite(run)
    flags.add_config(run)
    flags.add_machine(run)
    regions.add_flags(parser)
    flags.add_options(parser)
    parser.set_defaults(run=run_command)


def add_run(run: Any) -> None:
    """Adds the flags about one run: what it writes, and where it goes on from."""
    run.add_argument(
        "-o",
        "--output",
        type=flags.path,
        metavar="FILE",
        help="PNG, JPEG, WebP or TIFF by its ending. Default: <photo>_<painting>.png.",
    )
    run.add_argument(
        "--print_every",
        type=flags.count,
        default=0,
        metavar="N",
        help="Print the losses at every Nth iteration.",
    )
    run.add_argument(
        "--snapshot_every",
        type=flags.count,
        default=0,
        metavar="N",
        help="Save the best picture so far at every Nth iteration: OUT_000050.png.",
    )
    run.add_argument(
        "--trace",
        type=flags.path,
        metavar="FILE.jsonl",
        help="Write iteration, losses by term, seconds and speed, a line for each "
        "chunk of iterations.",
    )
    run.add_argument(
        "--resume",
        action="store_true",
        help="Go on from where this command was stopped.",
    )


def run_command(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    heap.keep_little()
    with streams.unfailing():
        return _run(arguments)


def _run(arguments: argparse.Namespace) -> int:
    began = time.perf_counter()
    options = flags.options(arguments)
    shape.parsed(arguments.devices)
    check_start(options)
    job = _job(arguments, options)
    output = arguments.output or _default_output(arguments)
    check_options(options, len(arguments.paintings))
    check_regions(job)
    _check_outputs(arguments, job, output)

    # JAX is imported from here on: a mistyped command is answered at once.
    from nst_jax.commands.screen import RunScreen
    from nst_jax.devices import programs
    from nst_jax.transfer import overlay

    programs.keep_compiled_programs(
        arguments.compilation_cache_dir, store.home() / "xla"
    )
    screen = RunScreen(
        options.steps,
        print_every=arguments.print_every,
        trace=arguments.trace,
        resumed=arguments.resume,
    )
    with screen, StopRequest(screen.say) as request:
        programs.report_missing_accelerator(screen.say)
        idle.say(arguments, [job], flags.given(arguments), screen.say)
        if arguments.show_regions:
            overlay.write(arguments.show_regions, job)
        result = _painted(job, output, arguments, screen, request)
    height, width, _ = result.image.shape
    total = time.perf_counter() - began
    print(
        f"{output}: {width}x{height}, {result.told}; {total:.1f} s (compiling "
        f"{result.compile_seconds:.1f}, optimising {result.seconds:.1f})"
    )
    if request.signal is not None and not result.finished:
        if _state_path(output).exists():
            print("stopped early; the same command with --resume goes on from here")
        return 128 + request.signal
    return 0


def _job(arguments: argparse.Namespace, options: Options) -> Job:
    every = arguments.snapshot_every
    return Job(
        Source.of(arguments.photo),
        tuple(map(Source.of, arguments.paintings)),
        options,
        at=tuple(range(every, options.steps + 1, every)) if every else (),
        regions=regions.asked(vars(arguments), arguments.paintings),
    )


def _painted(
    job: Job,
    output: Path,
    arguments: argparse.Namespace,
    screen: "RunScreen",
    request: StopRequest,
) -> "Result":
    """The job's last result, saved; its others saved beside it as they come."""
    from nst_jax.transfer import batch, states

    def show(progress: "BatchProgress") -> bool:
        request.defer()
        screen.show(progress.lanes[0])
        return request.signal is not None

    saving, result = True, None
    for _, outcome in batch.run_jobs(
        [job],
        tile=arguments.tile,
        solver_memory=arguments.solver_memory,
        devices=arguments.devices,
        offline=arguments.offline,
        on_progress=show,
        every=(arguments.print_every,),
        states=states.in_file(_state_path(output), resume=arguments.resume),
        report=screen.say,
        foretell=screen.tell,
    ):
        if isinstance(outcome, NstError):
            raise outcome
        if outcome.at is None:
            result = outcome
            _save(result, output)  # The state goes when the picture is safe.
        elif saving and outcome.iterations >= outcome.at:
            # What is only an extra must not end the run when, say, the disk is full.
            try:
                outcome.save(snapshot_path(output, outcome.at))
            except ImageError as error:
                screen.say(f"nst-jax: {error}; no more snapshots")
                saving = False
    assert result is not None
    return result


def snapshot_path(output: Path, iteration: int) -> Path:
    """`painted.png`, 50 -> `painted_000050.png`."""
    return output.with_name(f"{output.stem}_{iteration:06d}{output.suffix}")


def _save(result: "Result", output: Path) -> None:
    try:
        result.save(output)
    except ImageError as error:
        if not _state_path(output).exists():
            raise
        going_on = "the same command with --resume goes on from its last state"
        raise ImageError(f"{error}; {going_on}") from error


def _check_outputs(arguments: argparse.Namespace, job: Job, output: Path) -> None:
    """Finds what would fail after the long work, or lose a file, before it."""
    files.check_writable(output)
    options = job.options
    files.check_holds(output, bits=options.bits, alpha=options.transparency == "keep")
    for path in (*(snapshot_path(output, at) for at in job.at), _state_path(output)):
        outputs.check_place(path)
    if arguments.trace:
        _check_trace(arguments.trace)
    if arguments.show_regions:
        if job.regions is None:
            raise OptionsError("show_regions shows masks: give some, such as --mask")
        files.check_writable(arguments.show_regions)
    written = list(_outputs(arguments, job, output))
    inputs = [source.key for source in job.sources]
    outputs.check_apart((one.path for one in written), inputs)
    if arguments.resume:  # What it goes on with is there; the state is looked at later.
        others = (one for one in written if one.path != _state_path(output))
        written = [one for one in others if not one.is_ours(one.path)]
    replaced = outputs.replaced(written, arguments.overwrite)
    if replaced:
        print(outputs.told(replaced), file=sys.stderr)
    if _state_path(output) in replaced:
        print(f"nst-jax: {_STATE_LOST}", file=sys.stderr)
    outputs.clear_leftovers(output.absolute().parent)


def _outputs(arguments: argparse.Namespace, job: Job, output: Path) -> Iterator[Output]:
    chosen = arguments.output is not None
    yield Output(output, files.is_ours, chosen)
    for at in job.at:
        yield Output(snapshot_path(output, at), files.is_ours)
    yield Output(_state_path(output), is_state)
    if arguments.show_regions:
        yield Output(arguments.show_regions, files.is_ours, chosen=True)
    if arguments.trace and streams.number(arguments.trace) is None:
        # One that is resumed is added to, which spoils a file of another kind.
        yield Output(arguments.trace, is_trace, chosen=not arguments.resume)


def _check_trace(path: Path) -> None:
    """A trace may go to a terminal, a pipe or nowhere, since it replaces nothing."""
    if not path.absolute().parent.is_dir():
        raise OptionsError(f"trace={path}: the folder doesn't exist")
    with contextlib.suppress(OSError):
        mode = os.stat(path).st_mode
        if stat.S_ISCHR(mode) or stat.S_ISFIFO(mode):
            return
    if streams.number(path) is None:
        outputs.check_place(path)


def _default_output(arguments: argparse.Namespace) -> Path:
    names = (Path(path).stem for path in (arguments.photo, *arguments.paintings))
    return Path("_".join(names) + ".png")


def _state_path(output: Path) -> Path:
    return output.with_name(output.name + ".state")
