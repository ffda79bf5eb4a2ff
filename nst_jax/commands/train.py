"""`nst-jax train`: a style network of one's own, from paintings and photos."""

import argparse
import math
import sys
from pathlib import Path
from typing import Any

import tqdm

from nst_jax.commands import flags
from nst_jax.errors import OptionsError
from nst_jax.feedforward.data import pictures_in
from nst_jax.feedforward.recipe import LOSSES, RECIPES, Recipe, check
from nst_jax.images import files
from nst_jax.options import Options
from nst_jax.transfer.stop import StopRequest
from weights_convert import store

_DESCRIPTION = """\
Trains a network that paints any photo in the style of a painting in one pass; several
paintings make one network of several styles. A folder beside the output gets sheets of
held-out photos as they are painted over time, the losses, and checkpoints: the same
command goes on where it was stopped.
"""

_HELDOUT = 3


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
        type=Path,
        required=True,
        metavar="DIR",
        help="Folder of photos to train on, and of those below it: some thousands, or "
        "some hundreds for a first try.",
    )
    run.add_argument(
        "-o",
        "--output",
        type=Path,
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
        type=Path,
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
    flags.add_machine(run)
    flags.add_fields(parser, Recipe)
    flags.add_fields(parser, Options, LOSSES)
    parser.set_defaults(run=run_command)


def run_command(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    recipe, losses = RECIPES[arguments.recipe]
    recipe = flags.changed(arguments, recipe)
    options = flags.changed(arguments, losses, LOSSES)
    names = [Path(text.strip()) for text in arguments.style.split(",") if text.strip()]
    _check(arguments, names)
    photos = pictures_in(arguments.images)
    heldout = photos[-_HELDOUT:]
    if arguments.heldout:
        heldout = pictures_in(arguments.heldout)[:_HELDOUT]

    # JAX is imported from here on: a mistyped command is answered at once.
    import jax

    from nst_jax.devices import programs
    from nst_jax.feedforward.training import Task, Training
    from nst_jax.perceptual.network import network_of

    check(recipe, len(names), len(jax.devices()))
    programs.keep_compiled_programs(
        arguments.compilation_cache_dir, store.home() / "xla"
    )
    with StopRequest(_say) as request:
        network = network_of(options, offline=arguments.offline, report=_say)
        task = Task(
            arguments.output,
            recipe,
            options,
            {path.stem: path for path in names},
            [path for path in photos if path not in heldout],
            heldout,
            arguments.minutes,
            arguments.save_every,
        )
        training = Training(task, network, say=_say)
        with _bar(training) as bar:

            def show(progress: Any) -> bool:
                request.defer()
                bar.total = training.steps
                bar.set_postfix_str(f"loss {progress.losses['total']:.5g}")
                bar.update()
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


def _bar(training: Any) -> Any:
    return tqdm.tqdm(
        total=training.steps, initial=training.made, unit="step", disable=None
    )


def _check(arguments: argparse.Namespace, names: list[Path]) -> None:
    """Finds what would fail after the long work, before it."""
    output, minutes = arguments.output, arguments.minutes
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


def _say(line: str) -> None:
    print(line, file=sys.stderr)
