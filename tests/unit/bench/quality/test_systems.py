import dataclasses
from pathlib import Path

import pytest

import nst_jax
from bench.quality import systems
from bench.quality.systems import chosen, named
from nst_jax.errors import OptionsError
from nst_jax.presets import PRESETS


def made(system):
    return nst_jax.Options(**system.options)


def test_presets_are_systems_at_the_common_size():
    for name in PRESETS:
        if name not in systems.REGISTERED:
            found, wanted = made(named(name)), PRESETS[name].options
            size, crop = nst_jax.Options().size, None
            assert found == dataclasses.replace(wanted, size=size, crop=crop), name
    assert made(named("default")) == nst_jax.Options()


def test_options_of_ones_own(tmp_path):
    path = tmp_path / "mine-2.json"
    path.write_text('{"preset": "fast", "style_taps": ["relu1_1"], "steps": 7}')
    mine = named(str(path))
    assert (mine.name, mine.kind) == ("mine-2", "optimised")
    wanted = dataclasses.replace(
        PRESETS["fast"].options, style_taps=("relu1_1",), steps=7
    )
    assert made(mine) == wanted
    assert named('other={"preset": "fast", "style_taps": ["relu1_1"], "steps": 7}')
    assert made(named("mine={}")) == nst_jax.Options()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("defualt", "'defualt' is not known; .* photo, default"),
        ("nowhere.json", "nowhere.json: can't be read"),
        ("mine={", "system mine: no JSON"),
        ("mine=[1]", "system mine: give options as"),
        ('mine={"stps": 3}', "options stps: not known"),
        ('mine={"size": 3}', "size is the same for all systems"),
        ('mine={"steps": -3}', "steps=-3 is out of range"),
        ('mine={"preset": "no"}', "preset='no' is not known"),
        ('fast={"steps": 3}', "system 'fast': options of your own need a name"),
        ('../a={"steps": 3}', r"system '\.\./a': options of your own need a name"),
    ],
)
def test_what_is_none_is_one_line(text, line):
    with pytest.raises(OptionsError, match=line) as caught:
        named(text)
    assert "\n" not in str(caught.value)


def test_names_are_told_apart():
    with pytest.raises(OptionsError, match="systems a: named twice"):
        chosen(['a={"steps": 3}', "photo", 'a={"steps": 4}'])
    recipes = {one.recipe for one in chosen(["default", "classic", "fast", "photo"])}
    assert len(recipes) == 4
    # Called otherwise it is the same, and at its defaults too.
    assert named("mine={}").recipe == named("default").recipe
    assert named('a={"steps": 200}').recipe == named("default").recipe
    assert named('a={"steps": 501}').recipe != named("default").recipe


def test_a_network_of_one_painting_knows_no_other():
    network = named("glass")
    assert network.paints(Path("styles/glass.jpg"))
    assert not network.paints(Path("styles/dots.jpg"))
    assert named("default").paints(Path("styles/dots.jpg"))
    assert set(network.strengths) < set(systems.STRENGTHS)
