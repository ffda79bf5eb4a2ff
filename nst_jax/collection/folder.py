"""The folder of a set of pictures: what is done already, and what comes in."""

import dataclasses
import functools
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from nst_jax.collection import gallery, manifest, overview
from nst_jax.collection.kinds import AnyJob, AnyResult
from nst_jax.collection.naming import GALLERY, MANIFEST, SHEET
from nst_jax.collection.wanted import Wanted, check, folders, no_folder
from nst_jax.errors import ImageError, NstError
from nst_jax.images import files
from nst_jax.transfer.jobs import digests
from nst_jax.transfer.states import PATTERN


class Folder:
    """Takes the results of jobs.

    Attributes:
      path: of the folder.
      failed: whether a picture couldn't be made or written.
      say: takes a line for the user, and `file=` for another stream than stderr.
    """

    def __init__(
        self,
        path: Path,
        wanted: Sequence[Wanted],
        *,
        weights: Mapping[str, str],
        say: Callable[..., None],
    ):
        """Finds out what there is; makes the folder if need be.

        Args:
          path: of the folder.
          wanted: pictures, in their order.
          weights: digests of the networks' weights, by name.
          say: takes lines for the user.

        Raises:
          OptionsError, ImageError: see `check`.
        """
        check(path, wanted)
        self.path, self.failed = path, False
        self._writing = threading.Lock()  # Results may come from several threads.
        self._wanted, self.say = tuple(wanted), say
        contents = digests([one.job for one in wanted])
        of = {one: weights.get(one.job.options.network, "") for one in wanted}
        self._keys = {one: one.key(contents, of[one]) for one in wanted}
        self._earlier = {one: one.earlier_key(contents, of[one]) for one in wanted}
        self._make_folders()
        self._known = manifest.read(path / MANIFEST)
        self._done = {one for one in wanted if self._is_done(one)}
        self._open = set(wanted) - self._done
        self._unsaved: set[Wanted] = set()  # Stopped, and not written.
        self._said: set[str] = set()  # A bad photo is one line, not one a painting.
        if self._done:
            say(f"nst-jax: {len(self._done)} of {len(wanted)} are done already")
        self._say_what_was_stopped()

    @property
    def jobs(self) -> list[AnyJob]:
        """The jobs of all pictures, each once, in their order."""
        return list(dict.fromkeys(one.job for one in self._wanted))

    @property
    def unfinished(self) -> bool:
        """Whether pictures are left that were not begun, or stopped on their way."""
        return bool(self._open)

    @property
    def entries(self) -> list[manifest.Entry]:
        """What is known about these pictures, in their order."""
        names = (one.name for one in self._wanted)
        return [self._known[name] for name in names if name in self._known]

    def is_done(self, job: AnyJob) -> bool:
        """Whether all pictures of a job were made before, by the same options and
        weights from the same files, and are still there."""
        return all(one in self._done for one in self._of(job))

    def names(self, job: AnyJob) -> list[str]:
        """The files of a job's pictures."""
        return [one.name for one in self._of(job)]

    def add(self, job: AnyJob, result: AnyResult | NstError, *, lanes: int = 1) -> None:
        """Takes in a result of a job, or the error that stands for all of them.

        Args:
          job: one of `jobs`.
          result: what came of it; its `at` says which picture it is.
          lanes: how many shared its seconds.

        Raises:
          NstError: the manifest can't be written.
        """
        for one in self._of(job):
            if one in self._done:
                continue
            if isinstance(result, NstError):
                self._open.discard(one)
                self._fail(one, result)
            elif one.at == result.at:
                self._open.discard(one)
                self._save(one, result, lanes)

    def clear_states(self) -> None:
        """Removes states where no picture is left that they could go on with."""
        stopped = any(entry.status == "stopped" for entry in self._known.values())
        if not (stopped or self._unsaved):
            for state in self.path.glob(PATTERN):
                state.unlink(missing_ok=True)

    def finish(self) -> None:
        """Writes the gallery of all that the folder holds, and this set's sheet."""
        self.clear_states()
        mine = {one.name for one in self._wanted}
        entries = self.entries + [
            entry
            for name, entry in self._known.items()
            if name not in mine and (self.path / name).is_file()
        ]
        if not entries:
            return
        page = self.path / GALLERY
        try:
            gallery.write(page, self.path.resolve().name, entries, self.path)
            print(f"{page}: {len(entries)} pictures")
        except OSError as error:
            self.failed = True
            self.say(f"nst-jax: no {GALLERY}: could not be written ({error.strerror})")
        try:
            overview.write(self.path, self._wanted)
        except (ValueError, ImageError) as error:
            self.say(f"nst-jax: no {SHEET}: {error}")

    @functools.cached_property
    def _by_job(self) -> Mapping[AnyJob, list[Wanted]]:
        found: dict[AnyJob, list[Wanted]] = {}
        for one in self._wanted:
            found.setdefault(one.job, []).append(one)
        return found

    def _of(self, job: AnyJob) -> list[Wanted]:
        return self._by_job[job]

    def _save(self, one: Wanted, result: AnyResult, lanes: int) -> None:
        if not result.finished:
            self._open.add(one)
            self._unsaved.add(one)
        result = dataclasses.replace(result, options=one.made.options)
        path = self.path / one.name
        try:
            result.save(path)
        except ImageError as error:
            self._fail(one, error)
            return
        self._unsaved.discard(one)
        made = result.description()
        height, width, _ = result.image.shape
        first = result.iterations + 1 - len(result.losses)
        entry = dataclasses.replace(
            self._entry(one),
            status="done" if result.finished else "stopped",
            loss=result.loss,
            iterations=result.iterations,
            # A lane's share of the time that it was at work with others.
            seconds=round(result.seconds / lanes, 3),
            losses=manifest.thin(result.losses, first=max(0, first)),
            size=[width, height],
            versions=made["versions"],
            device=made["device"],
        )
        self._write(entry)
        self.say(
            f"{path}: {width}x{height}, {result.told}",
            file=sys.stdout,
        )

    def _entry(self, one: Wanted) -> manifest.Entry:
        return manifest.Entry(
            output=one.name,
            content=one.job.content.key,
            style=one.job.styles[0].key,
            key=self._keys[one],
            status="failed",
            options=dataclasses.asdict(one.made.options),
            varied=dict(one.varied),
        )

    def _fail(self, one: Wanted, error: Exception) -> None:
        self.failed = True
        # Errors of files name them; others are of this picture alone.
        named = "" if isinstance(error, ImageError) else f"{one.name}: "
        if (line := f"nst-jax: {named}{error}") not in self._said:
            self.say(line)
            self._said.add(line)
        self._write(dataclasses.replace(self._entry(one), error=str(error)))

    def _write(self, entry: manifest.Entry) -> None:
        path = self.path / MANIFEST
        try:
            with self._writing:
                self._known[entry.output] = entry
                manifest.append(path, entry)
        except OSError as error:
            line = f"{path}: could not be written ({error.strerror})"
            raise NstError(line) from error

    def _is_done(self, one: Wanted) -> bool:
        entry = self._known.get(one.name)
        return (
            entry is not None
            and entry.status == "done"
            and entry.key in (self._keys[one], self._earlier[one])
            and (self.path / one.name).is_file()
        )

    def _say_what_was_stopped(self) -> None:
        stopped = [
            one
            for one in self._open
            if (entry := self._known.get(one.name)) is not None
            and (entry.status, entry.key) == ("stopped", self._earlier[one])
        ]
        if stopped:
            self.say(
                f"nst-jax: {len(stopped)} were stopped by an earlier version, from "
                "whose states this one can't go on: they are begun anew"
            )

    def _make_folders(self) -> None:
        for folder in folders(self.path, self._wanted):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise no_folder(folder, error.errno) from None
        for one in self._wanted:
            files.check_writable(self.path / one.name)
