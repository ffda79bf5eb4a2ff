"""Ctrl-C and termination, turned into a request that long work can answer."""

import signal
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, TypeVar

from nst_jax.errors import Stopped

Made = TypeVar("Made")


class StopRequest:
    """Ctrl-C and termination: at once before the optimisation, then after the chunk.

    Attributes:
      signal: the number of the signal that asked to stop, or None.
      say: takes a line for the user.
    """

    def __init__(self, say: Callable[[str], None]):
        self.signal: int | None = None
        self.say = say
        self._deferred = False
        self._before: dict[int, Any] = {}

    def defer(self) -> None:
        """From now on there is something to save: finish the chunk first."""
        self._deferred = True

    def deferring(self, made: Iterator[Made]) -> Iterator[Made]:
        """What is made, as it comes; with the first there is something to save."""
        for one in made:
            self.defer()
            yield one

    def __enter__(self) -> "StopRequest":
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # What is ignored, as nohup asks for, stays so.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        first, self.signal = self.signal is None, self.signal or number
        if not self._deferred or (not first and number == signal.SIGINT):
            # Libraries may swallow it; then the work sees `signal` after a chunk.
            raise Stopped(self.signal)
        if first:
            self.say("nst-jax: stopping; Ctrl-C once more gives up without saving")
