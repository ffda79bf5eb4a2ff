"""What holds for every command: a new one is tested by being registered.

It needs an entry in `_BAD`: input that it refuses.
"""

import argparse
import re

import pytest
from support import program
from support.batch_folder import contents, folder
from support.program import QUICK
from support.stored_weights import home

from nst_jax.commands import main, weights
from weights_convert import commands

__all__ = ["folder", "home"]

_PROGRAMS = {"nst-jax": program.run, "nst-weights": program.run_weights}

_PAIR = ("photos/a.png", "paintings/p.png")

# By command: input that it refuses, after the exit status, 2 for wrong usage.
_STYLE = ("--style=paintings/p.png",)
_BAD = {
    "nst-jax stylize": [
        (1, "missing.png", "paintings/p.png", *QUICK),
        (1, "photos/notes.txt", "paintings/p.png", *QUICK),
        (1, *_PAIR, "--size=0"),
        (1, *_PAIR, "-o", "nowhere/out.png"),
        (1, *_PAIR, *QUICK, "--resume"),
        (2, "photos/a.png"),
        (2, *_PAIR, "--print_every=often"),
        (2, *_PAIR, "--colour=red"),
    ],
    "nst-jax batch": [
        (1, "--output_dir=out"),
        (1, "--output_dir=out", "--pairs=gone.csv"),
        (1, "--output_dir=photos/a.png", "--contents=photos", "--styles=paintings"),
        (1, "--output_dir=out", "--contents=nowhere/*", "--styles=paintings"),
        (2, "--contents=photos", "--styles=paintings"),
        (2, "--output_dir=out", "--lanes=0"),
    ],
    "nst-jax plan": [
        (1,),
        (1, "missing.png", "paintings/p.png"),
        (1, "photos/a.png"),
        (1, *_PAIR, "--contents=photos", "--styles=paintings"),
        (2, *_PAIR, "--lanes=0"),
    ],
    "nst-jax apply": [
        (1,),
        (1, "missing.png", "--style=1"),
        (1, "photos/notes.txt", "--style=1"),
        (1, "photos/a.png", "--model=nobody"),
        (1, "photos/a.png", "--model=photos/notes.txt"),
        (1, "photos/a.png", "--strength=2"),
        (1, "photos/a.png", "-o", "nowhere/out.png"),
        (1, "photos/a.png", "photos/b.png", "-o", "out.png"),
        (1, "photos/a.png", "-", "-o", "out"),
        (1, "photos/a.png", "--stream=640x480"),
        (1, "-", "--stream=640"),
        (1, "-", "-o", "out.png"),
        (2, "photos/a.png", "--tile=0"),
        (2, "photos/a.png", "--smooth=no"),
    ],
    "nst-jax train": [
        (1, *_STYLE, "--images=nowhere", "--output=a.safetensors"),
        (1, "--style=missing.png", "--images=photos", "--output=a.safetensors"),
        (1, *_STYLE, "--images=photos", "--output=a.png"),
        (1, *_STYLE, "--images=photos", "--output=a.safetensors", "--size=30"),
        (1, *_STYLE, "--images=photos", "--output=a.safetensors", "--minutes=-1"),
        (2, *_STYLE, "--images=photos"),
        (2, *_STYLE, "--images=photos", "--output=a.safetensors", "--minutes=long"),
    ],
    "nst-jax export": [
        (1, "--model=nobody", "--format=onnx", "-o", "out.onnx"),
        (1, "--model=vgg19", "--format=onnx", "-o", "out.onnx"),
        (1, "--model=photos/a.png", "--format=onnx", "-o", "out.onnx"),
        (1, "--model=styles26", "--offline", "--format=onnx", "-o", "out.onnx"),
        (1, "--model=styles26", "--format=onnx", "-o", "nowhere/out.onnx"),
        (1, "--model=styles26", "--format=onnx", "-o", "photos"),
        (2, "--model=styles26", "--format=onnx"),
        (2, "--model=styles26", "--format=tflite", "-o", "out.tflite"),
    ],
    "nst-jax completion": [(2,), (2, "cmd"), (2, "bash", "zsh")],
    "nst-jax serve": [
        (1, "--port=0", "--host=192.0.2.1"),
        (1, "--port=0", "--folder=photos/a.png"),
        (2, "--port=70000"),
        (2, "--host="),
        (2, "--allowed_host=http://studio.local"),
        (2, "--max_queue=0"),
        (2, "photos/a.png"),
    ],
    "nst-jax presets": [(2, "fast"), (2, "--all")],
    "nst-weights completion": [(2,), (2, "cmd")],
    "nst-weights list": [(2, "vgg19"), (2, "--all")],
    "nst-weights taps": [(1, "vgg91"), (1, "styles26"), (2,)],
    "nst-weights fetch": [
        (1, "vgg91"),
        (1, "vgg19-normalized"),
        (1, "vgg19", "--source=nobody"),
        (1, "styles26", "--source=nobody"),
        (2,),
    ],
    "nst-weights convert": [
        (1, "photos/notes.txt", "--to=vgg19"),
        (1, "missing.pth", "--to=vgg19"),
        (1, "photos/notes.txt", "--to=vgg91"),
        (1, "photos/notes.txt"),
        (1, "photos/notes.txt", "missing.pth"),
        (1, "photos/notes.txt", "photos/a.png", "--to=vgg19"),
        (2,),
        (2, "photos/notes.txt", "--to=vgg19", "--channels=cmyk"),
    ],
    "nst-weights verify": [(1, "vgg91"), (1, "vgg19"), (1, "styles26"), (2,)],
    "nst-weights export": [
        (1, "styles26", "out.safetensors"),
        (1, "vgg19", "out.safetensors"),
        (1, "squeezenet1_1", "photos"),
        (2, "vgg19"),
    ],
    "nst-weights normalize": [
        (1, "vgg91", "photos/a.png"),
        (1, "squeezenet1_1", "photos/a.png"),
        (1, "styles26", "photos/a.png"),
        (1, "vgg19", "missing.png"),
        (1, "vgg19", "photos/a.png", "--size=8"),
        (2, "vgg19"),
        (2, "vgg19", "photos/a.png", "--size=large"),
    ],
}


def _registered() -> dict[str, argparse.ArgumentParser]:
    """The parsers of all commands, by program and command."""
    found = []
    commands.parse(["nst-weights", "list"], [*weights.ADDED, found.append])
    own = next(a for a in main.parser()._actions if a.dest == "command")
    return {
        f"{name} {command}": parser
        for name, choices in (("nst-jax", own), ("nst-weights", found[0]))
        for command, parser in choices.choices.items()
    }


COMMANDS = _registered()


def _run(command: str, *arguments: str) -> int | str | None:
    name, of_program = command.split()
    return _PROGRAMS[name](of_program, *arguments)


def test_every_command_is_in_the_table():
    assert COMMANDS.keys() == _BAD.keys()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_tells_of_every_flag(command, capsys):
    assert _run(command, "--help") == 0
    shown, errors = capsys.readouterr()
    assert errors == ""
    assert shown.startswith(f"usage: {command} ")
    parser = COMMANDS[command]
    assert parser.description.split()[0] in shown
    for action in parser._actions:
        assert action.metavar or action.help, action.dest
        for flag in action.option_strings:
            assert re.search(rf"^ .*{flag}\b", shown, re.MULTILINE), flag
            assert action.help, f"{flag} has no help"


@pytest.mark.parametrize(
    ("command", "arguments"),
    [(command, tuple(entry)) for command in _BAD for entry in _BAD[command]],
    ids=lambda value: value if isinstance(value, str) else " ".join(map(str, value)),
)
def test_bad_input_is_one_line_and_leaves_nothing(
    folder, home, capsys, command, arguments
):
    status, *given = arguments
    before = contents(folder), contents(home)
    assert _run(command, *given) == status
    output, errors = capsys.readouterr()
    assert output == ""
    assert re.fullmatch(rf"{command.split()[0]}: [^\n]+\n", errors), errors
    assert (contents(folder), contents(home)) == before
