"""`nst-jax train`: a style network of one's own, from paintings and photos."""

import argparse
import dataclasses
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nst_jax.collection import lock
from nst_jax.commands import flags, idle
from nst_jax.display.bar import Bar
from nst_jax.errors import OptionsError, plain
from nst_jax.feedforward.data import pictures_in, readable
from nst_jax.feedforward.log import is_log
from nst_jax.feedforward.recipe import (
    FOLDER,
    LOG,
    LOSSES,
    RECIPES,
    check,
    check_losses,
)
from nst_jax.images import files, outputs
from nst_jax.images.outputs import Output
from nst_jax.images.source import Source
from nst_jax.options import Options
from nst_jax.transfer.jobs import Job
from nst_jax.transfer.stop import StopRequest
from weights_convert import store
from weights_convert.stylizers import files as stored

_DESCRIPTION = """\
Trains a network that paints any photo in the style of a painting in one pass; several
paintings make one network of several styles. A folder beside the output gets sheets of
held-out photos as they are painted over time, the losses, and checkpoints: the same
command goes on where it was stopped.
"""

_HELDOUT = 3
_NO_ROOM = (
    "the memory is too small for this training: try a smaller --size, --batch, --width "
    "or --style_size"
)


def add_parser(commands: Any) -> None:
    """Adds this command to the program's parser."""
    parser = commands.add_parser(
        "train",
        help="train a style network of your own",
        description=_DESCRIPTION,
    )
    run = parser.add_argument_group("this run")
    run.add_argument(
        "--style",
        required=True,
        metavar="PATH,...",
        help="The painting, or several, with commas between them.",
    )
    run.add_argument(
        "--images",
        type=flags.path,
        required=True,
        metavar="DIR",
        help="Folder of photos to train on, and of those below it: some thousands, or "
        "some hundreds for a first try.",
    )
    run.add_argument(
        "-o",
        "--output",
        type=flags.path,
        required=True,
        metavar="FILE.safetensors",
        help="The network; the folder FILE.training gets all else.",
    )
    run.add_argument(
        "--recipe",
        choices=tuple(RECIPES),
        default=next(iter(RECIPES)),
        help="Whose losses to take; other flags override them. Default: "
        f"{next(iter(RECIPES))}.",
    )
    run.add_argument(
        "--minutes",
        type=float,
        metavar="M",
        help="Train for so long: the pace of the first steps says how many.",
    )
    run.add_argument(
        "--heldout",
        type=flags.path,
        metavar="DIR",
        help="Photos for the sheets, never trained on (default: three of --images).",
    )
    run.add_argument(
        "--save_every",
        type=flags.positive_count,
        default=500,
        metavar="N",
        help="Write a checkpoint and a sheet at every Nth step. Default: 500.",
    )
    flags.add_overwrite(run)
    flags.add_config(run)
    flags.add_machine(run)
    for base, names in zip(next(iter(RECIPES.values())), ((), LOSSES), strict=True):
        flags.add_fields(parser, base, names)
    parser.set_defaults(run=run_command)


def run_command(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    recipe, losses = RECIPES[arguments.recipe]
    recipe = flags.changed(arguments, recipe)
    options = flags.changed(arguments, losses, LOSSES)
    check_losses(options)
    names = _paintings(arguments.style)
    _check(arguments, names)
    photos, heldout = _photos(arguments)

    # JAX is imported from here on: a mistyped command is answered at once.
    from nst_jax.devices import backend, memory, programs
    from nst_jax.feedforward.training import Task, Training
    from nst_jax.perceptual.network import network_of

    programs.report_missing_accelerator(_say)
    check(recipe, len(names), backend.count())
    _say_idle(arguments, options, names)
    programs.keep_compiled_programs(
        arguments.compilation_cache_dir, store.home() / "xla"
    )
    with StopRequest(_say) as request, memory.explained(_NO_ROOM):
        network = network_of(options, offline=arguments.offline, report=_say)
        task = Task(
            arguments.output,
            recipe,
            options,
            {path.stem: path for path in names},
            photos,
            heldout,
            arguments.minutes,
            arguments.save_every,
        )
        with lock.held(task.folder):
            training = Training(task, network, say=_say)
            with Bar(training.steps, unit="step", terminals_only=True) as bar:

                def show(progress: Any) -> bool:
                    request.defer()
                    note = f"loss {progress.losses['total']:.5g}"
                    bar.reach({0: progress.step}, note, total=training.steps)
                    return request.signal is not None

                training.run(show)
            training.write()
    for line in training.photos.broken.values():
        _say(f"nst-jax: left out: {line}")
    print(f"{task.output}: {training.made} steps; sheets and losses in {task.folder}")
    if request.signal is not None and not training.finished:
        print("stopped early; the same command goes on from here")
        return 128 + request.signal
    return 0


def _photos(arguments: argparse.Namespace) -> tuple[list[Path], list[Path]]:
    """Photos to train on, and those that are held out."""
    photos = pictures_in(arguments.images)
    shown = pictures_in(arguments.heldout) if arguments.heldout else photos[::-1]
    heldout = readable(shown, _HELDOUT, _say)
    photos = [path for path in photos if path not in heldout]
    if not photos:
        raise OptionsError(
            f"images={arguments.images}: all are held out for the sheets; add photos, "
            "or name others by --heldout"
        )
    return photos, heldout


def _check(arguments: argparse.Namespace, names: list[Path]) -> None:
    """Finds what would fail after the long work, before it."""
    output, minutes = arguments.output, arguments.minutes
    folder = output.with_suffix(FOLDER)
    if output.suffix != ".safetensors":
        raise OptionsError(f"output={output}: give a name that ends in .safetensors")
    if not output.absolute().parent.is_dir():
        raise OptionsError(f"output={output}: the folder doesn't exist")
    if minutes is not None and not 0 < minutes < math.inf:
        raise OptionsError(f"minutes={minutes}: give a number above 0")
    if len({path.stem for path in names}) < len(names):
        raise OptionsError(f"style={arguments.style}: two paintings of one name")
    for path in names:
        files.shape(path)
    outputs.check_place(output)
    written = [Output(output, stored.matches, chosen=True)]
    written.append(Output(folder / LOG, is_log))
    if any(folder.glob("*.state")):  # It goes on with what it made.
        written = [one for one in written[:1] if not stored.matches(output)]
    if replaced := outputs.replaced(written, arguments.overwrite):
        _say(outputs.told(replaced))


def _paintings(text: str) -> list[Path]:
    """The paintings that are named, of which one alone may have a comma."""
    if (alone := Path(files.expanded(text))).is_file():
        return [alone]
    found = [flags.path(one.strip()) for one in text.split(",") if one.strip()]
    if not found:
        raise OptionsError("style is missing: name a painting, or several")
    return found


def _say_idle(
    arguments: argparse.Namespace, options: Options, paintings: Sequence[Path]
) -> None:
    given = [name for name in flags.given(arguments) if name in LOSSES]
    # The network begins with noise, as it were: nothing keeps the photo as it is.
    options = dataclasses.replace(options, init="noise")
    source = Source.of(paintings[0])
    idle.say(arguments, [Job(source, (source,), options)], given, _say)
    if arguments.minutes is not None and hasattr(arguments, "steps"):
        _say("nst-jax: --steps has no effect with --minutes")


def _say(line: str) -> None:
    print(plain(line), file=sys.stderr)
