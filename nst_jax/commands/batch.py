"""`nst-jax batch`: every photo in the style of every painting, in one folder."""

import argparse
import sys
from pathlib import Path
from typing import Any

from nst_jax.collection import folder, naming
from nst_jax.commands import flags, stop
from nst_jax.commands.asked import SWEPT, asked_for, fetched

_DESCRIPTION = """\
Repaints every photo in the style of every painting, many side by side in one device
program. The folder gets a picture for each pair, a contact sheet, a gallery
(index.html) and a manifest (manifest.jsonl).

Weights, seeds, starts and colours may be lists: --style_weight=1,10,100 makes every
pair three times. Stop with Ctrl-C and give the same command again to go on: what is
done is kept. A picture that can't be read is reported and left out.
"""


def add_parser(commands: Any) -> None:
    """Adds this command to the program's parser."""
    parser = commands.add_parser(
        "batch",
        help="repaint many photos in many styles",
        description=_DESCRIPTION,
    )
    what = parser.add_argument_group("what to make")
    for name, kind in (("contents", "photos"), ("styles", "paintings")):
        what.add_argument(
            f"--{name}",
            nargs="+",
            default=[],
            metavar="PATH",
            help=f"The {kind}: files, folders, or patterns such as 'photos/*.jpg'.",
        )
    what.add_argument(
        "--pairs",
        type=Path,
        metavar="FILE.csv",
        help="Make these pairs only: a line for each, in columns named content and "
        f"style, and optionally {', '.join(SWEPT)}. Paths are relative to the file's "
        "folder.",
    )
    run = parser.add_argument_group("this run")
    run.add_argument(
        "--output_dir",
        type=Path,
        required=True,
        metavar="DIR",
        help="Folder of the results; made if it doesn't exist.",
    )
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
    flags.add_machine(run)
    flags.add_options(parser)
    parser.set_defaults(run=run_command)


def run_command(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    pairs = asked_for(arguments)
    names = folder.file_names(pairs, arguments.name)
    folder.check(arguments.output_dir, pairs, names)

    # JAX is imported from here on: a mistyped command is answered at once.
    from nst_jax.devices import programs
    from nst_jax.transfer import batch

    jobs = [batch.Job(pair.content, (pair.style,), pair.options) for pair in pairs]
    batch.check(jobs, arguments.lanes)
    # The weights are part of what tells whether a picture is done.
    with stop.StopRequest(_say):
        weights = fetched(pairs, offline=arguments.offline, report=_say)
    programs.keep_compiled_programs(arguments.compilation_cache_dir)
    folder = folder.Collection(arguments.output_dir, pairs, names, weights=weights)
    with folder, stop.StopRequest(folder.say) as request:
        programs.report_missing_accelerator(folder.say)

        def on_progress(progress: batch.BatchProgress) -> bool:
            request.defer()
            folder.show(progress)
            return request.signal is not None

        for place, result in batch.run_jobs(
            jobs,
            done=folder.done,
            lanes=arguments.lanes,
            offline=arguments.offline,
            on_progress=on_progress,
            report=folder.say,
            state_folder=arguments.output_dir,
        ):
            folder.add(place, result)
    folder.finish()
    if request.signal is not None and folder.unfinished:
        print("stopped early; the same command goes on from here")
        return 128 + request.signal
    return 1 if folder.failed else 0


def _say(line: str) -> None:
    print(line, file=sys.stderr)
