"""`nst-jax presets`: what each preset is."""

import argparse
import dataclasses
import textwrap
from typing import Any

from nst_jax.options import Options
from nst_jax.presets import PRESETS, Preset


def add_parser(commands: Any) -> None:
    """Adds this command to the program's parser."""
    parser = commands.add_parser(
        "presets",
        help="list the presets: options that go together",
        description="Lists the presets: the command, where each comes from, what to "
        "expect, in what it deviates from its source, and the options it sets.",
    )
    parser.set_defaults(run=run_command)


def run_command(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    print("\n\n".join(_about(name, preset) for name, preset in PRESETS.items()))
    return 0


def _about(name: str, preset: Preset) -> str:
    flags = " ".join(
        f"--{field.name}={_shown(getattr(preset.options, field.name))}"
        for field in dataclasses.fields(Options)
        if getattr(preset.options, field.name) != field.default
    )
    return "\n".join(
        [
            f"nst-jax stylize PHOTO PAINTING --preset={name}",
            *_paragraph("Source", preset.source),
            *_paragraph("Look", preset.look),
            *(line for text in preset.deviations for line in _paragraph("But", text)),
            *_paragraph("Sets", flags),
        ]
    )


def _paragraph(label: str, text: str) -> list[str]:
    # Flags stay whole: they are to be copied.
    return textwrap.wrap(
        text,
        79,
        initial_indent=f"  {label + ':':<8}",
        subsequent_indent=" " * 10,
        break_on_hyphens=False,
        break_long_words=False,
    )


def _shown(value: Any) -> str:
    return ",".join(map(_shown, value)) if isinstance(value, tuple) else f"{value}"
