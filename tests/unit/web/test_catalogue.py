"""What a page is offered."""

import json

import pytest

from nst_jax.feedforward.options import Options as PassOptions
from nst_jax.fields import check
from nst_jax.images import files
from nst_jax.options import FIELDS, GROUPS, Options
from nst_jax.presets import PRESETS
from nst_jax.web import examples, networks
from nst_jax.web.catalogue import catalogue
from nst_jax.web.limits import Limits
from nst_jax.web.orders import changed


@pytest.fixture(scope="module")
def found():
    return catalogue(Limits(side=1000, steps=500))


def test_json_holds_it(found):
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_the_form_has_every_option_once(found):
    assert [group["name"] for group in found["groups"]] == [*GROUPS]
    fields = {one["name"]: one for group in found["groups"] for one in group["fields"]}
    assert sorted(fields) == sorted(FIELDS)
    for name, told in fields.items():
        field = FIELDS[name]
        assert told["help"]
        for value in told["choices"]:
            check(field, value)
        for bound in (told["low"], told["high"]):
            if bound is not None:
                whole = told["kind"] == "integer"
                check(field, int(bound) if whole else bound)
    assert fields["init"]["kind"] == "choice"
    assert "vgg19" in fields["network"]["choices"]
    assert (fields["size"]["low"], fields["size"]["high"]) == (16, 1000)
    assert fields["size"]["choices"] == ["original"]
    assert (fields["steps"]["low"], fields["steps"]["high"]) == (0, 500)
    assert (fields["style_scale"]["high"], fields["average"]["low"]) == (64, 0)
    assert fields["style_taps"]["items"] == "text"


def test_sliders_stay_within_the_limits(found):
    sliders = {one["name"]: one for one in found["sliders"]}
    assert [*sliders] == ["size", "style_weight", "style_scale", "steps"]
    assert (sliders["size"]["high"], sliders["steps"]["high"]) == (1000, 500)
    for name, one in sliders.items():
        assert one["low"] < one["default"] == FIELDS[name].default < one["high"]


def test_sliders_of_one_pass_stay_within_the_limits(found):
    sliders = {one["name"]: one for one in found["pass_sliders"]}
    assert [*sliders] == ["size", "strength", "stroke_size"]
    assert (sliders["size"]["high"], sliders["size"]["default"]) == (1000, "original")
    assert {*sliders["size"]} == {*found["sliders"][0]}
    for name, one in sliders.items():
        for value in (one["low"], one["high"], one["default"]):
            options = changed(PassOptions(), {name: value})
        assert options == PassOptions()


def test_presets_are_what_they_say(found):
    told = {one["name"]: one for one in found["presets"]}
    assert [*told] == [*PRESETS]
    for name, one in told.items():
        assert changed(Options(), one["options"]) == PRESETS[name].options
        assert one["text"]


def test_examples_are_pictures_and_each_address_is_of_one(found):
    shown = found["examples"]
    assert {"photo-cat", "photo-coffee"} <= {one["id"] for one in shown["photos"]}
    assert "painting-swirls" in {one["id"] for one in shown["paintings"]}
    cards = [*shown["photos"], *shown["paintings"], *found["presets"]]
    for one in (*cards, *found["networks"]):
        if one["picture"]:
            identifier = one["picture"].removeprefix("/api/examples/")
            assert min(files.shape(examples.found()[identifier])) >= 64
    assert sum(bool(one["picture"]) for one in found["presets"]) > 10


def test_networks_that_are_here_are_offered(found):
    told = {one["name"]: one for one in found["networks"]}
    assert told["glass"]["takes"] == told["starry_night"]["takes"] == "none"
    assert told["glass"]["picture"] == "/api/examples/painting-glass"
    known = networks.here()
    assert networks.of_painting("painting-glass", known) == known["glass"]
    assert networks.of_painting("painting-swirls", {"glass": known["glass"]}) is None
