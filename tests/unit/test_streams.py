"""Standard output and error that are closed, full, or of few letters."""

import contextlib
import errno
import io
import os
import subprocess
import sys

import pytest

from nst_jax import streams
from nst_jax.errors import answered


class Failing(io.StringIO):
    """A stream that can't be written to."""

    def __init__(self, number: int = errno.ENOSPC):
        super().__init__()
        self.number = number

    def write(self, text: str) -> int:
        raise OSError(self.number, os.strerror(self.number))


@contextlib.contextmanager
def standard(output, errors):
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        yield


def test_lines_that_cannot_be_written_end_nothing():
    errors = io.StringIO()
    with standard(Failing(), errors), streams.unfailing():
        print("one")
        print("two", flush=True)
        print("three", file=sys.stderr)
    first, second = errors.getvalue().splitlines()
    lost = "what is told there is lost, the work goes on"
    assert first == f"nst-jax: standard output: No space left on device; {lost}"
    assert second == "three"


@pytest.mark.parametrize(
    ("output", "errors"),
    [
        (Failing(errno.EPIPE), io.StringIO()),  # A reader that has had enough.
        (None, io.StringIO()),
        (None, None),
        (Failing(), Failing()),
        (Failing(), None),
    ],
)
def test_others_are_silent(output, errors):
    with standard(output, errors), streams.unfailing():
        print("one")
        print("two", file=sys.stderr, flush=True)
    if isinstance(errors, io.StringIO) and not isinstance(errors, Failing):
        assert errors.getvalue() == "two\n"


def swallowing():
    with contextlib.suppress(OSError):
        print("one")
    raise SystemExit(0)


@pytest.mark.parametrize("program", [lambda: print("one") or 0, swallowing])
def test_a_program_of_lines_says_which_stream_failed(program):
    errors = io.StringIO()
    with standard(Failing(), errors):
        assert answered(program, name="this") == 1
    assert errors.getvalue() == "this: standard output: No space left on device\n"


def test_a_program_that_answered_it_is_done():
    errors = io.StringIO()

    def program():
        with streams.unfailing():
            print("one")
        return 0

    with standard(Failing(), errors):
        assert answered(program) == 0
    assert errors.getvalue().count("\n") == 1


def test_an_error_that_cannot_be_said_is_still_the_status():
    def program():
        raise OSError(errno.EIO, "broken", "some file")

    with standard(io.StringIO(), Failing()):
        assert answered(program) == 1


CODE = """
import os, sys
from nst_jax import streams
streams.prepare()
file = open("picture", "wb")
os.write(1, b"of a library"); os.write(2, b"likewise")
with streams.watched():
    print("\\udcff \\xe9"); print("\\u2014", file=sys.stderr)
file.write(b"whole"); file.close()
"""


def started(shell, tmp_path, **variables):
    command = ["sh", "-c", f"exec '{sys.executable}' -c \"$CODE\" {shell}"]
    environment = {**os.environ, "CODE": CODE, **variables}
    environment["PYTHONPATH"] = os.pathsep.join(p for p in sys.path if p)
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "picture").read_bytes() == b"whole"
    return done.stdout.decode(), done.stderr.decode()


def test_closed_streams_lead_nowhere(tmp_path):
    assert started(">&- 2>&- <&-", tmp_path) == ("", "")


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_streams_of_few_letters_take_any_text(tmp_path, variables):
    output, errors = started("", tmp_path, **variables)
    assert "\\udcff \\xe9\n" in output
    assert "\\u2014\n" in errors
