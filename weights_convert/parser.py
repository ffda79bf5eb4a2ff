"""Parsers of command lines whose usage errors are one line, with what was meant."""

import argparse
import difflib
import re
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NoReturn

_NONE: Mapping[str, str] = MappingProxyType({})
_NEAR = 0.7  # As difflib measures it: "colour" and "color" are 0.91 alike.
_UNWANTED = re.compile(r"argument (?:-\w/)?(--\w+): ignored explicit argument .*")


class Parser(argparse.ArgumentParser):
    """Knows its own flags only, unabbreviated, with `-` for `_` and `-` for `--` too.

    Attributes:
      flags_elsewhere: what other systems call flags: by their names the equals here,
        flags or metavars, of which a command may have the first or another.
      told_elsewhere: by their names: a sentence.
      commands_elsewhere: what commands may be called.
      for_files: the command that is meant where only files are named.
      program: of which it parses a command; None: of none.
    """

    flags_elsewhere: Mapping[str, str] = _NONE
    told_elsewhere: Mapping[str, str] = _NONE
    commands_elsewhere: Mapping[str, str] = _NONE
    for_files = ""
    program: "Parser | None" = None

    def __init__(self, **keywords: Any):
        """Takes what `argparse.ArgumentParser` takes."""
        keywords["formatter_class"] = argparse.RawDescriptionHelpFormatter
        super().__init__(**keywords, allow_abbrev=False)

    @property
    def commands(self) -> Mapping[str, "Parser"]:
        """The parsers of its commands, by name."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                return action.choices
        return {}

    def error(self, message: str) -> NoReturn:
        """Says what is wrong in one line; ends with status 2."""
        line = " ".join(_UNWANTED.sub(r"\1 takes no value", message).splitlines())
        name = self.prog.split()[0]
        print(f"{name}: {line} (see {self.prog} --help)", file=sys.stderr)
        sys.exit(2)

    def parse_known_args(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        namespace: argparse.Namespace | None = None,
    ) -> tuple[argparse.Namespace, list[str]]:
        """As `argparse` has it, but that nothing unknown is left over."""
        for parser in self.commands.values():
            parser.program = self
        given = self._spelled(sys.argv[1:] if args is None else args)
        found, left = super().parse_known_args(given, namespace)
        if left:
            self.error(f"unexpected argument {left[0]!r}{self._flag_for(left[0])}")
        return found, left

    def _flag_for(self, word: str) -> str:
        """For a command that takes nothing but flags: how a flag is given its value."""
        if any(not action.option_strings for action in self._actions):
            return ""
        flags = (a.option_strings[-1] for a in self._actions if a.metavar)
        first = next(flags, "")
        return f": all follow flags here, as in {first} {word}" if first else ""

    def _spelled(self, given: Sequence[str]) -> list[str]:
        """The arguments with flags as they are written here; of a program those ahead
        of the command, whose parser sees to the others."""
        result: list[str] = []
        for position, argument in enumerate(given):
            if argument == "--":
                return [*result, *given[position:]]
            if _is_flag(argument):
                result.append(self._flag(argument))
            elif self.commands:
                if argument not in self.commands:
                    self.error(self._no_command(argument))
                return [*result, *given[position:]]
            else:
                result.append(argument)
        return result

    def _flag(self, argument: str) -> str:
        name, equals, value = argument.partition("=")
        if name in self._option_string_actions:
            return argument
        long = f"--{_plain(name)}"
        if long in self._option_string_actions:
            return long + equals + value
        # A short flag with its value, such as -oout.png; but -output_image is none.
        is_short = name[:2] in self._option_string_actions
        if is_short and not re.fullmatch(r"-[A-Za-z_-]{3,}", name):
            return argument
        self.error(f"unknown flag {argument}{self._meant(_plain(name))}")

    def _meant(self, name: str) -> str:
        """What an unknown flag stands for here, as far as that can be told."""
        own = self._option_string_actions
        if name in self.told_elsewhere:
            return f": {self.told_elsewhere[name]}"
        for equal in self.flags_elsewhere.get(name, "").split():
            if equal in own:
                return f": did you mean {equal}?"
            if equal in {action.metavar for action in self._actions}:
                return f": give the {equal} without a flag"
        program = self.program or self
        for command, parser in program.commands.items():
            if f"--{name}" in parser._option_string_actions:
                return f": it is one of {program.prog} {command}"
        near = difflib.get_close_matches(f"--{name}", own, 1, _NEAR)
        return f": did you mean {near[0]}?" if near else ""

    def _no_command(self, word: str) -> str:
        near = difflib.get_close_matches(_plain(word), self.commands, 1)
        found = self.commands_elsewhere.get(_plain(word)) or (near[0] if near else "")
        if "." in word and self.for_files:
            found = f"{self.prog} {self.for_files} {word}"
        meant = f"did you mean {found}? " if found else ""
        known = ", ".join(self.commands)
        return f"unknown command {word!r}; {meant}choose one of {known}"

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = [str(choice) for choice in action.choices]
            near = difflib.get_close_matches(str(value), known, 1)
            meant = f"did you mean {near[0]}? " if near else ""
            line = f"{value!r} is not known; {meant}choose one of {', '.join(known)}"
            raise argparse.ArgumentError(action, line)


def _is_flag(argument: str) -> bool:
    """As `argparse` sees it: no number, and no name of a file with spaces."""
    name = argument.partition("=")[0]
    return bool(re.match(r"-[^\d.\s]", name)) and " " not in name and name != "--"


def _plain(name: str) -> str:
    return name.lstrip("-").replace("-", "_").lower()
