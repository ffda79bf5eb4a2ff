"""What a batch is to make: jobs of files and options, from the command line."""

import argparse
import contextlib
import csv
import dataclasses
import glob
import os
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from nst_jax.collection import blends, manifest, naming
from nst_jax.commands import flags, regions
from nst_jax.errors import OptionsError
from nst_jax.fields import base_type, parse
from nst_jax.images import files, kinds
from nst_jax.images.source import Source
from nst_jax.options import FIELDS, STARTS, VARYING, Options
from nst_jax.transfer.jobs import Job, check_shares, check_start, shared, variations
from nst_jax.transfer.regions import Regions

SWEPT = tuple(
    name
    for name in VARYING
    if typing.get_origin(base_type(FIELDS[name].type)) is not tuple
)
"""Options that may be lists on the command line."""

_OPTIONS = (*SWEPT, "style_blend")
"""Options that may be columns of a file of pairs."""

COLUMNS = (*_OPTIONS, *regions.COLUMNS)
"""All that may be."""

Masks = tuple[Regions | None, dict[str, str]]
"""What masks ask for, and their columns."""

_LONGEST = 2**16
"""Characters of a line of one that are read at a time: `/dev/zero` has no end."""

_Row = tuple[str, tuple[str, ...], dict[str, Any], Masks]
"""Photo, paintings, options, masks."""


def asked_for(
    arguments: argparse.Namespace, say: Callable[[str], object]
) -> tuple[list[Job], list[Mapping[str, Any]]]:
    """The jobs that a command asks for, in their order; and what each varies.

    Args:
      arguments: of the command.
      say: takes a line about what is left out.

    Raises:
      OptionsError: none, bad options, or a file of pairs that doesn't work.
    """
    options, sweep = _options(arguments)
    rows: list[_Row]
    if arguments.pairs:
        if arguments.contents or arguments.styles:
            raise OptionsError("give either --pairs, or --contents and --styles")
        rows = _rows(arguments.pairs)
        for name in sweep:
            if any(name in of_row for _, _, of_row, _ in rows):
                raise OptionsError(
                    f"{arguments.pairs} has a column {name}, and --{name} is a list: "
                    "give one of the two"
                )
    else:
        results = made_before(arguments.output_dir)
        contents = picture_files("--contents", arguments.contents, results, say)
        styles = picture_files("--styles", arguments.styles, results, say)
        named = [blends.split(style) for style in styles]
        rows = [(c, style, {}, (None, {})) for c in contents for style in named]
    jobs: list[Job] = []
    varied: list[Mapping[str, Any]] = []
    for content, style, of_row, (masks, columns) in rows:
        for swept in variations(options, sweep):
            made = dataclasses.replace(swept, **of_row)
            if "init" not in of_row:  # One in a row fails alone.
                check_start(made)
            of_options = {name: getattr(made, name) for name in (*sweep, *of_row)}
            varied.append({**of_options, **columns})
            sources = Source.of(content), tuple(map(Source.of, style))
            jobs.append(Job(*sources, made, regions=masks))
    return shared(jobs), varied


def _options(arguments: argparse.Namespace) -> tuple[Options, dict[str, list[Any]]]:
    """The options of all pairs, and the values of those given as lists."""
    sweep: dict[str, list[Any]] = {}
    for name, field in FIELDS.items():
        texts = getattr(arguments, name, "").split(",")
        if name in SWEPT and len(texts) > 1:
            values = [parse(field, text.strip()) for text in texts]
            sweep[name] = list(dict.fromkeys(values))
            delattr(arguments, name)
    return flags.options(arguments), sweep


def made_before(folder: Path) -> set[str]:
    """What a batch made in its folder before: no photos of the next one."""
    names = manifest.read(folder / naming.MANIFEST) if folder.is_dir() else ()
    return {os.path.realpath(folder / name) for name in (*names, naming.SHEET)}


def picture_files(
    name: str, given: Sequence[str], made: set[str], say: Callable[[str], object]
) -> list[str]:
    """The files that paths, folders and patterns name, each once, sorted by folder.

    Those `made` count where they are named themselves only. What is named twice, be it
    by links, is taken by the first name.
    """
    if not given:
        raise OptionsError(f"{name} is missing: name files, a folder or a pattern")
    found: dict[str, str] = {}
    again: list[str] = []
    for text in map(files.expanded, given):
        if not text:
            raise OptionsError(f"{name}: a name is empty: name a picture")
        if os.path.isdir(text):
            matches = _in_folder(text)
        elif os.path.lexists(text) or not glob.has_magic(text):
            matches = [text]
        else:
            matches = sorted(_matching(text))
        if matches != [text]:
            matches = [path for path in matches if os.path.realpath(path) not in made]
            left_out = kinds.left_out(matches)
            matches = [path for path in matches if not kinds.unread(path)]
            if left_out:
                say(f"nst-jax: {text}: {left_out}")
        if not matches:
            raise OptionsError(f"{name}: {text} holds no pictures; check the name")
        for path in matches:
            first = found.setdefault(os.path.realpath(path), path)
            if os.path.abspath(first) != os.path.abspath(path):
                again.append(f"{path} is {first}")
    if again:
        more = f", and {len(again) - 1} more such names" if again[1:] else ""
        say(f"nst-jax: {name}: {again[0]}{more}: each picture is taken once")
    return list(found.values())


def _in_folder(folder: str) -> list[str]:
    """The pictures in a folder, with those of kinds that can't be read."""
    endings = kinds.endings()
    # Hidden files, such as macOS's "._photo.jpg", as patterns leave them out.
    return [
        str(path)
        for path in sorted(Path(folder).iterdir())
        if path.suffix.lower() in endings or kinds.unread(path)
        if path.is_file() and path.name[0] != "."
    ]


def _matching(pattern: str) -> Iterator[str]:
    """What a pattern matches; `**` is this folder and all below, each once.

    `glob` follows a link that leads back up as often as the system lets it.
    """
    parts = pattern.split(os.sep)
    if "**" not in parts:
        yield from glob.glob(pattern)
        return
    place = parts.index("**")
    before, after = os.sep.join(parts[:place]), os.sep.join(parts[place + 1 :])
    root = before or (os.sep if place else "")
    for begin in glob.glob(before) if glob.has_magic(before) else [root]:
        for folder in _folders(begin):
            inside = os.path.join(glob.escape(folder), after or "*")
            yield from (p for p in _matching(inside) if after or os.path.isfile(p))


def _folders(begin: str) -> Iterator[str]:
    """A folder and all below that aren't hidden, each once, however many links."""
    seen: set[str] = set()
    waiting = [begin]
    while waiting:
        folder = waiting.pop()
        real = os.path.realpath(folder or os.curdir)
        if real in seen or not os.path.isdir(real):
            continue
        seen.add(real)
        yield folder
        with contextlib.suppress(OSError):
            names = sorted(os.listdir(real), reverse=True)
            waiting += [os.path.join(folder, name) for name in names if name[0] != "."]


def _lines(file: TextIO) -> Iterator[str]:
    for line in iter(lambda: file.readline(_LONGEST), ""):
        if "\0" in line:  # No path has one; a file in UTF-16 is full of them.
            raise csv.Error("line contains NUL")
        yield line


def _beside(file: Path, name: str) -> str:
    """A path that is relative to a file's folder."""
    return str(Path(files.expanded(name, file.parent)))


def _path(text: str | None) -> str:
    # Names of files are bytes, whatever letters the locale has.
    return os.fsdecode((text or "").encode(errors="surrogateescape"))


def _masks(row: Mapping[str, str], paintings: Sequence[str], path: Path) -> Masks:
    """What masks a line of a CSV file asks for, and what tells it from others by."""
    given = {name: _path(row[name]) for name in regions.COLUMNS if row.get(name)}
    found = regions.asked(given, paintings, lambda name: _beside(path, name))
    return found, {name: regions.label(name, text) for name, text in given.items()}


def _rows(path: Path) -> list[_Row]:
    """Photo, paintings and options of each line of a CSV file."""
    rows: list[_Row] = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(_lines(file))
            columns = table.fieldnames or ()
            unknown = [c for c in columns if c not in ("content", "style", *COLUMNS)]
            if unknown or not {"content", "style"} <= set(columns):
                raise OptionsError(
                    f"{path}: columns {', '.join(map(str, columns))}; it needs content "
                    f"and style, and may have {', '.join(COLUMNS)}"
                )
            for row in table:
                content, style = (_path(row[name]) for name in ("content", "style"))
                try:
                    if not content or not style:
                        raise OptionsError("names no pair; give content and style")
                    varied = {
                        name: parse(FIELDS[name], row[name])
                        for name in _OPTIONS
                        if row.get(name)
                    }
                    Options(**varied)  # Checks each.
                    named = blends.split(style, path.parent)
                    check_shares(varied.get("style_blend", ()), len(named))
                    masks = _masks(row, named, path)
                except OptionsError as error:
                    line = f"{path}, line {table.line_num}"
                    raise OptionsError(f"{line}: {error}") from None
                if varied.get("init", "content") not in STARTS:
                    varied["init"] = _beside(path, _path(varied["init"]))
                styles = tuple(_beside(path, one) for one in named)
                rows.append((_beside(path, content), styles, varied, masks))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise OptionsError(
            f"{path}: can't be read ({reason}); give a CSV file in UTF-8"
        ) from None
    if not rows:
        raise OptionsError(f"{path}: names no pairs")
    return rows
