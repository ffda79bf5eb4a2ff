"""Flags that were given and have no effect: each is a line."""

import argparse
import os
from collections.abc import Callable, Collection, Sequence

from nst_jax.commands import regions
from nst_jax.errors import counted
from nst_jax.transfer.idle import lines, too_many
from nst_jax.transfer.jobs import Job


def say(
    arguments: argparse.Namespace,
    jobs: Sequence[Job],
    given: Collection[str],
    report: Callable[[str], None],
    *,
    varied: Sequence[Collection[str]] | None = None,
) -> None:
    """Reports options and flags of a command that can't matter; a preset's aren't.

    Args:
      arguments: of the command.
      jobs: that they ask for.
      given: options that were flags, by name.
      report: takes each line.
      varied: options of each job that make it another than others.
    """
    for line in (*lines(jobs, given, varied), *_of_run(arguments, jobs)):
        report(f"nst-jax: {line}")


def _of_run(arguments: argparse.Namespace, jobs: Sequence[Job]) -> list[str]:
    """About the flags that are no options."""
    found = []
    steps = jobs[0].options.steps
    for name in ("print_every", "snapshot_every"):
        if getattr(arguments, name, 0) > steps:
            found.append(f"--{name} has no effect with --steps={steps}")
    photo = getattr(arguments, "photo", None)
    if photo and jobs[0].regions is None and (line := regions.beside(photo)):
        found.append(line)
    lanes, pictures = getattr(arguments, "lanes", None), counted(len(jobs), "picture")
    if lanes and (line := too_many("lanes", lanes, len(jobs), pictures)):
        found.append(line)
    folder = arguments.compilation_cache_dir
    if folder not in (None, "off") and not (
        os.path.isdir(folder) and os.access(folder, os.W_OK)
    ):
        found.append(
            f"--compilation_cache_dir has no effect: {folder} can't be written to"
        )
    return found
