"""What a run shows and leaves behind while it goes on: bar, lines, trace, snapshots."""

import dataclasses
import json
from pathlib import Path
from typing import TextIO

import numpy as np

from nst_jax.commands.screen import Screen
from nst_jax.images import files
from nst_jax.optimize.engine import Progress
from nst_jax.options import Options
from nst_jax.version import __version__


class Display(Screen):
    """Takes the progress of one run; use it as a context.

    Args:
      options: of the run; kept in the snapshots.
      output: the picture's path; snapshots are named after it.
      print_every: print a line at multiples of it; 0: never.
      snapshot_every: write a snapshot at multiples of it; 0: never.
      trace: file that gets one JSON record a chunk, or None.
      resumed: the run goes on from an earlier one, whose trace is continued.
    """

    def __init__(
        self,
        options: Options,
        output: Path,
        *,
        print_every: int = 0,
        snapshot_every: int = 0,
        trace: Path | None = None,
        resumed: bool = False,
    ):
        super().__init__(options.steps)
        self._description = {
            "options": dataclasses.asdict(options),
            "versions": {"nst_jax": __version__},
        }
        self._output = output
        self._print_every = print_every
        self._snapshot_every = snapshot_every
        self._trace = trace
        self._resumed = resumed
        self._trace_file: TextIO | None = None

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        if self._trace_file:
            self._trace_file.close()

    def show(self, progress: Progress) -> None:
        """Takes in the end of a chunk."""
        if self._resumed and self._bar.n == 0:
            self._bar.initial = self._bar.n = self._bar.last_print_n = (
                progress.iteration
            )
        self._bar.set_postfix_str(f"loss {progress.loss:.6g}", refresh=False)
        self._bar.update(progress.iteration - self._bar.n)
        if progress.event:
            self.say(f"nst-jax: {progress.event}")
        if _due(progress.iteration, self._print_every):
            self.say(_line(progress))
        # What is only an extra must not end the run when, say, the disk is full.
        try:
            self._write_trace(progress)
        except OSError as error:
            self.say(f"nst-jax: {self._trace}: {error.strerror}; the trace ends here")
            self._trace = None
        try:
            self._write_snapshot(progress)
        except files.ImageError as error:
            self.say(f"nst-jax: {error}; no more snapshots")
            self._snapshot_every = 0

    def _write_trace(self, progress: Progress) -> None:
        if self._trace is None:
            return
        if self._trace_file is None:
            self._trace_file = self._trace.open("a" if self._resumed else "w")
        self._trace_file.write(json.dumps(_record(progress)) + "\n")
        self._trace_file.flush()

    def _write_snapshot(self, progress: Progress) -> None:
        if _due(progress.iteration, self._snapshot_every):
            path = snapshot_path(self._output, progress.iteration)
            made_by = {"iteration": progress.iteration, **self._description}
            files.write(path, progress.image(), description=made_by)


def snapshot_path(output: Path, iteration: int) -> Path:
    """`painted.png`, 50 -> `painted_000050.png`."""
    return output.with_name(f"{output.stem}_{iteration:06d}{output.suffix}")


def _due(iteration: int, every: int) -> bool:
    return every > 0 and iteration > 0 and iteration % every == 0


def _record(progress: Progress) -> dict[str, object]:
    values = {
        "loss": progress.loss,
        **progress.terms,
    }
    return {
        "iteration": progress.iteration,
        # JSON has no NaN.
        **{key: v if np.isfinite(v) else None for key, v in values.items()},
        "seconds": round(progress.seconds, 4),
        "iterations_per_second": round(progress.iterations_per_second, 3),
        **({"event": progress.event} if progress.event else {}),
    }


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
