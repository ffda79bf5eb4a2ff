"""Jobs of the page, and the folder that each of them is kept in."""

import contextlib
import dataclasses
import math
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from nst_jax.web import orders, private
from nst_jax.web.limits import Limits
from nst_jax.web.orders import Order
from nst_jax.web.uploads import IDENTIFIER

WAITING, PREPARING, PAINTING = "waiting", "preparing", "painting"
DONE, STOPPED, FAILED = "done", "stopped", "failed"
AT_WORK = (PREPARING, PAINTING)
ENDED = (DONE, STOPPED, FAILED)
STOP: Mapping[str, Any] = MappingProxyType({"state": STOPPED, "phase": "stopped"})
AT_REST: Mapping[str, Any] = MappingProxyType({"seconds_left": None, "resume": False})
"""What a job that is stopped, and any that ended, has."""

RESULT, STATE, START = "result.png", "run.state", "start.png"
LIVE, THUMBNAIL, PREVIEW, PHOTO = (
    "live.jpg",
    "thumbnail.jpg",
    "preview.jpg",
    "photo.jpg",
)
_RECORD = "job.json"
_LOST = "the server ended before there was a picture: ask for it again"
_CUT = "the server ended: it goes on from there"

Point = tuple[int, float]
"""An iteration and its loss."""


@dataclasses.dataclass(frozen=True)
class Record:
    """A job: what was asked, and how far it is.

    Attributes:
      id: its random name.
      order: what was asked.
      created: seconds since the epoch.
      title: for people.
      width: of the result, in pixels.
      height: likewise.
      steps: iterations after which it ends; 0 of one pass.
      state: one of `WAITING` and the like.
      phase: what is being done, in words.
      iteration: that it is at.
      seconds: that it took so far, all told.
      seconds_left: that it will take, about; None: not known.
      loss: at `iteration`; None: not known.
      losses: of iterations, some of them where there are many.
      version: of the live picture; 0: there is none yet.
      preview: likewise of the one by one pass.
      error: what went wrong, in a line.
      events: lines about what happened.
      parent: the job whose result it began with.
      resume: whether it goes on from its state.
      ended: when it last did, in seconds since the epoch; None: not yet, or not known.
    """

    id: str
    order: Order
    created: float
    title: str
    width: int
    height: int
    steps: int
    state: str = WAITING
    phase: str = "waiting"
    iteration: int = 0
    seconds: float = 0.0
    seconds_left: float | None = None
    loss: float | None = None
    losses: tuple[Point, ...] = ()
    version: int = 0
    preview: int = 0
    error: str | None = None
    events: tuple[str, ...] = ()
    parent: str | None = None
    resume: bool = False
    ended: float | None = None

    def told(self, *, place: int | None, can_go_on: bool) -> dict[str, Any]:
        """As JSON has it, but for the losses.

        Args:
          place: in the queue, from 0; None: it doesn't wait.
          can_go_on: whether more iterations can be asked for.
        """
        order = self.order
        return {
            **{name: getattr(self, name) for name in _SAME},
            "kind": order.kind,
            "photo": order.photo,
            "paintings": [*order.paintings],
            "shares": [*order.shares],
            "options": _plain(order.options),
            "preset": order.preset,
            "network": order.network,
            "masks": [*order.masks],
            "keep_mask": order.keep_mask,
            "color_mask": order.color_mask,
            "start": order.start,
            "place": place,
            "events": [*self.events],
            "can_go_on": can_go_on,
        }

    def with_line(self, line: str, most: int) -> "Record":
        """With a line about what happened; of too many the last are kept."""
        if line in self.events:
            return self
        return dataclasses.replace(self, events=(*self.events, line)[-most:])


_SAME = (
    *("id", "state", "phase", "iteration", "steps", "seconds", "seconds_left", "loss"),
    *("version", "preview", "width", "height", "title", "created", "error", "parent"),
)
"""What JSON has of a record as it is."""


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in options.items()
    }


def thinned(points: Sequence[Point], most: int) -> tuple[Point, ...]:
    """At most so many of the points, evenly, with the first and the last."""
    if len(points) <= most:
        return tuple(points)
    step = (len(points) - 1) / (most - 1)
    return tuple(points[round(place * step)] for place in range(most))


def finite(value: float | None) -> float | None:
    """A number that JSON has, or None."""
    return value if value is not None and math.isfinite(value) else None


def needed(jobs: Iterable[Record]) -> set[str]:
    """Identifiers of all pictures that jobs need."""
    return {picture for record in jobs for picture in record.order.needed}


class Shelf:
    """The folders of jobs, one each."""

    def __init__(self, folder: Path, limits: Limits):
        """Makes the folder if it isn't there."""
        self._folder, self._limits = private.inner(folder), limits

    def path(self, identifier: str, name: str = "") -> Path:
        """A file of a job's folder, there or not."""
        assert IDENTIFIER.fullmatch(identifier), identifier
        return self._folder / identifier / name

    def has(self, identifier: str, name: str) -> bool:
        """Whether a job's folder has a file."""
        return self.path(identifier, name).is_file()

    def save(self, record: Record) -> None:
        """Writes what is known of a job.

        Raises:
          OSError: it can't be written.
        """
        self.path(record.id).mkdir(mode=0o700, exist_ok=True)
        points = thinned(record.losses, self._limits.points)
        told = dataclasses.asdict(dataclasses.replace(record, losses=points))
        private.write_json(self.path(record.id, _RECORD), told)

    def load(self, report: Callable[[str], None]) -> list[Record]:
        """Reads all jobs back; what is damaged is passed over, with a line."""
        found = []
        for name in sorted(os.listdir(self._folder)):
            if IDENTIFIER.fullmatch(name):
                path = self._folder / name / _RECORD
                try:
                    found.append(_read(path, name))
                except FileNotFoundError:
                    self.remove(name)  # It was being made, or removed.
                except (
                    *(OSError, ValueError, TypeError, KeyError, AttributeError),
                    RecursionError,
                ) as error:
                    report(f"{path}: passed over ({type(error).__name__})")
        return found

    def can_go_on(self, record: Record) -> bool:
        """Whether more iterations of a job can be asked for."""
        if record.order.kind != "optimise" or record.state not in (DONE, STOPPED):
            return False
        return any(self.has(record.id, name) for name in (RESULT, STATE))

    def settled(self, record: Record) -> Record:
        """A job of a server that has ended; what was at work was cut short."""
        if record.state not in AT_WORK:
            return record
        painted, changes = self.has(record.id, RESULT), STOP
        if painted or self.has(record.id, STATE):
            record = record.with_line(_CUT, self._limits.events)
        else:
            changes = {"state": FAILED, "phase": "failed", "error": _LOST}
        version = record.version if painted else 0  # The live one was in memory.
        changes = {**changes, **AT_REST, "version": version, "ended": time.time()}
        return dataclasses.replace(record, **changes)

    def remove(self, identifier: str) -> None:
        """Removes a job's folder; what tells of it goes first."""
        with contextlib.suppress(OSError):
            self.path(identifier, _RECORD).unlink(missing_ok=True)
        shutil.rmtree(self.path(identifier), ignore_errors=True)

    def trim_states(self, keep: Collection[str]) -> None:
        """Removes the oldest states where all are larger than they may be together.

        Args:
          keep: jobs whose states stay, as do those of jobs that have nothing else.
        """
        states = []
        for path in self._folder.glob(f"*/{STATE}"):
            with contextlib.suppress(OSError):
                status = path.stat()
                name = path.parent.name
                stays = name in keep or not self.has(name, RESULT)
                states.append((stays, status.st_mtime, status.st_size, path))
        room = self._limits.state_bytes
        for stays, _, size, path in sorted(states, reverse=True):
            room -= size
            if room < 0 and not stays:
                with contextlib.suppress(OSError):
                    path.unlink()


_TYPES: dict[str, Any] = {
    **dict.fromkeys(("id", "title", "state", "phase"), str),
    **dict.fromkeys(("width", "height", "steps", "iteration"), int),
    **dict.fromkeys(("version", "preview"), int),
    **dict.fromkeys(("created", "seconds"), int | float),
    "seconds_left": int | float | None,
    "loss": int | float | None,
    "ended": int | float | None,
    "error": str | None,
    "parent": str | None,
    "resume": bool,
}


def _read(path: Path, identifier: str) -> Record:
    """The record of a file.

    Raises:
      OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError: it can't
        be read, or is damaged.
    """
    found = private.read_json(path)
    order = found.pop("order")
    for name in ("paintings", "shares", "masks"):
        order[name] = tuple(order[name])
    if order["kind"] not in orders.KINDS:
        raise ValueError(path)
    lines, losses = found.pop("events"), found.pop("losses")
    record = Record(
        order=Order(**order).settled(),
        events=tuple(str(line) for line in lines),
        losses=tuple((int(at), float(loss)) for at, loss in losses),
        **found,
    )
    for name, kind in _TYPES.items():
        if not isinstance(getattr(record, name), kind):
            raise TypeError(name)
    known = record.state in (WAITING, *AT_WORK, *ENDED)
    if record.id != identifier or not known:
        raise ValueError(path)
    return record
