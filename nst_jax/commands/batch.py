"""`nst-jax batch`: every photo in the style of every painting, in one folder."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from nst_jax import streams
from nst_jax.collection import lock, manifest, naming
from nst_jax.collection.wanted import Wanted, check, named
from nst_jax.commands import executor, flags, idle, remote
from nst_jax.commands.asked import COLUMNS, asked_for
from nst_jax.devices import heap, shape
from nst_jax.devices.hosts import Hosts
from nst_jax.errors import OptionsError
from nst_jax.transfer.jobs import Job
from nst_jax.transfer.jobs import check as check_jobs
from nst_jax.transfer.stop import StopRequest
from weights_convert import store

if TYPE_CHECKING:
    from nst_jax.collection.folder import Folder
    from nst_jax.transfer.results import BatchProgress

_DESCRIPTION = """\
Repaints every photo in the style of every painting, many side by side in one device
program. The folder gets a picture for each pair, a contact sheet, a gallery
(index.html) and a manifest (manifest.jsonl).

Weights, seeds, starts and colours may be lists: --style_weight=0.5,1.7,5 makes every
pair three times. Stop with Ctrl-C and give the same command again to go on: what is
done is kept. A picture that can't be read is reported and left out.

Paintings with a + between them are blended: --styles monet.jpg+munch.jpg klee.jpg.
"""


def add_parser(commands: Any) -> None:
    """Adds this command to the program's parser."""
    parser = commands.add_parser(
        "batch",
        help="repaint many photos in many styles",
        description=_DESCRIPTION,
    )
    add_pictures(parser.add_argument_group("what to make"))
    run = parser.add_argument_group("this run")
    run.add_argument(
        "--output_dir",
        type=flags.path,
        required=True,
        metavar="DIR",
        help="Folder of the results; made if it doesn't exist.",
    )
    add_run(run)
    flags.add_fit(run)
    flags.add_devices(run)
    flags.add_overwrite(run)
    flags.add_config(run)
    flags.add_machine(run)
    flags.add_executor(run)
    flags.add_hosts(run)
    flags.add_options(parser)
    parser.set_defaults(run=run_command)


def add_pictures(what: Any) -> None:
    """Adds the flags about what a batch is to make."""
    for name, kind in (("contents", "photos"), ("styles", "paintings")):
        what.add_argument(
            f"--{name}",
            nargs="+",
            action="extend",
            default=[],
            metavar="PATH",
            help=f"The {kind}: files, folders, or patterns such as 'photos/*.jpg'.",
        )
    what.add_argument(
        "--pairs",
        type=flags.path,
        metavar="FILE.csv",
        help="Make these pairs only: a line for each, in columns named content and "
        f"style, and optionally {', '.join(COLUMNS)}. Paths are relative to the file's "
        "folder.",
    )


def add_run(run: Any) -> None:
    """Adds the flags about names, and about pictures side by side."""
    run.add_argument(
        "--name",
        default=naming.DEFAULT_TEMPLATE,
        metavar="TEMPLATE",
        help="Names of the pictures: {content}, {style}, {index}, {varied} and options "
        f"such as {{style_weight}}. Default: {naming.DEFAULT_TEMPLATE}".replace(
            "%", "%%"
        ),
    )
    run.add_argument(
        "--lanes",
        type=flags.positive_count,
        metavar="N",
        help="Pictures side by side (default: as many as help and as fit the memory).",
    )


def run_command(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    heap.keep_little()
    with streams.unfailing():
        return _run(arguments)


def _run(arguments: argparse.Namespace) -> int:
    executor.check(arguments)
    shape.parsed(arguments.devices)
    hosts = Hosts(arguments.hosts, arguments.host, arguments.coordinator)
    arguments.output_dir = hosts.folder(arguments.output_dir)
    given = flags.given(arguments)
    jobs, varied = asked_for(arguments, _say)
    path = arguments.output_dir
    known = manifest.read(path / naming.MANIFEST) if path.is_dir() else {}
    wanted = named(jobs, varied, arguments.name, known)
    if len(jobs) < hosts.count:  # All say so: none waits for another.
        raise OptionsError(
            f"hosts={hosts.count} is more than the pictures, {len(jobs)}: give fewer"
        )
    wanted, jobs = hosts.share(wanted), hosts.share(jobs)
    check(path, wanted)
    with hosts.joined():
        return _work(arguments, given, jobs, hosts.share(varied), wanted, hosts)


def _work(
    arguments: argparse.Namespace,
    given: list[str],
    jobs: Sequence[Job],
    varied: Sequence[Mapping[str, Any]],
    wanted: Sequence[Wanted],
    hosts: Hosts,
) -> int:
    """Makes what is wanted; returns the exit status."""
    path = arguments.output_dir

    # JAX is imported from here on: a mistyped command is answered at once.
    from nst_jax.collection.folder import Folder
    from nst_jax.devices import programs
    from nst_jax.networks import pretrained

    check_jobs(jobs, arguments.lanes)
    with StopRequest(_say):
        weights = pretrained.fetched(
            _networks(jobs), offline=arguments.offline, report=_say
        )
    programs.keep_compiled_programs(
        arguments.compilation_cache_dir, store.home() / "xla"
    )
    with executor.connected(arguments), lock.held(path):
        folder = Folder(
            path, wanted, weights=weights, say=_say, overwrite=arguments.overwrite
        )
        folder.take_in(hosts.others(path))
        idle.say(arguments, jobs, given, _say, varied=varied)
        signal = _made(folder, arguments)
        folder.finish()
    if signal is not None and folder.unfinished:
        print("stopped early; the same command goes on from here")
        return 128 + signal
    return 1 if folder.failed else 0


def _made(folder: "Folder", arguments: argparse.Namespace) -> int | None:
    """Makes what the folder lacks; returns the number of the signal that stopped it."""
    from nst_jax.commands.screen import BatchScreen
    from nst_jax.devices import programs
    from nst_jax.transfer import batch

    jobs = [job for job in folder.jobs if isinstance(job, Job)]
    done = {place for place, job in enumerate(jobs) if folder.is_done(job)}
    screen = BatchScreen(
        sum(job.options.steps for job in jobs),
        done=sum(jobs[place].options.steps for place in done),
        name=lambda place: folder.names(jobs[place])[0],
    )
    with screen, StopRequest(screen.say) as request:
        if not executor.is_remote(arguments):
            programs.report_missing_accelerator(screen.say)
        folder.say = screen.say

        def on_progress(progress: "BatchProgress") -> bool:
            request.defer()
            screen.show(progress)
            return request.signal is not None

        how: dict[str, Any] = {
            **{"done": done, "lanes": arguments.lanes, "report": screen.say},
            **{"offline": arguments.offline, "tile": arguments.tile},
            "solver_memory": arguments.solver_memory,
        }
        if executor.is_remote(arguments):
            remote.make(arguments, jobs, folder, screen, request, **how)
            return request.signal
        how |= {"on_progress": on_progress, "states": folder.states}
        how |= {"foretell": screen.tell, "devices": arguments.devices}
        for place, result in batch.run_jobs(jobs, **how):
            folder.add(jobs[place], result, lanes=screen.side_by_side(place))
    return request.signal


def _networks(jobs: Sequence[Job]) -> list[str]:
    """The networks of jobs whose files exist; others need none."""
    found = (
        job.options.network
        for job in jobs
        if all(os.path.exists(s.key) for s in (job.content, *job.styles))
    )
    return list(dict.fromkeys(found))


def _say(line: str, *, file: TextIO | None = None) -> None:
    print(line, file=file or sys.stderr)
