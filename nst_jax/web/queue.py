"""The order in which jobs wait, kept in a file."""

import contextlib
from collections.abc import Iterable
from pathlib import Path

from nst_jax.web import private
from nst_jax.web.refusals import ConflictError


class Queue:
    """Identifiers of the jobs that wait, the next first. It has no lock."""

    def __init__(self, path: Path, waiting: Iterable[str]):
        """Reads the order back.

        Args:
          path: of the file.
          waiting: jobs that wait, by age; others aren't taken, and of these those that
            the file doesn't name come last.
        """
        self._path = path
        known: list[str] = []
        with contextlib.suppress(OSError, ValueError, RecursionError, TypeError):
            known = [one for one in private.read_json(path) if isinstance(one, str)]
        left = list(dict.fromkeys(waiting))
        named = [one for one in dict.fromkeys(known) if one in left]
        self._waiting = [*named, *(one for one in left if one not in named)]

    def __len__(self) -> int:
        return len(self._waiting)

    def place(self, identifier: str) -> int | None:
        """How many come before a job; None: it doesn't wait."""
        if identifier not in self._waiting:
            return None
        return self._waiting.index(identifier)

    def add(self, identifier: str, *, first: bool = False) -> None:
        """A job waits, behind all others or before them; one that does so stays."""
        if identifier in self._waiting:
            return
        self._waiting.insert(0 if first else len(self._waiting), identifier)
        self._save()

    def next(self) -> str | None:
        """The job that has waited longest, which waits no more; None: there is none."""
        if not self._waiting:
            return None
        found = self._waiting.pop(0)
        self._save()
        return found

    def remove(self, identifier: str) -> None:
        """A job waits no more."""
        if identifier in self._waiting:
            self._waiting.remove(identifier)
            self._save()

    def move(self, identifier: str, before: str | None) -> None:
        """A job waits before another, or behind all.

        Raises:
          ConflictError: one of both doesn't wait.
        """
        for one in (identifier, *([before] if before else [])):
            if one not in self._waiting:
                raise ConflictError(f"job {one:.40} doesn't wait: it can't be moved")
        if identifier == before:
            return
        self._waiting.remove(identifier)
        place = self._waiting.index(before) if before else len(self._waiting)
        self._waiting.insert(place, identifier)
        self._save()

    def _save(self) -> None:
        # Without it jobs wait by age: no reason to stop.
        with contextlib.suppress(OSError):
            private.write_json(self._path, self._waiting)
