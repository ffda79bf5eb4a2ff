"""What a batch is to make: jobs of files and options, from the command line."""

import argparse
import csv
import dataclasses
import glob
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from nst_jax.collection import manifest, naming
from nst_jax.commands import flags
from nst_jax.errors import OptionsError
from nst_jax.fields import base_type, parse
from nst_jax.images.source import Source
from nst_jax.options import STARTS, VARYING, Options
from nst_jax.transfer.jobs import Job, check_start, variations

_FIELDS = {field.name: field for field in dataclasses.fields(Options)}

SWEPT = tuple(
    name
    for name in VARYING
    if typing.get_origin(base_type(_FIELDS[name].type)) is not tuple
)
"""Options that may be lists on the command line, and columns of a file of pairs."""


def asked_for(
    arguments: argparse.Namespace,
) -> tuple[list[Job], list[Mapping[str, Any]]]:
    """The jobs that a command asks for, in their order; and what each varies.

    Raises:
      OptionsError: none, bad options, or a file of pairs that doesn't work.
    """
    options, sweep = _options(arguments)
    rows: list[tuple[str, str, dict[str, Any]]]
    if arguments.pairs:
        if arguments.contents or arguments.styles:
            raise OptionsError("give either --pairs, or --contents and --styles")
        rows = _rows(arguments.pairs)
        for name in sweep:
            if any(name in of_row for _, _, of_row in rows):
                raise OptionsError(
                    f"{arguments.pairs} has a column {name}, and --{name} is a list: "
                    "give one of the two"
                )
    else:
        results = made_before(arguments.output_dir)
        contents = picture_files("contents", arguments.contents, results)
        styles = picture_files("styles", arguments.styles, results)
        rows = [(content, style, {}) for content in contents for style in styles]
    jobs: list[Job] = []
    varied: list[Mapping[str, Any]] = []
    for content, style, of_row in rows:
        for swept in variations(options, sweep):
            made = dataclasses.replace(swept, **of_row)
            if "init" not in of_row:  # One in a row fails alone.
                check_start(made)
            varied.append({name: getattr(made, name) for name in (*sweep, *of_row)})
            jobs.append(Job(Source(content), (Source(style),), made))
    return jobs, varied


def _options(arguments: argparse.Namespace) -> tuple[Options, dict[str, list[Any]]]:
    """The options of all pairs, and the values of those given as lists."""
    sweep: dict[str, list[Any]] = {}
    for name, field in _FIELDS.items():
        texts = getattr(arguments, name, "").split(",")
        if name in SWEPT and len(texts) > 1:
            values = [parse(field, text.strip()) for text in texts]
            sweep[name] = list(dict.fromkeys(values))
            delattr(arguments, name)
    return flags.options(arguments), sweep


def made_before(folder: Path) -> set[Path]:
    """What a batch made in its folder before: no photos of the next one."""
    names = manifest.read(folder / naming.MANIFEST) if folder.is_dir() else ()
    return {(folder / name).resolve() for name in (*names, naming.SHEET)}


def picture_files(name: str, given: Sequence[str], made: set[Path]) -> list[str]:
    """The files that paths, folders and patterns name, each once, sorted by folder.

    Those `made` count where they are named themselves only.
    """
    if not given:
        raise OptionsError(f"--{name} is missing: name files, a folder or a pattern")
    # Those of kinds that can be read; MPO files, of some cameras, are so as JPEG.
    kinds, readable = Image.registered_extensions(), {*Image.OPEN, "MPO"}
    endings = {ending for ending, kind in kinds.items() if kind in readable}
    found: dict[str, None] = {}
    for text in given:
        path = Path(text)
        if path.is_dir():
            inside = [p for p in sorted(path.iterdir()) if p.suffix.lower() in endings]
            # Hidden files, such as macOS's "._photo.jpg", as patterns leave them out.
            found_here = [str(p) for p in inside if p.is_file() and p.name[0] != "."]
            matches = _without(found_here, made)
        elif path.exists() or not glob.has_magic(text):
            matches = [text]
        else:
            matches = _without(sorted(glob.glob(text, recursive=True)), made)
        if not matches:
            raise OptionsError(f"--{name}: {text} holds no pictures; check the name")
        found |= dict.fromkeys(matches)
    return list(found)


def _without(paths: Sequence[str], left_out: set[Path]) -> list[str]:
    return [path for path in paths if Path(path).resolve() not in left_out]


def _lines(file: Iterable[str]) -> Iterator[str]:
    for line in file:
        if "\0" in line:  # No path has one; a file in UTF-16 is full of them.
            raise csv.Error("line contains NUL")
        yield line


def _rows(path: Path) -> list[tuple[str, str, dict[str, Any]]]:
    """Photo, painting and options of each line of a CSV file."""
    rows = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(_lines(file))
            columns = table.fieldnames or ()
            unknown = [c for c in columns if c not in ("content", "style", *SWEPT)]
            if unknown or not {"content", "style"} <= set(columns):
                raise OptionsError(
                    f"{path}: columns {', '.join(map(str, columns))}; it needs content "
                    f"and style, and may have {', '.join(SWEPT)}"
                )
            for row in table:
                content, style = (row[name] or "" for name in ("content", "style"))
                try:
                    if not content or not style:
                        raise OptionsError("names no pair; give content and style")
                    varied = {
                        name: parse(_FIELDS[name], row[name])
                        for name in SWEPT
                        if row.get(name)
                    }
                    Options(**varied)  # Checks each.
                except OptionsError as error:
                    line = f"{path}, line {table.line_num}"
                    raise OptionsError(f"{line}: {error}") from None
                folder = path.parent
                if varied.get("init", "content") not in STARTS:
                    varied["init"] = str(folder / varied["init"])
                rows.append((str(folder / content), str(folder / style), varied))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise OptionsError(f"{path}: can't be read ({error})") from None
    if not rows:
        raise OptionsError(f"{path}: names no pairs")
    return rows
