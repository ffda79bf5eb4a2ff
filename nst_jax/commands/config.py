"""`--config=FILE.toml`: flags that a file gives, as if they stood on the command line.

A key is the name of a flag, and its value what the flag takes. What stands above all
tables is for every command, a table such as `[batch]` for that command; it wins over
what is above, and the command line over both.
"""

import argparse
import difflib
import itertools
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from nst_jax import streams
from nst_jax.commands import flags
from nst_jax.commands.asked import SWEPT
from nst_jax.errors import OptionsError, plain
from nst_jax.fields import base_type, check, parse, words
from nst_jax.images import files
from weights_convert import parser

_LARGEST = 2**20
"""Bytes of a file: `/dev/zero` has no end."""

_LONGEST = 200
"""Characters of a key or a value that a message shows."""

_NUMBERS = (int, float, flags.count, flags.positive_count)
"""Types of flags that take nothing but a number."""


class Parser(parser.Parser):
    """A parser whose `--config` puts flags of files ahead of those that are given.

    Attributes:
      stands_for: of a command that takes the arguments of others: the name of the one
        that it stands for, from its arguments.
    """

    stands_for: Callable[[argparse.Namespace], str] | None = None

    def _spelled(self, given: Sequence[str]) -> list[str]:
        spelled = super()._spelled(given)
        paths, by_hand = self._of_line(spelled)
        if not paths:
            return spelled
        found: dict[str, list[str]] = {}
        try:
            for path in paths:
                found |= self._of_file(path, spelled)
        except OptionsError as error:
            self.error(str(error))
        asked = [one for name, of in found.items() if name not in by_hand for one in of]
        return [*asked, *spelled]

    def _of_line(self, spelled: Sequence[str]) -> tuple[list[str], set[str]]:
        """The files that a command line names, and all of its flags, by `dest`."""
        paths, by_hand = [], set()
        before = spelled[: spelled.index("--")] if "--" in spelled else spelled
        for word, following in itertools.zip_longest(before, before[1:], fillvalue=""):
            name, equals, value = word.partition("=")
            known = self._option_string_actions
            action = known.get(name) or known.get(word[:2])
            if action is None:
                continue
            by_hand.add(action.dest)
            if name == "--config":
                paths.append(value if equals else following)
        # An empty one is refused as other flags' are.
        return [path for path in paths if path], by_hand

    def _of_file(self, path: str, spelled: Sequence[str]) -> dict[str, list[str]]:
        """What a file asks for: by `dest` the words of a command line."""
        content = _read(path)
        commands = self.program.commands if self.program else {}
        tables = [self.prog.split()[-1]]
        if self.stands_for:
            line = argparse.ArgumentParser.parse_known_args(self, [*spelled])[0]
            tables = [self.stands_for(line), *tables]
        known = [
            name
            for name, one in commands.items()
            if "--config" in one._option_string_actions
        ]
        _check_tables(path, content, known or tables)
        found: dict[str, list[str]] = {}
        for table, key, value in _entries(content, tables):
            if len(key) > _LONGEST:
                raise OptionsError(f"{path}: {key[:_LONGEST]}... is no flag")
            place = f"[{table}] " if table else ""
            where = f"{path}: {place}{key}"
            if (action := _flag(self, key)) is None:
                # What is above the tables, or of a command that this one stands for,
                # may be for others.
                of = [commands[table]] if table in commands else commands.values()
                if not any(_flag(one, key) for one in of):
                    raise OptionsError(f"{where} {self._unknown(key)}")
                _say(f"{self.prog.split()[0]}: {where} has no effect on {self.prog}")
                continue
            try:
                found[action.dest] = self._words(action, value)
            except OptionsError as error:
                raise OptionsError(f"{path}: {place}{error}") from None
            except argparse.ArgumentError as error:
                raise OptionsError(f"{where}: {error.message}") from None
        return found

    def _unknown(self, key: str) -> str:
        if key in ("config", "help"):
            return "is for the command line alone"
        meant = self._meant(key.replace("-", "_").lower())
        return f"is no flag of {self.prog}{meant.replace('--', '')}"

    def _words(self, action: argparse.Action, value: Any) -> list[str]:
        """A value as a command line has it.

        Raises:
          OptionsError, argparse.ArgumentError: the flag doesn't take it.
        """
        name, flag = action.dest, action.option_strings[-1]
        if action.nargs == 0:
            if not isinstance(value, bool):
                raise OptionsError(f"{name}={_told(value)}: give true or false")
            return [flag] if value else []
        if isinstance(value, bool):
            return [f"{flag}={_of_bool(action, value)}"]
        items = value if isinstance(value, list) else [value]
        if isinstance(value, list) and not self._takes_lists(action):
            raise OptionsError(f"{name}={_told(value)}: give one value, not a list")
        texts = [_text(action, item) for item in items]
        if action.nargs != "+":
            if len(texts) > 1 and any("," in text for text in texts):
                raise OptionsError(f"{name}={_told(value)}: one has a comma in it")
            swept = len(texts) > 1 and name in SWEPT
            texts = texts if swept else [",".join(texts)]
        for text in texts:
            self._check(action, text)
        return [f"{flag}={text}" for text in _joined(action, texts)]

    def _takes_lists(self, action: argparse.Action) -> bool:
        several = action.nargs == "+" or str(action.metavar).endswith(",...")
        is_batch = "--contents" in self._option_string_actions
        return several or (is_batch and action.dest in SWEPT)

    def _check(self, action: argparse.Action, text: str) -> None:
        if isinstance(action, flags.FieldAction):
            check(action.field, parse(action.field, text))
        else:
            self._check_value(action, self._get_value(action, text))


def _flag(command: argparse.ArgumentParser, key: str) -> argparse.Action | None:
    """The flag of a command that a key names; of those that a file may have."""
    name = key.replace("-", "_")
    if name in ("config", "help"):
        return None
    return command._option_string_actions.get(f"--{name}")


def _say(line: str) -> None:
    with streams.unfailing():
        print(plain(line), file=sys.stderr)


def _joined(action: argparse.Action, texts: Sequence[str]) -> Sequence[str]:
    return texts if action.nargs == "+" else [",".join(texts)]


def _read(path: str) -> dict[str, Any]:
    try:
        with open(files.expanded(path), "rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise OptionsError(
            f"{path}: can't be read ({error.strerror}): --config names a file in TOML"
        ) from None
    if len(content) > _LARGEST:
        raise OptionsError(
            f"{path}: is larger than 1 MB: --config names a file in TOML"
        )
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise OptionsError(f"{path}: is no TOML, as --config needs ({error})") from None


def _check_tables(path: str, content: Mapping[str, Any], known: Sequence[str]) -> None:
    for name, value in content.items():
        if isinstance(value, dict) and name not in known:
            name = name[:_LONGEST]
            near = difflib.get_close_matches(name, known, 1)
            meant = f"did you mean [{near[0]}]? " if near else ""
            raise OptionsError(
                f"{path}: [{name}] is no command with flags; {meant}choose one of "
                f"{', '.join(known)}"
            )


def _entries(
    content: Mapping[str, Any], tables: Sequence[str]
) -> Iterator[tuple[str, str, Any]]:
    """Table, key and value of what a file says for some; the last of a key wins."""
    above = {key: one for key, one in content.items() if not isinstance(one, dict)}
    for name, table in (("", above), *((name, content.get(name)) for name in tables)):
        yield from ((name, key, value) for key, value in (table or {}).items())


def _of_bool(action: argparse.Action, value: bool) -> str:
    """The text of a flag that may stand alone, or says yes or no."""
    if action.const is True:
        return "yes" if value else "no"
    if value and action.const is not None:
        return str(action.const)
    raise OptionsError(f"{action.dest}={str(value).lower()}: give a value of the flag")


def _told(value: Any) -> str:
    """A value as messages have it: of a long one the beginning."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _text(action: argparse.Action, value: Any) -> str:
    """Text or a number as a command line has it."""
    field = action.field if isinstance(action, flags.FieldAction) else None
    kind = base_type(field.type) if field else action.type
    shown = f"{action.dest}={_told(value)}"
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise OptionsError(f"{shown}: give text, or a number")
    if isinstance(value, str) and kind in _NUMBERS:
        unset = field is not None and field.default is None and not value.strip()
        if not unset and not (field and value in words(field.type)):
            raise OptionsError(f"{shown}: give a number, without quotes")
    return str(value)
