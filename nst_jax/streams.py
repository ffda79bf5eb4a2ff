"""Standard output and error, which may be closed, full, or of few letters."""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast


def prepare() -> None:
    """Has both streams open; to be called before anything is opened.

    One that is closed leads nowhere: else a file that is opened later would get its
    number, and the lines of libraries.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            stream = open(number, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)


@contextlib.contextmanager
def unfailing() -> Iterator[None]:
    """Lines that can't be written end nothing: pictures matter more than lines.

    A reader that has had enough is no news; of any other failure of standard output a
    line on standard error tells.
    """
    before = sys.stdout, sys.stderr
    streams = [_Unfailing(stream) for stream in before]
    sys.stdout, sys.stderr = (cast(TextIO, stream) for stream in streams)
    try:
        yield
    finally:
        for stream in streams:
            stream.flush()
        sys.stdout, sys.stderr = before


@contextlib.contextmanager
def watched() -> Iterator[None]:
    """What fails on standard output bears its name, and is raised at the latest here.

    Raises:
      OSError: lines couldn't be written, even if that was answered by none.
    """
    before, stream = sys.stdout, _Watched(sys.stdout)
    if before is None or isinstance(before, _Watched):
        yield
        return
    sys.stdout = cast(TextIO, stream)
    try:
        yield
        stream.finish()
    except SystemExit as stop:
        if not stop.code:
            stream.finish()
        raise
    finally:
        sys.stdout = before


def number(path: str | os.PathLike[str]) -> int | None:
    """The descriptor of the standard stream that a path leads to, if one is open."""
    for descriptor in (1, 2):
        with contextlib.suppress(OSError, ValueError):
            if os.path.samestat(os.stat(path), os.fstat(descriptor)):
                return descriptor
    return None


def silence(stream: Any) -> None:
    """Leads a stream nowhere; Python too would complain of it on leaving."""
    with contextlib.suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())


def _write(stream: Any, text: str) -> None:
    """Writes text, as escapes where the stream lacks its letters.

    File names may hold what no encoding has: bytes that are no text.
    """
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = getattr(stream, "encoding", None) or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))


class _Watched:
    """A stream whose errors bear its name."""

    def __init__(self, stream: Any):
        self._stream = stream
        self.error: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with self._named():
            _write(self._stream, text)
        return len(text)

    def flush(self) -> None:
        with self._named():
            self._stream.flush()

    def finish(self) -> None:
        self.flush()
        if self.error:
            raise self.error

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            error.filename, self.error = "standard output", error
            silence(self._stream)
            raise


class _Unfailing:
    """A stream that is silent once it can't be written to."""

    def __init__(self, stream: Any):
        self._stream, self._silent = stream, stream is None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        if not self._silent:
            try:
                _write(self._stream, text)
            except OSError as error:
                self._end(error)
        return len(text)

    def flush(self) -> None:
        if not self._silent:
            try:
                self._stream.flush()
            except OSError as error:
                self._end(error)

    def _end(self, error: OSError) -> None:
        self._silent = True
        silence(self._stream)
        if isinstance(self._stream, _Watched):
            self._stream.error = None  # Answered.
        if sys.stdout is self and not isinstance(error, BrokenPipeError):
            lost = "what is told there is lost, the work goes on"
            print(
                f"nst-jax: standard output: {error.strerror}; {lost}", file=sys.stderr
            )
