"""The programs, run in the tests' process or as they are installed."""

import io
import os
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path

from nst_jax.commands import main, weights
from support.stored_weights import SMALL
from weights_convert import commands

QUICK = (
    *(f"--network={SMALL}", "--content_taps=relu_conv1", "--style_taps=relu_conv1"),
    *("--size=32", "--steps=4", "--solver=adam", "--compilation_cache_dir=off"),
    *("--pyramid=1", "--content_loss=mean", "--style_loss=gram"),
    "--style_weight=1e6",  # So much that a few steps lower the loss.
)
"""Options of runs that take a moment, all by one program where lanes are as many."""


def run(*arguments: object) -> int | str | None:
    """The exit status of `nst-jax` with these arguments."""
    try:
        parsed = main.parser().parse_args([*map(str, arguments)])
        return main.main(parsed)
    except SystemExit as stop:
        return stop.code


def run_weights(*arguments: object) -> int | str | None:
    """The exit status of `nst-weights` with these arguments."""
    try:
        argv = ["nst-weights", *map(str, arguments)]
        return commands.main(commands.parse(argv, weights.ADDED))
    except SystemExit as stop:
        return stop.code


class Reader(io.StringIO):
    """A stream whose reader answers what it reads, such as by Ctrl-C.

    Args:
      answers: what is waited for, one after the other, and what is done on reading it.
    """

    def __init__(self, *answers: tuple[str, Callable[[], object]]):
        super().__init__()
        self._answers = list(answers)

    def write(self, text: str) -> int:
        count = super().write(text)
        if self._answers and self._answers[0][0] in text:
            _, answer = self._answers.pop(0)
            answer()
        return count


def installed(name: str) -> str:
    """The path of an installed program."""
    return str(Path(sysconfig.get_path("scripts"), name))


def start(*command: object, **variables: object) -> subprocess.Popen[str]:
    """Begins a program with these environment variables, its lines unbuffered."""
    changed = {name: str(value) for name, value in variables.items()}
    return subprocess.Popen(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **changed},
    )
