"""A figure's grid of pictures: what is asked for, made, and shown."""

import contextlib
import dataclasses
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import tqdm

from nst_jax.collection import gallery, lock, naming, plate, wanted
from nst_jax.collection.folder import Folder
from nst_jax.collection.manifest import FAILED, Entry
from nst_jax.collection.wanted import Wanted
from nst_jax.devices import programs
from nst_jax.errors import ImageError
from nst_jax.images import files
from nst_jax.images.source import Source
from nst_jax.networks import pretrained
from nst_jax.networks.network import Network
from nst_jax.options import VARYING, Options
from nst_jax.transfer import batch, jobs
from nst_jax.transfer.jobs import Job
from nst_jax.transfer.results import BatchProgress
from nst_jax.transfer.stop import StopRequest

PLATE, CURVES = "figure.png", "curves.png"

Load = Callable[[Options], Network]
"""Gives the network of options."""


@dataclasses.dataclass(frozen=True)
class Cell:
    """A picture of a study: its labels, the paths of its originals, its options."""

    row: str
    column: str
    content: str
    style: str
    options: Options

    @property
    def job(self) -> Job:
        """What makes it."""
        return Job(Source(self.content), (Source(self.style),), self.options)


@dataclasses.dataclass(frozen=True)
class Study:
    """A grid of pictures whose options differ by row and column.

    Attributes:
      title: of the figure.
      rows: what differs from row to row, such as "style layers".
      columns: what differs from column to column.
      cells: the pictures.
      notes: lines on the settings.
      left_out: what could not be made, and what to do about it, a line each.
      originals: paths of what the pictures were made of, by label; None: photo and
        painting of the first.
      heads: paths of pictures that stand above the columns, by the columns' labels.
      caption: a line below each picture, of what is known about it and its pixels.
    """

    title: str
    rows: str
    columns: str
    cells: Sequence[Cell]
    notes: Sequence[str] = ()
    left_out: Sequence[str] = ()
    originals: Mapping[str, str] | None = None
    heads: Mapping[str, str] = dataclasses.field(default_factory=dict)
    caption: Callable[[Entry, np.ndarray], str] | None = None

    def wanted(self) -> list[Wanted]:
        """The pictures; those that differ in steps only are taken of one job.

        Raises:
          OptionsError: two pictures at one place.
        """
        labels = [
            {"row": "-".join(cell.row.split()), "column": "-".join(cell.column.split())}
            for cell in self.cells
        ]
        names = naming.file_names(
            "{row}_{column}.png", labels, reserved=(PLATE, CURVES), option="cells"
        )
        steps: dict[Job, set[int]] = {}
        for cell in self.cells:
            steps.setdefault(cell.job.trunk, set()).add(cell.options.steps)
        found = []
        for cell, name in zip(self.cells, names, strict=True):
            *at, last = sorted(steps[cell.job.trunk])
            options = dataclasses.replace(cell.options, steps=last)
            job = dataclasses.replace(cell.job, options=options, at=tuple(at))
            when = cell.options.steps if cell.options.steps < last else None
            varied = {self.rows: cell.row, self.columns: cell.column}
            found.append(Wanted(job, name, varied, when))
        return found


def together(pictures: Sequence[Wanted]) -> list[list[Job]]:
    """The jobs of pictures, each once, by what can be lanes of one program."""
    found: dict[Any, list[Job]] = {}
    for job in dict.fromkeys(one.job for one in pictures):
        fixed = (v for name, v in vars(job.options).items() if name not in VARYING)
        found.setdefault(tuple(fixed), []).append(job)
    return list(found.values())


def make(
    study: Study,
    path: Path,
    kept: contextlib.ExitStack,
    *,
    lanes: int | None,
    offline: bool,
    load: Load,
    overwrite: bool | None = None,
) -> tuple[Folder, int | None]:
    """Makes what is missing in a folder; what can be lanes of one program, is.

    Args:
      study: what to make.
      path: of the folder; made if need be.
      kept: until its end no other process works in the folder.
      lanes: pictures side by side; None for as many as help and fit.
      offline: don't fetch weights.
      load: of networks.
      overwrite: see `Folder`.

    Returns:
      The folder, and the signal that stopped the work before its end, or None.

    Raises:
      As `run_jobs` and `Folder`.
    """
    pictures = study.wanted()
    planned = together(pictures)
    for of_program in planned:
        jobs.check(of_program, lanes)
    others = (naming.MANIFEST, naming.GALLERY, PLATE, CURVES)
    wanted.check(path, pictures, others)
    with StopRequest(say) as request:
        networks = list(dict.fromkeys(one.job.options.network for one in pictures))
        weights = pretrained.fetched(networks, offline=offline, report=say)
        kept.enter_context(lock.held(path))
        folder = Folder(
            path,
            pictures,
            weights=weights,
            say=say,
            overwrite=overwrite,
            others=others,
        )
        programs.report_missing_accelerator(say)
        steps = sum(job.options.steps for job in folder.jobs)
        done = sum(j.options.steps for j in folder.jobs if folder.is_done(j))
        with tqdm.tqdm(
            total=steps, initial=done, unit="it", disable=None, leave=False
        ) as bar:
            for of_program in planned:
                if request.signal is None:
                    _run(of_program, folder, request, bar, lanes, load)
    return folder, request.signal if folder.unfinished else None


def _run(
    of_program: Sequence[Job],
    folder: Folder,
    request: StopRequest,
    bar: tqdm.tqdm,
    lanes: int | None,
    load: Load,
) -> None:
    done = {place for place, job in enumerate(of_program) if folder.is_done(job)}
    if len(done) == len(of_program):
        return
    made: dict[int, int] = {}
    beside: dict[int, int] = {}

    def show(progress: BatchProgress) -> bool:
        request.defer()
        for place, lane in zip(progress.jobs, progress.lanes, strict=True):
            bar.update(lane.iteration - made.get(place, 0))
            made[place], beside[place] = lane.iteration, len(progress.jobs)
            if lane.event:
                say(f"nst-jax: {folder.names(of_program[place])[-1]}: {lane.event}")
        bar.set_postfix_str(progress.note, refresh=False)
        return request.signal is not None

    for place, result in batch.run_jobs(
        of_program,
        lanes=lanes,
        network=load(of_program[0].options),
        on_progress=show,
        done=done,
        states=folder.states,
        report=say,
    ):
        folder.add(of_program[place], result, lanes=beside.get(place, 1))


def publish(
    study: Study, folder: Folder, about: str, command: str, more: Sequence[str]
) -> None:
    """Writes a plate of all pictures and a page with each in full; says where.

    Args:
      study: that the pictures are of.
      folder: of the pictures.
      about: the figure's docstring, whose source and expectation the page shows.
      command: that was given.
      more: names of other pictures of the whole, in the folder.

    Raises:
      ImageError, OSError: a file can't be written.
    """
    entries = [entry for entry in folder.entries if entry.status != FAILED]
    places = [(e.varied[study.rows], e.varied[study.columns]) for e in entries]
    pictures = [_read(folder.path / entry.output) for entry in entries]
    first = study.cells[0]
    originals = study.originals or {"photo": first.content, "painting": first.style}
    grid = plate.Grid(
        rows=list(dict.fromkeys(cell.row for cell in study.cells)),
        columns=list(dict.fromkeys(cell.column for cell in study.cells)),
        axes=(study.rows, study.columns),
        pictures=dict(zip(places, pictures, strict=True)),
        captions={
            place: study.caption(entry, picture)
            for place, entry, picture in zip(places, entries, pictures, strict=True)
            if study.caption and picture is not None
        },
        heads={label: _read(path) for label, path in study.heads.items()},
    )
    beside = {label: _read(path) for label, path in originals.items()}
    remarks = [*study.notes, *(f"Left out: {line}" for line in study.left_out)]
    figure, page = folder.path / PLATE, folder.path / naming.GALLERY
    drawn = plate.draw(study.title, remarks, beside, grid)
    files.write(figure, drawn, description={"figure": study.title})
    blocks = inspect.cleandoc(about).split("\n\n")[1:]
    source = [" ".join(text.split()) for text in blocks if text[0] != " "]
    above = gallery.About([*source, *remarks], command, [PLATE, *more])
    gallery.write(page, study.title, entries, folder.path, about=above)
    print(figure, page, sep="\n")


def settings(options: Options) -> str:
    """What all pictures have in common, in a line."""
    return f"{options.network}, {options.pooling} pooling, {options.size} pixels"


def loss(entry: Entry, image: np.ndarray) -> str:
    """A caption: the lowest loss."""
    return "" if entry.loss is None else f"loss {entry.loss:.3g}"


def say(line: str, *, file: TextIO | None = None) -> None:
    """Prints a line, above the bar if there is one, on standard error or `file`."""
    tqdm.tqdm.write(line, file=file or sys.stderr)


def _read(path: str | Path) -> np.ndarray | None:
    try:
        return files.read(path)
    except ImageError:
        return None
