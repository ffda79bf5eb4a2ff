"""Presets: values of `Options` that flags override."""

import dataclasses

import pytest

from nst_jax.commands import flags, main
from nst_jax.options import Options
from nst_jax.presets import ABOUT, PRESETS


def parsed(*arguments: str) -> Options:
    line = ["stylize", "photo.jpg", "painting.jpg", *arguments]
    return flags.options(main.parser().parse_args(line))


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_takes_the_place_of_the_defaults(name):
    assert parsed(f"--preset={name}") == PRESETS[name] != Options()


def test_flags_override_a_preset_wherever_they_stand():
    fast = PRESETS["fast"]
    changed = dataclasses.replace(fast, steps=7, pyramid=1)
    assert parsed("--steps=7", "--preset=fast", "--pyramid=1") == changed
    # Even with the value that is the default without a preset.
    default = Options().steps
    assert fast.steps != default
    assert parsed("--preset=fast", f"--steps={default}").steps == default


def test_pyramid_alone_is_three_sizes():
    assert parsed("--pyramid") == Options(pyramid=3)


def test_an_unknown_preset_is_wrong_usage(capsys):
    with pytest.raises(SystemExit) as caught:
        parsed("--preset=quickly")
    assert caught.value.code == 2
    assert "fast" in capsys.readouterr().err


def test_the_list_tells_about_each(capsys):
    arguments = main.parser().parse_args(["presets"])
    assert arguments.run(arguments) == 0
    said = capsys.readouterr().out
    assert ABOUT.keys() == PRESETS.keys()
    for name in PRESETS:
        assert f"--preset={name}" in said
    assert "--pyramid=3 --steps=900" in said or "--steps=900 --pyramid=3" in said
