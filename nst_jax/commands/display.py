"""What a run shows and leaves behind while it goes on: bar, lines, trace, snapshots."""

import json
import sys
from pathlib import Path
from types import TracebackType
from typing import TextIO

import numpy as np
import tqdm

from nst_jax.images import files
from nst_jax.optimize.engine import Progress


class Display:
    """Takes the progress of one run; use it as a context.

    Args:
      steps: iterations of the run.
      output: the picture's path; snapshots are named after it.
      print_every: print a line at multiples of it; 0: never.
      snapshot_every: write a snapshot at multiples of it; 0: never.
      trace: file that gets one JSON record a chunk, or None.
    """

    def __init__(
        self,
        steps: int,
        output: Path,
        *,
        print_every: int = 0,
        snapshot_every: int = 0,
        trace: Path | None = None,
    ):
        self._steps = steps
        self._output = output
        self._print_every = print_every
        self._snapshot_every = snapshot_every
        self._trace: TextIO | None = trace.open("w") if trace else None
        # A bar on terminals only: `disable=None` is tqdm's way to ask for that.
        self._bar = tqdm.tqdm(total=steps, unit="it", disable=None, leave=False)

    def __enter__(self) -> "Display":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.close()
        if self._trace:
            self._trace.close()

    def say(self, line: str) -> None:
        """Prints a line on standard error, above the bar."""
        self._bar.write(line, file=sys.stderr)

    def show(self, progress: Progress) -> None:
        """Takes in the end of a chunk."""
        self._bar.set_postfix_str(f"loss {progress.loss:.6g}", refresh=False)
        self._bar.update(progress.iteration - self._bar.n)
        if progress.event:
            self.say(f"nst-jax: {progress.event}")
        if self._trace:
            self._trace.write(json.dumps(_record(progress)) + "\n")
            self._trace.flush()
        if _due(progress.iteration, self._print_every):
            self.say(_line(progress))
        if _due(progress.iteration, self._snapshot_every):
            path = snapshot_path(self._output, progress.iteration)
            files.write(path, progress.image())


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
