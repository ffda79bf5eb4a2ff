"""The folder of a batch: what is done already, what comes in, and what shows it all."""

import dataclasses
import errno
import hashlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from nst_jax.collection import gallery, manifest, naming, sheet
from nst_jax.collection.naming import GALLERY, MANIFEST, SHEET
from nst_jax.commands.asked import Pair
from nst_jax.commands.screen import Screen
from nst_jax.errors import ImageError
from nst_jax.images import files
from nst_jax.options import OptionsError

_STATES = "[0-9a-f]" * 32 + ".state"


class Collection(Screen):
    """Takes the results of a batch; use it as a context while they are made.

    Attributes:
      done: places of the pairs that were made before, by the same options and weights
        from the same files, and are still there.
      failed: whether a picture couldn't be read or written.
    """

    def __init__(
        self,
        folder: Path,
        pairs: Sequence[Pair],
        names: Sequence[str],
        *,
        weights: Mapping[str, str],
        work: Sequence[int] | None = None,
    ):
        """Finds out what there is; makes the folder if need be.

        Args:
          folder: of the results.
          pairs: in their order.
          names: of their pictures, relative to the folder; see `file_names`.
          weights: digests of the networks' weights; see `pairs.fetched`.
          work: iterations that each pair takes; default: all that its options ask for.

        Raises:
          OptionsError, ImageError: see `check`.
        """
        self._folder, self._pairs, self._names = folder, pairs, names
        check(folder, pairs, names)
        hashes = _hashes(pairs)
        self._keys = [pair.key(hashes, weights) for pair in pairs]
        self._make_folders()
        self._known = manifest.read(folder / MANIFEST)
        self.done = frozenset(
            place for place in range(len(pairs)) if self._is_done(place)
        )
        self._open = set(range(len(pairs))) - self.done
        self.failed = False
        steps = work or [pair.options.steps for pair in pairs]
        super().__init__(sum(steps), done=sum(steps[place] for place in self.done))
        self._group: dict[int, int] = {}
        self._lanes: dict[int, int] = {}
        self._said: set[str] = set()  # A bad photo is one line, not one a painting.

    def __enter__(self) -> Self:
        if self.done:
            self.say(
                f"nst-jax: {len(self.done)} of {len(self._pairs)} are done already"
            )
        return self

    @property
    def unfinished(self) -> bool:
        """Whether pictures are left that were not begun, or stopped on their way."""
        return bool(self._open)

    @property
    def entries(self) -> list[manifest.Entry]:
        """What is known about these pairs, in their order."""
        return [self._known[name] for name in self._names if name in self._known]

    def show(self, progress: Any) -> None:
        """Takes in the end of a chunk, a `batch.BatchProgress`."""
        for place, lane in zip(progress.jobs, progress.lanes, strict=True):
            self._bar.update(lane.iteration - self._group.get(place, 0))
            self._group[place] = lane.iteration
            self._lanes[place] = len(progress.jobs)
            if lane.event:
                self.say(f"nst-jax: {self._names[place]}: {lane.event}")
        self._bar.set_postfix_str(
            f"{progress.finished}/{progress.total} done, {len(progress.jobs)} at work",
            refresh=False,
        )

    def add(self, place: int, result: Any) -> None:
        """Takes in a `Result`, or the error that stands for it."""
        name = self._names[place]
        entry = self._entry(place)
        self._open.discard(place)
        if isinstance(result, Exception):
            self._fail(entry, result)
            return
        if not result.finished:
            self._open.add(place)
        try:
            result.save(self._folder / name)
        except ImageError as error:
            self._fail(entry, error)
            return
        made = result.description()
        height, width, _ = result.image.shape
        first = result.iterations + 1 - len(result.losses)
        entry = dataclasses.replace(
            entry,
            status="done" if result.finished else "stopped",
            loss=result.loss,
            iterations=result.iterations,
            # A lane's share of the time that it was at work with others.
            seconds=round(result.seconds / self._lanes.get(place, 1), 3),
            losses=manifest.thin(result.losses, first=max(0, first)),
            size=[width, height],
            versions=made["versions"],
            device=made["device"],
        )
        self._write(entry)
        self.say(
            f"{self._folder / name}: {width}x{height}, loss {result.loss:.6g} after "
            f"{result.iterations} iterations",
            file=sys.stdout,
        )

    def finish(self) -> None:
        """Writes the gallery of all that the folder holds, and this batch's sheet.

        States of stopped runs go where no picture is left that they could go on with.
        """
        if all(entry.status != "stopped" for entry in self._known.values()):
            for state in self._folder.glob(_STATES):
                state.unlink(missing_ok=True)
        entries = self.entries + [
            entry
            for name, entry in self._known.items()
            if name not in self._names and (self._folder / name).is_file()
        ]
        if not entries:
            return
        path = self._folder / GALLERY
        gallery.write(path, self._folder.resolve().name, entries, self._folder)
        print(f"{path}: {len(entries)} pictures")
        try:
            self._write_sheet()
        except (ValueError, ImageError) as error:
            self.say(f"nst-jax: no {SHEET}: {error}")

    def _write_sheet(self) -> None:
        contents = list(dict.fromkeys(pair.content for pair in self._pairs))
        columns = list(dict.fromkeys(self._column(pair) for pair in self._pairs))
        names = {
            (pair.content, self._column(pair)): name
            for pair, name in zip(self._pairs, self._names, strict=True)
        }
        labels = dict(
            zip(
                styles := list(dict.fromkeys(style for style, _ in columns)),
                naming.labels(styles),
                strict=True,
            )
        )
        pictures = sheet.table(
            (_read(content) for content in contents),
            (_read(style) for style, _ in columns),
            (
                _read(self._folder / names[content, column])
                if (content, column) in names
                else None
                for content in contents
                for column in columns
            ),
            content_labels=naming.labels(contents),
            style_labels=[labels[style] + varied for style, varied in columns],
        )
        files.write(self._folder / SHEET, pictures)

    def _column(self, pair: Pair) -> tuple[str, str]:
        return pair.style, _varied(pair.varied, " ")

    def _entry(self, place: int) -> manifest.Entry:
        pair = self._pairs[place]
        return manifest.Entry(
            output=self._names[place],
            content=pair.content,
            style=pair.style,
            key=self._keys[place],
            status="failed",
            options=dataclasses.asdict(pair.options),
            varied=dict(pair.varied),
        )

    def _fail(self, entry: manifest.Entry, error: Exception) -> None:
        self.failed = True
        # Errors of files name them; others are of this picture alone.
        named = "" if isinstance(error, ImageError) else f"{entry.output}: "
        if (line := f"nst-jax: {named}{error}") not in self._said:
            self.say(line)
            self._said.add(line)
        self._write(dataclasses.replace(entry, error=str(error)))

    def _write(self, entry: manifest.Entry) -> None:
        self._known[entry.output] = entry
        manifest.append(self._folder / MANIFEST, entry)

    def _is_done(self, place: int) -> bool:
        entry = self._known.get(self._names[place])
        return (
            entry is not None
            and (entry.status, entry.key) == ("done", self._keys[place])
            and (self._folder / self._names[place]).is_file()
        )

    def _make_folders(self) -> None:
        for folder in _folders(self._folder, self._names):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise _no_folder(folder, error.errno) from None
        for name in self._names:
            files.check_writable(self._folder / name)


def check(folder: Path, pairs: Sequence[Pair], names: Sequence[str]) -> None:
    """Finds out early, before anything is fetched or made, that a batch can't be kept.

    Args:
      folder: of the results; it needn't exist.
      pairs: in their order.
      names: of their pictures, relative to the folder; see `file_names`.

    Raises:
      OptionsError: names that are those of the photos themselves, or a folder that
        can't be made.
      ImageError: a picture that couldn't be written.
    """
    originals = {Path(path).resolve() for path in _paths(pairs)}
    for path in (folder / name for name in (*names, SHEET)):
        if path.resolve() in originals:
            raise OptionsError(
                f"{path} is a picture that the batch is made from, and would be "
                "overwritten: choose another --output_dir or --name"
            )
    for place in _folders(folder, names):
        there = next(p for p in (place, *place.parents) if os.path.lexists(p))
        if not there.is_dir():
            raise _no_folder(place, errno.EEXIST if there == place else errno.ENOTDIR)
        if there != place and not os.access(there, os.W_OK | os.X_OK):
            raise _no_folder(place, errno.EACCES)
    for path in (folder / name for name in names):
        if path.parent.is_dir():
            files.check_writable(path)


def _folders(folder: Path, names: Sequence[str]) -> set[Path]:
    """The folder of the results, and those within it that their names ask for."""
    return {folder, *((folder / name).parent for name in names)}


def _no_folder(folder: Path, number: int | None) -> OptionsError:
    reason = os.strerror(number) if number else "unknown"
    return OptionsError(f"output_dir={folder}: can't be made ({reason})")


def file_names(pairs: Sequence[Pair], template: str) -> list[str]:
    """Names of the pictures of `batch.Pair`s by a template; see `naming.file_names`."""
    contents = naming.labels([pair.content for pair in pairs])
    styles = naming.labels([pair.style for pair in pairs])
    jobs = [
        {
            "content": content,
            "style": style,
            "index": f"{index:04d}",
            "varied": _varied(pair.varied, "_"),
            **{k: f"{v}" for k, v in dataclasses.asdict(pair.options).items()},
        }
        for index, (pair, content, style) in enumerate(
            zip(pairs, contents, styles, strict=True)
        )
    ]
    reserved = (MANIFEST, GALLERY, SHEET)
    return naming.file_names(template, jobs, reserved=reserved, option="name")


def _varied(varied: Mapping[str, Any], separator: str) -> str:
    shown = (
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in varied.items()
    )
    return "".join(separator + text for text in shown)


def _paths(pairs: Sequence[Pair]) -> set[str]:
    return {p for pair in pairs for p in (pair.content, pair.style, pair.options.init)}


def _hashes(pairs: Sequence[Pair]) -> dict[str, str]:
    """SHA-256 of every file that pairs are made of; those that can't be read lack."""
    found = {}
    for path in _paths(pairs):
        try:
            with open(path, "rb") as file:
                found[path] = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            continue
    return found


def _read(path: str | Path) -> np.ndarray | None:
    try:
        return files.read(path)
    except ImageError:
        return None
