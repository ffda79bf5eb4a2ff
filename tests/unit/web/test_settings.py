"""What a result tells of its settings: nothing hostile is believed."""

import json

import pytest

from nst_jax.feedforward.options import Options as PassOptions
from nst_jax.images import encode, files
from nst_jax.options import Options
from nst_jax.presets import PRESETS
from nst_jax.web.networks import Network
from nst_jax.web.orders import changed
from nst_jax.web.settings import settings


def of(**options):
    return settings({"options": options})


@pytest.mark.parametrize("name", PRESETS)
def test_each_preset_is_told_by_its_name(name):
    options = json.loads(json.dumps(vars(PRESETS[name].options)))
    found = settings({"options": {**options, "size": 333}})
    base = PRESETS[found["preset"]].options if found["preset"] else Options()
    assert changed(base, found["options"]) == changed(
        PRESETS[name].options, {"size": 333}
    )
    assert len(found["options"]) <= 2


@pytest.mark.parametrize(
    "told",
    [
        *(None, [], "text", {}, {"options": None}, {"options": ["size"]}),
        {"options": {"model": "no_such_network"}},
        {"options": {"model": "/etc/passwd"}},
        {"options": {"model": ["glass"]}},
        {"options": {"model": None, "size": 64}},
        {"options": {"model": "glass", "style": "x" * 30_000}},
        {"options": {"style_taps": ["x" * 30_000], "content_taps": []}},
        {"options": {"style_taps": ["relu1_1", "relu1_1"]}},
        {"options": {"style_taps": ["relu1_1"], "style_tap_weights": [1.0, 2.0]}},
    ],
)
def test_what_tells_of_none(told):
    assert settings(told) is None


def test_what_is_not_allowed_is_left_out():
    good = {"size": 128, "seed": 7}
    for bad in (
        *({"size": 10**9}, {"size": "x"}, {"size": True}, {"size": [128]}),
        *({"steps": -1}, {"steps": 1e300}, {"steps": {"a": 1}}, {"further": 1}),
        *({"__class__": "x"}, {"style_weight": float("inf")}, {"crop": "1:0"}),
        *({"style_weight": float("nan")}, {"init": "/etc/passwd"}, {"init": 3}),
        *({"color": "<script>"}, {"network": 5}, {"style_blend": [-1]}),
    ):
        found = of(**{**good, **bad})
        assert found["options"] == {**good} if "size" not in bad else {"seed": 7}
    assert of(init="noise")["options"] == {"init": "noise"}


def test_shares_of_paintings_are_no_option():
    found = of(style_blend=[3, 1], size=128)
    assert (found["options"], found["shares"]) == ({"size": 128}, [3.0, 1.0])
    assert of(size=128)["shares"] == []


def test_one_pass_is_told_by_its_network():
    given = vars(PassOptions(model="glass", size=64, strength=0.5, color="luminance"))
    found = settings({"options": json.loads(json.dumps(given))})
    assert found == {
        "kind": "apply",
        "preset": None,
        "network": "glass",
        "options": {"size": 64, "strength": 0.5, "color": "luminance"},
        "shares": [],
    }
    for bad in (
        *({"size": 10**9}, {"strength": float("nan")}, {"color": "<script>"}),
        *({"style": "/etc/passwd"}, {"style": 5}, {"bits": 12}, {"further": 1}),
        *({"precision": None}, {"steps": 5}, {"__class__": "x"}),
    ):
        options = of(model="glass", stroke_size=2.0, **bad)["options"]
        assert options == {"stroke_size": 2.0}


def test_the_style_of_one_pass_is_one_that_the_network_has(monkeypatch):
    several = Network("several", "", "index", ("monet", "munch"))
    any_style = Network("any", "", "painting", ())
    known = {one.name: one for one in (several, any_style)}
    monkeypatch.setattr("nst_jax.web.networks.here", lambda: known)
    for model, style, found in (
        *(("several", "munch", "munch"), ("several", "0:1,1:3", "0:1,1:3")),
        *(("several", "van gogh", None), ("any", "/etc/passwd", None)),
    ):
        options = of(model=model, style=style)["options"]
        assert options == ({"style": found} if found else {})


def test_nesting_without_end_is_no_description(tmp_path):
    for text in ('{"a":' * 100_000, "[" * 100_000):
        content = encode.encode([[[0.5] * 3]], "PNG", description={"x": "MARK"})
        # The same chunk with another text, whose length and sum are right.
        from io import BytesIO

        from PIL import Image, PngImagePlugin

        chunks = PngImagePlugin.PngInfo()
        chunks.add_itxt("nst_jax", text)
        file = BytesIO()
        Image.open(BytesIO(content)).save(file, "PNG", pnginfo=chunks)
        assert files.read_description(file.getvalue()) is None
