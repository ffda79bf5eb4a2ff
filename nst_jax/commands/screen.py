"""What a running command shows: a bar on terminals, and lines above it."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from nst_jax.commands.trace import Trace
from nst_jax.display.bar import Bar
from nst_jax.errors import NstError, plain
from nst_jax.transfer.results import BatchProgress, Progress, Result


class Screen(Bar):
    """A progress bar, on terminals only; use it as a context."""

    def __init__(self, total: int | None, *, done: int = 0, unit: str = "it"):
        """Draws the bar.

        Args:
          total: iterations, or pictures, in all; None: nobody knows.
          done: those made before.
          unit: what is counted.
        """
        super().__init__(total, done=done, unit=unit, terminals_only=True)
        self._told: set[str] = set()

    def advance(self) -> None:
        """One more is done."""
        self._bar.update(1)

    def say(self, line: str, *, file: TextIO | None = None) -> None:
        """Prints a line above the bar, on standard error or `file`."""
        self._bar.write(plain(line), file=file or sys.stderr)

    def tell(self, line: str) -> None:
        """Prints a line once, and only where there is a bar: on terminals."""
        if not self._bar.disable and line not in self._told:
            self._told.add(line)
            self.say(line)


class BatchScreen(Screen):
    """Shows the progress of a batch."""

    def __init__(self, total: int, *, done: int, name: Callable[[int], str]):
        """Draws the bar.

        Args:
          total: iterations of all jobs.
          done: those of jobs that were done before.
          name: of a job, from its place, for lines about it.
        """
        super().__init__(total, done=done)
        self._name = name
        self._lanes: dict[int, int] = {}

    def side_by_side(self, place: int) -> int:
        """How many jobs were at work with one, itself included."""
        return self._lanes.get(place, 1)

    def show(self, progress: BatchProgress) -> None:
        """Takes in the end of a chunk."""
        for place, lane in zip(progress.jobs, progress.lanes, strict=True):
            self._lanes[place] = len(progress.jobs)
            if lane.event:
                self.say(f"nst-jax: {self._name(place)}: {lane.event}")
        self.reach(progress.made, progress.note)

    def made(self, place: int, result: Result | NstError, steps: int) -> None:
        """Takes in what another machine made, or failed to make, of a job.

        Args:
          place: of the job.
          result: which may be one on the way to the last.
          steps: iterations that the job asks for.
        """
        for line in getattr(result, "events", ()):
            self.say(f"nst-jax: {self._name(place)}: {line}")
        if getattr(result, "at", None) is None:
            self._made.setdefault(place, 0)
            self.reach({place: steps}, "")


class RunScreen(Screen):
    """Shows the progress of one picture, prints losses, and writes a trace."""

    def __init__(
        self,
        steps: int,
        *,
        print_every: int = 0,
        trace: Path | None = None,
        resumed: bool = False,
    ):
        """Draws the bar.

        Args:
          steps: iterations in all.
          print_every: print a line at multiples of it; 0: never.
          trace: file that gets one JSON record a chunk, or None.
          resumed: the run goes on from an earlier one, whose trace is continued.
        """
        super().__init__(steps)
        self._print_every = print_every
        self._path, self._resumed = trace, resumed
        self._trace = Trace(trace, goes_on=resumed) if trace else None

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        self._end_trace()

    def show(self, progress: Progress) -> None:
        """Takes in the end of a chunk."""
        self.reach({0: progress.iteration}, f"loss {progress.loss:.6g}")
        if progress.event:
            self.say(f"nst-jax: {progress.event}")
        every = self._print_every
        if every and progress.iteration and progress.iteration % every == 0:
            self.say(_line(progress))
        # What is only an extra must not end the run when, say, the disk is full.
        try:
            if self._trace:
                self._trace.write(progress)
        except OSError as error:
            self.say(f"nst-jax: {self._path}: {error.strerror}; the trace ends here")
            self._end_trace()

    def _end_trace(self) -> None:
        if self._trace:
            self._trace.close()
        self._trace = None


def _line(progress: Progress) -> str:
    groups: dict[str, float] = {}
    for name, value in progress.terms.items():
        kind = name.split("/")[0].replace("_", " ")
        groups[kind] = groups.get(kind, 0.0) + value
    terms = "  ".join(f"{name} {value:.6g}" for name, value in groups.items())
    return (
        f"iteration {progress.iteration:>5}  loss {progress.loss:.6g}  ({terms})  "
        f"{progress.iterations_per_second:.3g} it/s"
    )
