"""What holds for every flag of every command: a bad value is one line that names it.

A flag of numbers, or of some words, is tried by being registered; one of text needs an
entry in `_TEXTS`: a value that it refuses.
"""

import argparse
import functools

import pytest
from support.batch_folder import contents, folder
from support.stored_weights import home

from nst_jax.commands import main
from nst_jax.errors import answered

__all__ = ["folder", "home"]

_WORDS = ("nonsense", "")
_NUMBERS = ("x", "", "1.5.1", "nan", "1e999", "--1", "9" * 5000)
_COUNTS = (*_NUMBERS, "-1", "1.5", "0x10")

# Flags of text: values that they refuse; none: any text is one.
_TEXTS = {
    "output": ("nowhere/out.png", "", "photos"),
    "output_dir": ("", "photos/a.png"),
    "trace": ("nowhere/t.jsonl", "", "photos"),
    "show_regions": ("nowhere/s.png", ""),
    "mask": ("", "missing.png", "photos"),
    "content_mask": ("", "missing.png", "photos"),
    "style_mask": ("", "missing.png"),
    "regions": ("", "red", "nocolour:p"),
    "keep_mask": ("", "missing.png", "/dev/zero"),
    "color_mask": ("", "missing.png", "photos"),
    "crop": ("wide", "0:1", "1:1:1"),
    "init": ("nowhere.png", ""),
    "content_taps": ("conv1,conv1",),
    "style_taps": ("conv1,conv1",),
    "network": ("vgg99", ""),
    "contents": ("", "nowhere/*", "photos/notes.txt/*"),
    "styles": ("", "nowhere/*"),
    "pairs": ("", "missing.csv", "photos"),
    "name": ("", "{nothing}.png", "../{content}.png", "/{content}.png", "{content"),
    "stream": ("640", "0x0", "axb", ""),
    "model": ("nobody", "", "photos/a.png"),
    "style": ("missing.png", ""),
    "images": ("", "nowhere", "photos/a.png"),
    "heldout": ("", "nowhere"),
    "ray_address": ("10.0.0.1:6379", ""),  # Without a cluster.
    "coordinator": ("nowhere", "10.0.0.1:"),
    "config": ("", "missing.toml", "photos", "photos/a.png", "/dev/zero"),
    "host": ("", "no/where", "127.0.0.1:80", "192.0.2.1"),  # That is nobody's.
    "allowed_host": ("", "a/b", "http://studio.local", "studio.local:80", "a b"),
    "folder": ("", "photos/a.png", "photos/a.png/below"),
    "compilation_cache_dir": (),  # What can't be used is said, and ends nothing.
}

# What each command needs besides, so that nothing but the flag is wrong.
_OFF = ("--offline", "--compilation_cache_dir=off")
_GIVEN = {
    "stylize": ("photos/a.png", "paintings/p.png", "--output=out.png", *_OFF),
    "batch": (
        *("--contents=photos/a.png", "--styles=paintings/p.png"),
        *("--output_dir=out", *_OFF),
    ),
    "plan": ("photos/a.png", "paintings/p.png", *_OFF),
    "apply": ("photos/a.png", "--output=out.png", "--model=nobody", *_OFF),
    "train": (
        *("--style=paintings/p.png", "--images=photos", "--output=a.safetensors"),
        *("--heldout=paintings", *_OFF),
    ),
    "export": ("--model=nobody", "--format=onnx", "--output=a.onnx", "--offline"),
    "serve": ("--port=0", *_OFF),
    "presets": (),
    "completion": (),
}


@functools.cache
def _commands() -> dict[str, argparse.ArgumentParser]:
    own = next(a for a in main.parser()._actions if a.dest == "command")
    return dict(own.choices)


def _bad(action: argparse.Action) -> tuple[str, ...]:
    """Values that a flag has to refuse."""
    shown = str(action.metavar)
    if action.choices is not None or shown.startswith("{"):
        return _WORDS
    if shown.split("|")[0] in ("N", "K", "PIXELS", "FRAMES", "INT,..."):
        return _COUNTS
    if shown in ("X", "M", "FLOAT,..."):
        return _NUMBERS
    return _TEXTS[action.dest]


# It takes the flags of other commands; those about where results go change nothing.
_IDLE_IN_PLAN = ("output", "output_dir", "trace", "name", "show_regions")

_FLAGS = [
    (command, action)
    for command, parser in _commands().items()
    for action in parser._actions
    if action.option_strings and action.nargs != 0
]


def _takes(command: str, action: argparse.Action, value: str) -> bool:
    """Whether a value that is bad elsewhere means something to this flag."""
    if command == "plan" and action.dest in _IDLE_IN_PLAN:
        return True
    unset = action.default is argparse.SUPPRESS and not value
    if (action.dest, value) in (("mask_grow", "-1"), ("output", "photos")):
        return action.dest == "mask_grow" or command == "apply"
    # Unset by nothing: what a preset has is taken back.
    return unset and (
        action.dest in ("crop", "learning_rate", "learning_rate_decay", "size")
        or str(action.metavar).endswith(",...")
    )


def _status(command: str, *arguments: str) -> int | str | None:
    try:
        parsed = _commands()[command].parse_args([*_GIVEN[command], *arguments])
        return answered(lambda: parsed.run(parsed))
    except SystemExit as stop:
        return stop.code


@pytest.mark.parametrize("command", sorted(_commands()))
def test_a_bad_value_is_one_line_that_names_the_flag(command, folder, home, capsys):
    before = contents(folder), contents(home)
    wrong = []
    for of, action in _FLAGS:
        if of != command:
            continue
        (flag,) = action.option_strings[-1:]
        for value in _bad(action):
            if _takes(command, action, value):
                continue
            status = _status(command, f"{flag}={value}")
            output, errors = capsys.readouterr()
            line, *more = errors.splitlines() or [""]
            named = action.dest in line.replace("-", "_") or (value and value in line)
            if status not in (1, 2) or output or more or not named or len(line) > 1500:
                wrong.append((flag, value[:40], status, errors[:300], output[:99]))
    assert not wrong
    after = contents(folder), contents(home)
    assert [set(a) ^ set(b) for a, b in zip(before, after, strict=True)] == [
        set(),
        set(),
    ]
    assert after == before


def test_every_flag_has_values_that_it_refuses():
    untried = {a.dest for _, a in _FLAGS if not _bad(a)}
    assert untried == {"compilation_cache_dir"}
    assert {a.dest for _, a in _FLAGS} >= _TEXTS.keys()
