"""The log of a training: a line of JSON for each step."""

import contextlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

_BEGINNING = b'{"step": '


class Log:
    """The file of a training's losses, open to be added to; a context."""

    def __init__(self, path: Path, *, made: int):
        """Opens it.

        What was made after the last checkpoint of a training that was killed is made
        again, and its last line may be half of one: what follows `made` is left out.

        Args:
          path: the file, made if need be.
          made: steps that the training goes on from.

        Raises:
          OSError: it can't be written.
        """
        with path.open("a+b") as file:
            file.truncate(_end(file, made))
        # Without a buffer nothing is left to be written, and to fail, on closing.
        self._file: IO[bytes] = path.open("ab", buffering=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(
        self, step: int, losses: Mapping[str, float], times: Mapping[str, float]
    ) -> None:
        """Adds a line; one that can't be written is left out, and ends no training.

        Args:
          step: how many were made.
          losses: by name; None is written for what is not finite.
          times: in seconds, by name.
        """
        numbers: dict[str, Any] = {
            name: value if math.isfinite(value) else None
            for name, value in losses.items()
        }
        rounded = {name: round(value, 3) for name, value in times.items()}
        line = json.dumps({"step": step, **numbers, **rounded}).encode() + b"\n"
        with contextlib.suppress(OSError):  # It is only an extra.
            self._file.write(line)


def is_log(path: Path) -> bool:
    """Whether a file begins as the log of a training does."""
    try:
        with path.open("rb") as file:
            return file.read(len(_BEGINNING)) == _BEGINNING
    except OSError:
        return False


def _end(file: IO[bytes], made: int) -> int:
    """Where the lines of the first `made` steps end."""
    end = 0
    file.seek(0)
    for line in file:
        step = _step(line)
        if step is None or step > made:
            break
        end += len(line)
    return end


def _step(line: bytes) -> int | None:
    try:
        found = json.loads(line)["step"] if line.endswith(b"\n") else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return found if isinstance(found, int) else None
