"""The errors of this project: one base, which says its line and its exit status."""

import contextlib
import os
import sys
import unicodedata
from collections.abc import Callable, Iterator

from nst_jax import streams

_TURNING = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
"""They change the direction of the letters around them."""


def plain(text: str) -> str:
    """Text as one line, whatever names of files it has.

    What would end it, begin a terminal's command or turn the letters behind it is
    written out: a line feed as `\\n`, an escape as `\\x1b`. Bytes that are no text
    stay.
    """
    return text if text.isprintable() else "".join(map(_written_out, text))


def _written_out(letter: str) -> str:
    control = unicodedata.category(letter) in ("Cc", "Zl", "Zp")
    if not control and letter not in _TURNING:
        return letter
    return letter.encode("unicode_escape").decode()


class NstError(Exception):
    """Something a user can act on: one line that says what is wrong and what to do.

    Attributes:
      exit_status: of a program that ends by it.
    """

    exit_status = 1

    def __str__(self) -> str:
        """The line, whatever names of files are in it."""
        return plain(super().__str__())


class OptionsError(NstError, ValueError):
    """An option has a value that is not allowed; one line says what is."""


class ImageError(NstError, ValueError):
    """One line: which file or argument, what is wrong with it, what to do."""


class TooSmallError(ImageError, OptionsError):
    """A picture of which a network sees nothing, at the size that is asked for."""


class CheckpointError(NstError, ValueError):
    """A file that is no state, or the state of another run."""


class DivergenceError(NstError, RuntimeError):
    """The loss of the starting image is not finite."""

    def __init__(self, line: str = "") -> None:
        super().__init__(
            line
            or "the loss of the starting image is not finite: check the weights of the "
            "network (nst-weights verify) and the loss weights"
        )


class DeviceError(NstError, RuntimeError):
    """There is no such device as is asked for, or the one that there is fails."""


class ClusterError(NstError, RuntimeError):
    """There is no such cluster of machines as is asked for, or it is lost."""


class LostError(NstError, RuntimeError):
    """Work whose worker on a cluster was lost, again and again."""


class NoRoomError(NstError, MemoryError):
    """The device has too little memory for what was asked."""

    def __init__(self, line: str = "") -> None:
        super().__init__(
            line
            or "the memory is too small for this picture: try a smaller --size, "
            "--precision=bfloat16, or a shorter --history (--solver=adam needs least)"
        )


class Stopped(KeyboardInterrupt):
    """A signal that asks to stop, where there is nothing to save.

    Attributes:
      exit_status: of a program that ends by it, as shells have it.
    """

    def __init__(self, number: int):
        super().__init__()
        self.exit_status = 128 + number


def counted(number: int, noun: str) -> str:
    """`1 painting`, `2 paintings`, for lines that count."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def answered(program: Callable[[], int], *, name: str = "nst-jax") -> int:
    """Runs a program, whose name its lines begin with; returns its exit status.

    What is expected to go wrong is one line on standard error: errors with an
    `exit_status`, those of files and of standard output, Ctrl-C, a reader that has had
    enough. Anything else is a bug, and raised.
    """
    try:
        with streams.watched():
            return program()
    except KeyboardInterrupt as stop:
        line, found = "stopped", getattr(stop, "exit_status", 130)
        with streams.unfailing():
            print(file=sys.stderr)
    except BrokenPipeError:
        return 1
    except Exception as error:
        if isinstance(error, MemoryError) and not isinstance(error, NoRoomError):
            error = NoRoomError()
        line, status = str(error), getattr(error, "exit_status", None)
        if status is None and isinstance(error, OSError):
            line, status = f"{error.filename or 'file'}: {error.strerror or error}", 1
        if status is None:
            raise
        found = status
    with streams.unfailing():
        print(f"{name}: {plain(line)}", file=sys.stderr)
    return found


@contextlib.contextmanager
def leaving() -> Iterator[None]:
    """Around a whole program: one that fails, or is stopped, ends at once.

    XLA goes on with a compilation whose caller was interrupted. An end in the regular
    course would wait for its threads, or take away what they work on, and crash.
    """
    try:
        yield
    except SystemExit as end:
        if not isinstance(end.code, int) or not end.code:
            raise
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):  # Nobody may read them any more.
                stream.flush()
        os._exit(end.code)
