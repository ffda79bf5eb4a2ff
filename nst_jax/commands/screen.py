"""The bar of a running command, and lines above it."""

import sys
from typing import Self, TextIO

import tqdm


class Screen:
    """A progress bar of iterations, on terminals only; use it as a context."""

    def __init__(self, total: int, *, done: int = 0):
        """Draws the bar.

        Args:
          total: iterations in all.
          done: those made before.
        """
        # `disable=None` is tqdm's way to ask for terminals only.
        self._bar = tqdm.tqdm(
            total=total, initial=done, unit="it", disable=None, leave=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.close()

    def say(self, line: str, *, file: TextIO | None = None) -> None:
        """Prints a line above the bar, on standard error or `file`."""
        self._bar.write(line, file=file or sys.stderr)
