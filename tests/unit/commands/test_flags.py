"""Flags made from the fields of `Options`, and what they come to."""

import argparse
import dataclasses

import pytest
from support.program import run

from nst_jax.commands import flags, main
from nst_jax.options import Options


def parsed(*arguments: str) -> Options:
    line = ["stylize", "photo.jpg", "painting.jpg", *arguments]
    return flags.options(main.parser().parse_args(line))


def test_no_flags_are_the_defaults():
    assert parsed() == Options()


def test_every_option_is_a_flag_that_says_its_default():
    parser = argparse.ArgumentParser()
    flags.add_options(parser)
    help_of = {action.dest: action.help for action in parser._actions}
    for field in dataclasses.fields(Options):
        text = help_of[field.name]
        if field.default not in (None, ()):
            default = field.default
            several = default if isinstance(default, tuple) else (default,)
            shown = ",".join(map(str, several))
            assert text.endswith(f" Default: {shown}.")


def test_numbers_words_and_lists():
    assert parsed(
        *("--size=300", "--style-weight=1e3", "--style_taps=relu1_1, relu2_1"),
        *("--style_tap_weights=1,0.5", "--crop=3:2", "--content_taps="),
    ) == Options(
        size=300,
        style_weight=1000.0,
        style_taps=("relu1_1", "relu2_1"),
        style_tap_weights=(1.0, 0.5),
        crop="3:2",
        content_taps=(),
    )


def test_pyramid_alone_is_three_sizes():
    assert parsed("--pyramid") == Options(pyramid=3)
    assert parsed("--pyramid=2") == Options(pyramid=2)


@pytest.mark.parametrize("text", ["-1", "1.5", "", "two", "1e3"])
def test_counts_are_whole_numbers(text):
    for kind in (flags.count, flags.positive_count):
        with pytest.raises(argparse.ArgumentTypeError, match="give a whole number"):
            kind(text)


def test_a_count_may_be_0_and_a_positive_one_not():
    assert (flags.count("0"), flags.positive_count("7")) == (0, 7)
    with pytest.raises(argparse.ArgumentTypeError, match="1 or more"):
        flags.positive_count("0")


@pytest.mark.parametrize("command", ["batch", "apply"])
def test_flags_of_a_cluster_without_one_are_refused(command, capsys):
    given = {
        "batch": ("--contents=a.png", "--styles=b.png", "--output_dir=out"),
        "apply": ("a.png", "-o", "out/"),
    }
    assert run(command, *given[command], "--ray_workers=2") == 1
    line = "ray_workers is of a cluster: give --executor=ray with it"
    assert capsys.readouterr().err == f"nst-jax: {line}\n"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("-", "-o-"), "a stream is painted frame by frame as it comes"),
        (("a.mp4", "--smooth"), "frames depend on those before with --smooth"),
    ],
)
def test_what_one_machine_has_to_do_is_refused_of_others(arguments, why, capsys):
    assert run("apply", *arguments, "--executor=ray") == 1
    line = f"nst-jax: executor=ray: {why}; leave it out\n"
    assert capsys.readouterr().err == line
