"""`nst-jax batch`: every photo in the style of every painting, in one folder."""

import argparse
import csv
import dataclasses
import glob
import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from nst_jax.commands import collection, flags, naming, stop
from nst_jax.options import STARTS, Options, OptionsError, check_start

_DESCRIPTION = """\
Repaints every photo in the style of every painting, many side by side in one device
program. The folder gets a picture for each pair, a contact sheet, a gallery
(index.html) and a manifest (manifest.jsonl).

Weights, seeds and starts may be lists: --style_weight=1,10,100 makes every pair three
times. Stop with Ctrl-C and give the same command again to go on: what is done is kept.
A picture that can't be read is reported and left out.
"""

_SWEPT = ("content_weight", "style_weight", "tv_weight", "style_scale", "init", "seed")


@dataclasses.dataclass(frozen=True)
class Pair:
    """One picture to make.

    Attributes:
      content: path of the photo.
      style: path of the painting.
      options: that make it.
      varied: options by which pairs differ.
    """

    content: str
    style: str
    options: Options
    varied: Mapping[str, Any]

    def key(self, hashes: Mapping[str, str]) -> str:
        """Hex digest of all that makes the picture; `hashes` are of the files."""
        made_of = [hashes.get(path, path) for path in (self.content, self.style)]
        made_of.append(hashes.get(self.options.init, ""))
        fields = json.dumps(dataclasses.asdict(self.options), sort_keys=True)
        return hashlib.sha256("\n".join([*made_of, fields]).encode()).hexdigest()


def add_parser(commands: Any) -> None:
    """Adds this command to the program's parser."""
    parser = commands.add_parser(
        "batch",
        help="repaint many photos in many styles",
        description=_DESCRIPTION,
    )
    what = parser.add_argument_group("what to make")
    for name, kind in (("contents", "photos"), ("styles", "paintings")):
        what.add_argument(
            f"--{name}",
            nargs="+",
            default=[],
            metavar="PATH",
            help=f"The {kind}: files, folders, or patterns such as 'photos/*.jpg'.",
        )
    what.add_argument(
        "--pairs",
        type=Path,
        metavar="FILE.csv",
        help="Make these pairs only: a line for each, in columns named content and "
        "style, and optionally content_weight, style_weight, tv_weight, style_scale, "
        "init, seed. Paths are relative to the file's folder.",
    )
    run = parser.add_argument_group("this run")
    run.add_argument(
        "--output_dir",
        type=Path,
        required=True,
        metavar="DIR",
        help="Folder of the results; made if it doesn't exist.",
    )
    run.add_argument(
        "--name",
        default=naming.DEFAULT_TEMPLATE,
        metavar="TEMPLATE",
        help="Names of the pictures: {content}, {style}, {index}, {varied} and options "
        f"such as {{style_weight}}. Default: {naming.DEFAULT_TEMPLATE}".replace(
            "%", "%%"
        ),
    )
    run.add_argument(
        "--lanes",
        type=_at_least_1,
        metavar="N",
        help="Pictures side by side (default: as many as help and as fit the memory).",
    )
    flags.add_machine(run)
    flags.add_options(parser)
    parser.set_defaults(run=run_command)


def run_command(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    pairs = _pairs(arguments)
    folder = collection.Collection(arguments.output_dir, pairs, arguments.name)

    # JAX is imported from here on: a mistyped command is answered at once.
    from nst_jax import batch
    from nst_jax.commands import device

    device.keep_compiled_programs(arguments.compilation_cache_dir)
    jobs = [batch.Job(pair.content, (pair.style,), pair.options) for pair in pairs]
    with folder, stop.StopRequest(folder.say) as request:
        device.report_missing_accelerator(folder.say)

        def on_progress(progress: batch.BatchProgress) -> bool:
            request.defer()
            folder.show(progress)
            return request.signal is not None

        for place, result in batch.run_jobs(
            jobs,
            done=folder.done,
            lanes=arguments.lanes,
            offline=arguments.offline,
            on_progress=on_progress,
            report=folder.say,
            state_folder=arguments.output_dir,
        ):
            folder.add(place, result)
    folder.finish()
    if request.signal is not None and folder.unfinished:
        print("stopped early; the same command goes on from here")
        return 128 + request.signal
    return 1 if folder.failed else 0


def _pairs(arguments: argparse.Namespace) -> list[Pair]:
    options, sweep = _options(arguments)
    if arguments.pairs:
        if arguments.contents or arguments.styles:
            raise OptionsError("give either --pairs, or --contents and --styles")
        rows = _rows(arguments.pairs)
    else:
        contents = _files("contents", arguments.contents)
        styles = _files("styles", arguments.styles)
        rows = [(content, style, {}) for content in contents for style in styles]
    pairs = []
    for content, style, of_row in rows:
        for values in itertools.product(*sweep.values()):
            varied = dict(zip(sweep, values, strict=True)) | of_row
            made = dataclasses.replace(options, **varied)
            if "init" not in of_row:  # One in a row fails alone.
                check_start(made)
            pairs.append(Pair(content, style, made, varied))
    return pairs


def _options(arguments: argparse.Namespace) -> tuple[Options, dict[str, list[Any]]]:
    """The options of all pairs, and the values of those given as lists."""
    sweep: dict[str, list[Any]] = {}
    for field in dataclasses.fields(Options):
        texts = getattr(arguments, field.name, "").split(",")
        if field.name in _SWEPT and len(texts) > 1:
            values = [flags.parse(field, text.strip()) for text in texts]
            sweep[field.name] = list(dict.fromkeys(values))
            delattr(arguments, field.name)
    return flags.options(arguments), sweep


def _files(name: str, given: Sequence[str]) -> list[str]:
    """The files that paths, folders and patterns name, each once, sorted by folder."""
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
            matches = [str(p) for p in inside if p.is_file() and p.name[0] != "."]
        elif path.exists() or not glob.has_magic(text):
            matches = [text]
        else:
            matches = sorted(p for p in glob.glob(text, recursive=True))
        if not matches:
            raise OptionsError(f"--{name}: {text} holds no pictures; check the name")
        found |= dict.fromkeys(matches)
    return list(found)


def _rows(path: Path) -> list[tuple[str, str, dict[str, Any]]]:
    """Photo, painting and options of each line of a CSV file."""
    fields = {field.name: field for field in dataclasses.fields(Options)}
    rows = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            columns = table.fieldnames or ()
            unknown = [c for c in columns if c not in ("content", "style", *_SWEPT)]
            if unknown or not {"content", "style"} <= set(columns):
                raise OptionsError(
                    f"{path}: columns {', '.join(map(str, columns))}; it needs content "
                    f"and style, and may have {', '.join(_SWEPT)}"
                )
            for row in table:
                content, style = (row[name] or "" for name in ("content", "style"))
                try:
                    if not content or not style:
                        raise OptionsError("names no pair; give content and style")
                    varied = {
                        name: flags.parse(fields[name], row[name])
                        for name in _SWEPT
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


def _at_least_1(text: str) -> int:
    if not flags.count(text):
        raise argparse.ArgumentTypeError("give a whole number, 1 or more")
    return int(text)
