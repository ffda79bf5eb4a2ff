"""Who looks on: what takes events, and who wants live pictures."""

import threading
import time
from collections.abc import Callable
from typing import Any

Tell = Callable[[dict[str, Any]], None]
"""Takes an event, in any thread."""

_INTEREST = 5.0
"""Seconds for which who asked for a live picture is taken to want another."""


class Watchers:
    """Those who look on; for threads of any number."""

    def __init__(self, report: Callable[[str], None]):
        """Begins with nobody.

        Args:
          report: takes lines for whoever runs the server.
        """
        self._report = report
        self._lock, self._telling = threading.Lock(), threading.RLock()
        self._watchers: dict[object, Tell] = {}
        self._wanted = -_INTEREST  # When a live picture was asked for last.

    def watch(self, tell: Tell) -> Callable[[], None]:
        """Events go to `tell` until what this gives is called."""
        token = object()
        with self._lock:
            self._watchers[token] = tell

        def end() -> None:
            with self._lock:
                self._watchers.pop(token, None)

        return end

    def ask(self) -> None:
        """Somebody asks for a live picture by hand."""
        with self._lock:
            self._wanted = time.monotonic()

    @property
    def look_on(self) -> bool:
        """Whether anybody wants to see live pictures."""
        with self._lock:
            recent = time.monotonic() - self._wanted < _INTEREST
            return bool(self._watchers) or recent

    def tell(self, event: Callable[[], dict[str, Any]]) -> None:
        """Tells of an event, made when it is its turn: what is told last is newest."""
        with self._telling:
            told = event()
            with self._lock:
                watchers = [*self._watchers.values()]
            for tell in watchers:
                try:
                    tell(told)
                except Exception as error:  # A watcher's own fault ends no job.
                    self._report(f"a watcher failed ({type(error).__name__}: {error})")
