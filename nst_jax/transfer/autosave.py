"""The state of a run, written now and then beside its work: a run may be killed."""

import threading
import time
from collections.abc import Callable
from typing import Self

import jax

from nst_jax.devices import memory
from nst_jax.images.source import Report
from nst_jax.optimize import hosted
from nst_jax.optimize.chunk import State
from nst_jax.transfer.run import Resumed, Run
from nst_jax.transfer.states import States

_SHARE = 0.02  # Of the time, at most, goes into writing.
_ROOM = 0.25  # Of the free memory, at most, may be taken by a state on its way.


class Autosave:
    """Keeps the state of one run: now and then, and where it stops. A context."""

    def __init__(
        self,
        states: States | None,
        digest: str,
        report: Report,
        *,
        clock: Callable[[], float] = time.monotonic,
        free: Callable[[], int] = memory.host_bytes,
    ):
        """Nothing is written yet.

        Args:
          states: where; None: nowhere.
          digest: of the run.
          report: takes lines for the user.
          clock: in seconds.
          free: memory, in bytes.
        """
        self._states, self._digest, self._report = states, digest, report
        self._clock, self._free = clock, free
        self._due = clock() + (states.every if states else 0)
        self._thread: threading.Thread | None = None
        self._problem: str | None = None
        self._there = self._told = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.settle()

    def find(self, run: Run) -> Resumed | None:
        """The state that the run goes on from, if it is to; see `States.find`."""
        found = None
        if self._states:
            found = self._states.find(run, self._digest, self._report)
        self._there = found is not None
        return found

    def offer(self, state: State) -> None:
        """Takes the state after a chunk, and writes it if it is time.

        The next chunk may reuse its memory at once: it is written beside that, by a
        thread. Where the memory has no room for two of them it is written before.
        """
        if not self._states or (self._thread and self._thread.is_alive()):
            return
        self.settle()
        began = self._clock()
        if began < self._due:
            return
        # On CPUs it is a view, and the next chunk leaves what is seen as it is.
        fetched = hosted.get(state)
        size = sum(leaf.nbytes for leaf in jax.tree.leaves(fetched))
        if size > _ROOM * self._free():
            self._write(self._states, fetched, began)
            return
        args = self._states, fetched, began
        self._thread = threading.Thread(target=self._write, args=args)
        self._thread.start()

    def stop(self, state: State) -> None:
        """Writes the state of a run that stops here."""
        self.settle()
        if self._states and (problem := self._states.keep(state, self._digest)):
            then = "can't go on from there"
            if self._there:
                then = "goes on from the state before"
            self._report(f"{problem}; what was stopped {then}")

    def done(self) -> None:
        """Removes the state of a run whose pictures are safe."""
        self.settle()
        if self._states and (problem := self._states.remove(self._digest)):
            self._report(problem)

    def _write(self, states: States, state: State, began: float) -> None:
        self._problem = states.keep(state, self._digest)
        self._there = self._there or self._problem is None
        ended = self._clock()
        self._due = ended + max(states.every, (ended - began) / _SHARE)

    def settle(self) -> None:
        """For what is being written; tells of what went wrong, once."""
        if self._thread:
            self._thread.join()
            self._thread = None
        if self._problem and not self._told:
            self._report(f"{self._problem}; the run goes on")
            self._told = True
        self._problem = None
