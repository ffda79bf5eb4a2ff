"""The trace of a run: a line of JSON for each chunk of iterations."""

import contextlib
import json
import os
import stat
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from nst_jax import streams

if TYPE_CHECKING:
    from nst_jax.transfer.results import Progress


class Trace:
    """The file that `--trace` names."""

    def __init__(self, path: Path, *, goes_on: bool = False):
        """Opens nothing yet.

        Args:
          path: the file.
          goes_on: whether a trace that lies there is continued.
        """
        self._path, self._goes_on = path, goes_on
        self._file: IO[bytes] | None = None

    def write(self, progress: "Progress") -> None:
        """Writes a line.

        Raises:
          OSError: it can't be written.
        """
        if self._file is None:
            if self._goes_on:
                _cut(self._path, progress.iteration)
            # Without a buffer nothing is left to be written, and to fail, on closing.
            self._file = open(  # noqa: SIM115
                self._path,
                "ab" if self._goes_on else "wb",
                buffering=0,
                opener=_opened,
            )
        self._file.write(json.dumps(_record(progress)).encode() + b"\n")

    def close(self) -> None:
        """Closes the file."""
        if self._file:
            with contextlib.suppress(OSError):  # Its lines have been answered for.
                self._file.close()


def is_trace(path: Path) -> bool:
    """Whether a file begins as a trace does."""
    try:
        with path.open("rb") as file:
            return _iteration(file.readline(2**16)) is not None
    except OSError:
        return False


def _iteration(line: bytes) -> int | None:
    """Of which iteration a line is; None: it is none of a trace, or cut short."""
    with contextlib.suppress(ValueError, RecursionError):
        record = json.loads(line) if line.endswith(b"\n") else None
        if isinstance(record, dict) and "loss" in record:
            made = record.get("iteration")
            return made if isinstance(made, int) else None
    return None


def _cut(path: Path, iteration: int) -> None:
    """Leaves of a trace what was before an iteration: a run that was killed goes on
    from an earlier one, and its last line may be half of one."""
    if streams.number(path) is not None or not stat.S_ISREG(_mode(path)):
        return
    with path.open("r+b") as file:
        end = 0
        for line in file:
            made = _iteration(line)
            if made is None or made >= iteration:
                break
            end += len(line)
        file.truncate(end)


def _mode(path: Path) -> int:
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return 0


def _opened(path: str, flags: int) -> int:
    """Opens a file; a pipe that nobody reads is an error, not waited for."""
    if (stream := streams.number(path)) is not None:
        return os.dup(stream)  # What was written there stays.
    descriptor = os.open(path, flags | os.O_NONBLOCK, 0o666)
    os.set_blocking(descriptor, True)
    return descriptor


def _record(progress: "Progress") -> dict[str, object]:
    values = {"loss": progress.loss, **progress.terms}
    return {
        "iteration": progress.iteration,
        # JSON has no NaN.
        **{key: v if np.isfinite(v) else None for key, v in values.items()},
        "seconds": round(progress.seconds, 4),
        "iterations_per_second": round(progress.iterations_per_second, 3),
        **({"event": progress.event} if progress.event else {}),
    }
