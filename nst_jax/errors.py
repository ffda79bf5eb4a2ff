"""The errors of this project: one base, which says its line and its exit status."""

import os
import sys
from collections.abc import Callable


class NstError(Exception):
    """Something a user can act on: one line that says what is wrong and what to do.

    Attributes:
      exit_status: of a program that ends by it.
    """

    exit_status = 1


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

    def __init__(self) -> None:
        super().__init__(
            "the loss of the starting image is not finite: check the weights of the "
            "network (nst-weights verify) and the loss weights"
        )


class NoRoomError(NstError, MemoryError):
    """The device has too little memory for what was asked."""

    def __init__(self) -> None:
        super().__init__(
            "the memory is too small for this picture: try a smaller --size, "
            "--precision=bfloat16, or a shorter --history (--solver=adam needs least)"
        )


def counted(number: int, noun: str) -> str:
    """`1 painting`, `2 paintings`, for lines that count."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def answered(program: Callable[[], int]) -> int:
    """Runs a program; returns its exit status.

    What is expected to go wrong is one line on standard error: errors with an
    `exit_status`, those of files, Ctrl-C, a reader that has had enough. Anything else
    is a bug, and raised.
    """
    try:
        return program()
    except KeyboardInterrupt:
        print("\nnst-jax: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Python would complain on leaving: it flushes what nobody reads.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if isinstance(error, MemoryError) and not isinstance(error, NoRoomError):
            error = NoRoomError()
        line, status = str(error), getattr(error, "exit_status", None)
        if status is None and isinstance(error, OSError):
            line, status = f"{error.filename or 'file'}: {error.strerror or error}", 1
        if status is None:
            raise
        print(f"nst-jax: {line}", file=sys.stderr)
        return status
