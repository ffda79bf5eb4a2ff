"""The command `completion` of both programs: what completes their flags in a shell."""

import argparse
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from nst_jax.errors import OptionsError
from nst_jax.feedforward.options import SHIPPED
from nst_jax.options import STARTS
from weights_convert import architectures
from weights_convert.stylizers import names
from weights_convert.stylizers.sources import PUBLISHED

_SHELLS = ("bash", "zsh", "tcsh")

_DESCRIPTION = """\
Prints a script by which a shell completes the commands, flags and values of this
program, and names of files where they are asked for. It is made by shtab (the extra
`completion`), of the flags as they are now.

  bash   eval "$({program} completion bash)", in ~/.bashrc
  zsh    {program} completion zsh > DIR/_{program}, with DIR in $fpath
  tcsh   {program} completion tcsh > FILE, with source FILE in ~/.tcshrc
"""

_FILES = frozenset({"FILE", "PATH", "PHOTO", "PAINTING", "PICTURE", "IMAGE", "OUT"})

_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "init": tuple(STARTS),
        "network": tuple(architectures.NETWORKS),
        "name": (*architectures.NETWORKS, *PUBLISHED),
        "to": tuple(architectures.NETWORKS),
    }
)
"""What flags and arguments of names may be, among others, by `dest`."""

_BASH = """
# bash breaks --flag=value into three words, of which the function knows two.
{function}_whole() {{
  local place words=() here=$COMP_CWORD
  for place in "${{!COMP_WORDS[@]}}"; do
    if [[ ${{COMP_WORDS[place]}} != = ]]; then
      words+=("${{COMP_WORDS[place]}}")
    elif (( place < COMP_CWORD )); then
      (( here-- ))
    elif (( place == COMP_CWORD )); then
      words+=("")
    fi
  done
  local COMP_WORDS=("${{words[@]}}") COMP_CWORD=$here
  {function}
}}

complete -o bashdefault -F {function}_whole {program}
"""


def add_parser(commands: Any) -> None:
    """Adds this command to a program's parser."""
    parser = commands.add_parser("completion", help="complete flags in a shell")
    program = parser.prog.split()[0]
    parser.description = _DESCRIPTION.format(program=program)
    parser.add_argument(
        "shell", choices=_SHELLS, metavar="SHELL", help=", ".join(_SHELLS)
    )
    parser.set_defaults(run=lambda arguments: _run(parser.program, arguments.shell))


def _run(program: argparse.ArgumentParser, shell: str) -> int:
    """Prints the script of a shell for a program; returns the exit status."""
    try:
        import shtab
    except ImportError:
        raise OptionsError(
            "completion needs shtab: install it with pip install 'nst-jax[completion]'"
        ) from None
    for action in _actions(program):
        _describe(action, {"FILE": shtab.FILE, "DIR": shtab.DIRECTORY})
        if shell == "zsh" and action.nargs != 0:  # In its scripts --flag=value too.
            action.option_strings = [
                f"{flag}=" if flag.startswith("--") else flag
                for flag in action.option_strings
            ]
    print(shtab.complete(program, shell=shell))
    if shell == "bash":
        function = f"_shtab_{program.prog.replace('-', '_')}"
        print(_BASH.format(function=function, program=program.prog))
    return 0


def _actions(parser: Any) -> Iterator[argparse.Action]:
    yield from parser._actions
    for command in parser.commands.values():
        yield from _actions(command)


def _describe(action: argparse.Action, completers: Mapping[str, Any]) -> None:
    """Tells shtab what to complete. The parser is done: what it parses may change."""
    shown = str(action.metavar)
    kinds = set(re.findall(r"[A-Z]+", shown)) if ":" not in shown else set()
    if action.dest in _WORDS and shown.startswith("NAME"):
        action.choices = _WORDS[action.dest]
    elif action.dest == "model":
        action.choices = tuple(names.known(SHIPPED))
    elif "DIR" in kinds:
        action.complete = completers["DIR"]  # type: ignore[attr-defined]
    elif kinds & _FILES or action.dest == "style":
        action.complete = completers["FILE"]  # type: ignore[attr-defined]
    elif action.choices is None and (found := re.match(r"\{(.*)\}", shown)):
        action.choices = tuple(found[1].split(","))
    if action.option_strings:
        action.metavar = action.dest  # In zsh's scripts a colon has a meaning.
