"""What all threads of the page share: jobs, their order, and who watches them."""

import dataclasses
import threading
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from nst_jax.web import private, records
from nst_jax.web.limits import Limits
from nst_jax.web.queue import Queue
from nst_jax.web.records import Point, Record, Shelf
from nst_jax.web.refusals import AbsentError, ConflictError, LimitError
from nst_jax.web.watchers import Watchers

STOP, DISCARD = "stop", "discard"


class Ledger:
    """Jobs, their queue and their watchers, behind one lock.

    Attributes:
      shelf: the folders of jobs.
      limits: of the server.
      report: takes lines for whoever runs the server.
      watchers: who looks on.
    """

    def __init__(self, folder: Path, limits: Limits, report: Callable[[str], None]):
        """Reads back what the folder has."""
        private.inner(folder)
        self.limits, self.report = limits, report
        self.watchers = Watchers(report)
        self.shelf = Shelf(folder / "jobs", limits)
        found = sorted(self.shelf.load(report), key=lambda record: record.created)
        self._records = {record.id: self.shelf.settled(record) for record in found}
        for record in found:
            if self._records[record.id] != record:
                self._save(self._records[record.id])
        waiting = [one.id for one in self._records.values() if one.state == "waiting"]
        self._queue = Queue(folder / "queue.json", waiting)
        self._changed = threading.Condition(threading.RLock())
        self._wishes: dict[str, str] = {}
        self._live: dict[str, bytes] = {}
        self._closing = False

    def _save(self, record: Record) -> None:
        try:
            self.shelf.save(record)
        except OSError as error:
            self.report(f"job {record.id}: not written ({error.strerror})")

    # What is there.

    def get(self, identifier: str) -> Record:
        """A job.

        Raises:
          AbsentError: there is none of that name.
        """
        with self._changed:
            if identifier in self._records:
                return self._records[identifier]
        raise AbsentError(f"there is no job {identifier!r:.40}")

    def told(self, record: Record) -> dict[str, Any]:
        """A job as JSON has it, but for its losses."""
        with self._changed:
            place = self._queue.place(record.id)
        return record.told(place=place, can_go_on=self.shelf.can_go_on(record))

    def jobs(self) -> list[dict[str, Any]]:
        """All jobs: what is at work, what waits by its place, the others by age."""
        with self._changed:
            found = [self.told(record) for record in self._records.values()]

        def order(job: dict[str, Any]) -> tuple[int, float]:
            if job["state"] in records.AT_WORK:
                return 0, 0
            if job["place"] is not None:
                return 1, job["place"]
            return 2, -job["created"]

        return sorted(found, key=order)

    def needed(self) -> set[str]:
        """Identifiers of all pictures that jobs need."""
        with self._changed:
            return records.needed(self._records.values())

    def is_at_work(self, identifier: str) -> bool:
        """Whether a job is there, and being painted."""
        with self._changed:
            record = self._records.get(identifier)
        return record is not None and record.state in records.AT_WORK

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        with self._changed:
            return len(self._queue)

    # What changes.

    def add(self, record: Record) -> None:
        """A new job waits.

        Raises:
          LimitError: too many do.
        """
        with self._changed:
            self._add(record)
        self.tell_jobs()

    def _add(self, record: Record) -> None:
        if len(self._queue) >= self.limits.queue:
            raise LimitError(f"{self.limits.queue} jobs wait: try again later")
        self._records[record.id] = record
        self._save(record)
        self._queue.add(record.id)
        self._changed.notify_all()

    def go_on(self, identifier: str, until: Callable[[Record], int]) -> Record | None:
        """A job that ended waits again, to go on from its state; None: it has none.

        Args:
          identifier: of it.
          until: gives the iteration that it then ends at.

        Raises:
          AbsentError: no such job.
          ConflictError: one that can't go on, such as one that waits already.
          LimitError: too many wait.
        """
        with self._changed:
            record = self.get(identifier)
            if not self.shelf.can_go_on(record):
                raise ConflictError(f"the job is {record.state}: it can't go on")
            if not self.shelf.has(identifier, records.STATE):
                return None
            changes: dict[str, Any] = {"state": records.WAITING, "phase": "waiting"}
            changes |= {"steps": until(record), "resume": True}
            record = dataclasses.replace(record, **changes)
            self._add(record)
        self.tell_jobs()
        return record

    def change(self, identifier: str, *, save: bool = True, **changes: Any) -> Record:
        """A job with other values; watchers are told separately."""
        with self._changed:
            record = dataclasses.replace(self.get(identifier), **changes)
            self._records[identifier] = record
            if save:
                self._save(record)
        return record

    def line(self, identifier: str, line: str) -> None:
        """A job has a line more about what happened."""
        with self._changed:
            record = self.get(identifier).with_line(line, self.limits.events)
            self._records[identifier] = record

    def move(self, identifier: str, before: str | None) -> None:
        """A job that waits does so before another, or behind all.

        Raises:
          AbsentError: no such job.
          ConflictError: one that doesn't wait.
        """
        with self._changed:
            for one in (identifier, *([before] if before else [])):
                self.get(one)
            self._queue.move(identifier, before)
        self.tell_jobs()

    def wish(self, identifier: str, wish: str) -> Record:
        """A job that is at work, or waits, is to stop or be discarded.

        Raises:
          AbsentError: no such job.
          ConflictError: one that has nothing to be stopped.
        """
        with self._changed:
            record = self.get(identifier)
            if record.state in records.AT_WORK:
                if self._wishes.get(identifier) != DISCARD:
                    self._wishes[identifier] = wish
                later = record.state == records.PREPARING
                phase = "stopping, once it is prepared" if later else "stopping"
                record = self.change(identifier, save=False, phase=phase)
            elif record.state == records.WAITING and record.resume:
                record = self._taken_back(record)
            elif wish == DISCARD:
                self._forget(identifier)
            elif record.state == records.WAITING:
                raise ConflictError("the job waits and has no picture yet: remove it")
            else:
                raise ConflictError(f"the job is {record.state}: nothing to be stopped")
        self.tell_jobs()
        return record

    def remove(self, identifier: str) -> Record:
        """A job that isn't at work, and all of its files, go.

        One that waits to go on is only taken out of the queue: it has a picture.

        Raises:
          AbsentError: no such job.
          ConflictError: it is at work.
        """
        with self._changed:
            record = self.get(identifier)
            if record.state in records.AT_WORK:
                raise ConflictError("the job is being painted: stop or discard it")
            if record.state == records.WAITING and record.resume:
                record = self._taken_back(record)
            else:
                self._forget(identifier)
        self.tell_jobs()
        return record

    def free(self, pictures: Collection[str]) -> set[str]:
        """Forgets the jobs that ended longest ago, until one of the pictures is free.

        Where those that wait or are at work need all of them, none is forgotten.

        Returns:
          What jobs need then, as `needed`.
        """
        held = set(pictures)
        with self._changed:
            kept = [r for r in self._records.values() if r.state not in records.ENDED]
            ended = [] if held <= records.needed(kept) else self._ended()
            for record in ended:
                if not held <= self.needed():
                    break
                if held & records.needed([record]):
                    self._forget(record.id)
        self.tell_jobs()
        return self.needed()

    def _taken_back(self, record: Record) -> Record:
        """A job that waited to go on is what it was before: stopped."""
        self._queue.remove(record.id)
        return self.change(record.id, resume=False, **records.STOP)

    def _forget(self, identifier: str) -> None:
        self._queue.remove(identifier)
        self._wishes.pop(identifier, None)
        self._live.pop(identifier, None)
        del self._records[identifier]
        self.shelf.remove(identifier)

    # What the worker does.

    def next(self) -> Record | None:
        """The next job, once there is one; None: the server ends."""
        with self._changed:
            while not self._closing:
                identifier = self._queue.next()
                if identifier in self._records:
                    break
                if identifier is None:
                    self._changed.wait()
            else:
                return None
            assert identifier is not None
            changes: dict[str, Any]
            changes = {"state": records.PREPARING, "phase": "preparing"}
            record = self.change(identifier, error=None, **changes)
        self.tell_jobs()
        return record

    def wished(self, identifier: str) -> str | None:
        """`STOP` or `DISCARD`, if a job that is at work is to end; else None."""
        with self._changed:
            return self._wishes.get(identifier) or (STOP if self._closing else None)

    def end(self, identifier: str, **changes: Any) -> None:
        """A job is at work no more; without changes it is discarded."""
        with self._changed:
            wish = self._wishes.pop(identifier, None)
            self._live.pop(identifier, None)
            if changes and wish != DISCARD:  # Which may have come after the last look.
                if not self.shelf.has(identifier, records.RESULT):
                    changes["version"] = 0  # The live one was in memory alone.
                changes |= {**records.AT_REST, "ended": time.time()}
                self.change(identifier, **changes)
                self._trim(identifier)
            else:
                self._forget(identifier)
        self.tell_jobs()

    def _trim(self, newest: str) -> None:
        """Forgets the jobs that ended longest ago, beyond the history that is kept."""
        ended = self._ended()
        for record in ended[: max(0, len(ended) - self.limits.history)]:
            if record.id != newest:
                self._forget(record.id)
        going = {r.id for r in self._records.values() if r.state not in records.ENDED}
        self.shelf.trim_states({newest, *going})

    def _ended(self) -> list[Record]:
        """The jobs that ended, the one that did so longest ago first."""
        ended = [r for r in self._records.values() if r.state in records.ENDED]
        return sorted(ended, key=lambda record: record.ended or record.created)

    def close(self) -> None:
        """What is at work is to stop; nothing more begins."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def put_back(self) -> None:
        """What is being prepared waits again: there is no picture to be kept."""
        with self._changed:
            for record in [*self._records.values()]:
                if record.state == records.PREPARING:
                    self.change(record.id, state=records.WAITING, phase="waiting")
                    self._queue.add(record.id, first=True)

    # Who looks on.

    def live(self, identifier: str) -> bytes | None:
        """The live picture of a job that is at work, which somebody wants to see."""
        self.watchers.ask()
        with self._changed:
            return self._live.get(identifier)

    def put_live(self, identifier: str, content: bytes) -> None:
        """A job has another live picture."""
        with self._changed:
            self._live[identifier] = content
            version = self.get(identifier).version + 1
            self.change(identifier, save=False, version=version)

    def tell_jobs(self) -> None:
        """Tells watchers of all jobs."""
        self.watchers.tell(lambda: {"type": "jobs", "jobs": self.jobs()})

    def tell_progress(self, identifier: str, points: Sequence[Point]) -> None:
        """Tells watchers how far a job is, with the losses that are new."""

        def event() -> dict[str, Any]:
            job = self.told(self.get(identifier))
            losses = [[at, loss] for at, loss in points]
            return {"type": "progress", "job": job, "losses": losses}

        self.watchers.tell(event)
