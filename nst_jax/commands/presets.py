"""`nst-jax presets`: what each preset is."""

import argparse
import dataclasses
import textwrap
from typing import Any

from nst_jax.options import Options
from nst_jax.presets import ABOUT, PRESETS


def add_parser(commands: Any) -> None:
    """Adds this command to the program's parser."""
    parser = commands.add_parser(
        "presets",
        help="list the presets: options that go together",
        description="Lists the presets: what each is, and the options it sets.",
    )
    parser.set_defaults(run=run_command)


def run_command(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    for name, options in PRESETS.items():
        flags = " ".join(
            f"--{field.name}={_shown(getattr(options, field.name))}"
            for field in dataclasses.fields(Options)
            if getattr(options, field.name) != field.default
        )
        print(f"--preset={name}")
        for text in (ABOUT[name], flags):
            print(textwrap.fill(text, 79, initial_indent="  ", subsequent_indent="  "))
        print()
    return 0


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
