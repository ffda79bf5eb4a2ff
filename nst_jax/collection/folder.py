"""The folder of a set of pictures: what is done already, and what comes in."""

import contextlib
import dataclasses
import functools
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from nst_jax.collection import (
    blends,
    gallery,
    gathered,
    manifest,
    overview,
    present,
)
from nst_jax.collection.kinds import AnyJob, AnyResult
from nst_jax.collection.naming import GALLERY, MANIFEST, SHEET
from nst_jax.collection.wanted import (
    ABOUT_PICTURES,
    Wanted,
    check,
    folders,
    no_folder,
)
from nst_jax.errors import ImageError, NstError, counted
from nst_jax.images import files, outputs
from nst_jax.transfer import states
from nst_jax.transfer.jobs import digests


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
        overwrite: bool | None = None,
        others: Sequence[str] = ABOUT_PICTURES,
    ):
        """Finds out what there is, and says what is replaced; makes folders if need be.

        Args:
          path: of the folder.
          wanted: pictures, in their order.
          weights: digests of the networks' weights, by name.
          say: takes lines for the user.
          overwrite: whether files that are there may be replaced; None: our own. What
            was stopped may go on, and what is about the pictures is renewed.
          others: files of the folder besides the pictures.

        Raises:
          OptionsError, ImageError: see `check`; or a file that must not be replaced.
        """
        check(path, wanted, others)
        self.path, self.failed = path, False
        self._writing = threading.Lock()  # Results may come from several threads.
        self._wanted, self.say = tuple(wanted), say
        contents = digests([one.job for one in wanted])
        of = {one: weights.get(one.job.options.network, "") for one in wanted}
        self._keys = {one: one.key(contents, of[one]) for one in wanted}
        self._earlier = {one: one.earlier_key(contents, of[one]) for one in wanted}
        self._make_folders()
        self._known = manifest.read(path / MANIFEST)
        self._done = {one for one in wanted if self._is(manifest.DONE, one)}
        self._open = set(wanted) - self._done
        self._unsaved: set[Wanted] = set()  # Made, and couldn't be written.
        self._said: set[str] = set()  # A bad photo is one line, not one a painting.
        if self._done:
            done = len(self._done)
            are = "is" if done == 1 else "are"
            say(f"nst-jax: {done} of {len(wanted)} {are} done already")
        self._say_what_was_stopped()
        self._say_what_is_replaced(others, overwrite)

    def take_in(self, folders: Sequence[Path]) -> None:
        """Takes in what is done of these pictures in folders of other machines.

        A picture is known by all that made it, whatever its name is there. They keep
        theirs. What can't be taken in is made.

        Args:
          folders: with manifests.

        Raises:
          NstError: the manifest can't be written.
        """
        try:
            made = gathered.by_key(folders)
        except OSError as error:
            self.say(f"nst-jax: {error.filename}: not taken in ({error.strerror})")
            return
        taken = 0
        for one in self._wanted:
            if one in self._done or (found := made.get(self._keys[one])) is None:
                continue
            path, entry = found
            if not present.is_intact(path, entry):
                continue
            try:
                gathered.take(path, self.path / one.name)
            except OSError as error:
                self.say(f"nst-jax: {path}: not taken in ({error.strerror})")
                continue
            mine = dataclasses.asdict(self._entry(one))
            asked = ("output", "content", "style", "options", "varied", "masks")
            mine = {name: mine[name] for name in asked}
            seal = present.seal(self.path / one.name)
            self._write(dataclasses.replace(entry, **mine, **seal))
            self._done.add(one)
            self._open.discard(one)
            taken += 1
        if taken:
            self.say(f"nst-jax: {counted(taken, 'picture')} of other hosts taken in")

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

    @property
    def states(self) -> states.States:
        """Where its runs keep states, which stay while a picture isn't written."""
        return states.in_folder(self.path, needed=lambda: bool(self._unsaved))

    def clear_states(self) -> None:
        """Removes states where no picture is left that they could go on with."""
        stopped = any(
            entry.status == manifest.STOPPED for entry in self._known.values()
        )
        if not (stopped or self._unsaved):
            for state in self.path.glob(states.PATTERN):
                state.unlink(missing_ok=True)

    def finish(self) -> None:
        """Writes the gallery of all that the folder holds, and this set's sheet."""
        self.clear_states()
        with contextlib.suppress(OSError):
            # Where there are no locks another process may have added to it.
            self._known = manifest.read(self.path / MANIFEST) | self._known
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
            missing = sum(entry.status == manifest.FAILED for entry in entries)
            made = counted(len(entries) - missing, "picture")
            print(f"{page}: {made}{f', {missing} failed' if missing else ''}")
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
            status=manifest.DONE if result.finished else manifest.STOPPED,
            loss=result.loss,
            iterations=result.iterations,
            # A lane's share of the time that it was at work with others.
            seconds=round(result.seconds / lanes, 3),
            losses=manifest.thin(result.losses, first=max(0, first)),
            size=[width, height],
            versions=made["versions"],
            device=made["device"],
            **present.seal(path),
        )
        self._write(entry)
        self.say(f"{path}: {width}x{height}, {result.told}", file=sys.stdout)

    def _entry(self, one: Wanted) -> manifest.Entry:
        return manifest.Entry(
            output=one.name,
            content=one.job.content.key,
            style=blends.joined(one.job),
            key=self._keys[one],
            status=manifest.FAILED,
            options=dataclasses.asdict(one.made.options),
            varied=dict(one.varied),
            masks=dict(one.job.mask_names),
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

    def _is(self, status: str, one: Wanted) -> bool:
        """Whether a picture has this status, was made so, and still is the same."""
        entry = self._known.get(one.name)
        return (
            entry is not None
            and entry.status == status
            and entry.key in (self._keys[one], self._earlier[one])
            and present.is_intact(self.path / one.name, entry)
        )

    def _say_what_is_replaced(
        self, others: Sequence[str], overwrite: bool | None
    ) -> None:
        present.check_others(self.path, others, self._known, overwrite)
        names = [
            one.name
            for one in self._wanted
            if one in self._open and not self._is(manifest.STOPPED, one)
        ]
        found = present.replaced(self.path, names, self._known, overwrite)
        if found:
            self.say(outputs.told(found))

    def _say_what_was_stopped(self) -> None:
        stopped = [
            one
            for one in self._open
            if (entry := self._known.get(one.name)) is not None
            and (entry.status, entry.key) == (manifest.STOPPED, self._earlier[one])
        ]
        if stopped:
            self.say(
                f"nst-jax: {counted(len(stopped), 'picture')} stopped by an earlier "
                "version, from whose states this one can't go on: begun anew"
            )

    def _make_folders(self) -> None:
        for folder in folders(self.path, self._wanted):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise no_folder(folder, error.errno) from None
            outputs.clear_leftovers(folder)
        for one in self._wanted:
            files.check_writable(self.path / one.name)
