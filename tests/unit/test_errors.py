"""Lines about files, whatever these are called."""

import os

import pytest

from nst_jax.errors import ImageError, OptionsError, answered, plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cat.png", "cat.png"),
        ("\u65e5\u672c \U0001f431.png", "\u65e5\u672c \U0001f431.png"),
        ("a\nb\r.png", r"a\nb\r.png"),
        ("\x1b]0;title\x07.png", r"\x1b]0;title\x07.png"),
        ("gnp.\u202egpj", r"gnp.\u202egpj"),
        ("a\u2028b\u2029c\x85d", r"a\u2028b\u2029c\x85d"),
        ("null\0", r"null\x00"),
        (os.fsdecode(b"na\xefve\n"), "na\udcefve\\n"),
    ],
)
def test_what_ends_or_turns_a_line_is_written_out(text, shown):
    assert plain(text) == shown
    for kind in (ImageError, OptionsError):
        assert str(kind(f"{text}: no such file")) == f"{shown}: no such file"


@pytest.mark.parametrize(
    "error", [ImageError("a\nb: no such file"), FileNotFoundError(2, "No", "a\nb")]
)
def test_a_program_says_one_line(capsys, error):
    def program():
        raise error

    assert answered(program) == 1
    assert capsys.readouterr().err.splitlines()[0].startswith(r"nst-jax: a\nb: ")
    assert answered(program) == 1
    assert capsys.readouterr().err.count("\n") == 1
