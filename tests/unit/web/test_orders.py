"""What is asked for: checked before it is queued, bounded, without a server's files."""

import pytest

from nst_jax.errors import OptionsError
from nst_jax.options import Options
from nst_jax.presets import PRESETS
from nst_jax.web.limits import Limits
from nst_jax.web.networks import Network
from nst_jax.web.orders import Order, parsed

NETWORKS = {
    "one": Network("one", "", "none", ("one",)),
    "many": Network("many", "", "index", ("0", "1", "2")),
    "any": Network("any", "", "painting", ()),
}
ASKED = {"kind": "optimise", "photo": "a", "paintings": ["b"]}
APPLIED = {"kind": "apply", "photo": "a", "network": "one"}


def order(asked, **limits):
    return parsed(asked, limits=Limits(**limits), networks=NETWORKS)


def test_an_order_has_options_as_values():
    asked = {
        **ASKED,
        "paintings": ["b", "c"],
        "shares": [3, 1],
        "preset": "classic",
        "options": {"size": "256", "style_taps": "relu1_1, relu2_1", "crop": "1:1"},
        "masks": ["m", "n"],
        "keep_mask": "k",
    }
    found = order(asked)
    assert found.options == {
        "size": 256,
        "style_taps": ("relu1_1", "relu2_1"),
        "crop": "1:1",
    }
    chosen = found.chosen()
    assert (chosen.size, chosen.style_blend) == (256, (3, 1))
    assert chosen.style_loss == PRESETS["classic"].options.style_loss == "gram"
    assert found.pictures == ("a", "b", "c", "m", "n", "k")
    assert order(ASKED) == Order("optimise", "a", ("b",))
    assert order(ASKED).chosen() == Options()
    applied = order({**APPLIED, "network": "any", "painting": "b"})
    assert applied.paintings == ("b",)
    assert applied.chosen_of_pass().model == "any"
    mixed = {**APPLIED, "network": "many", "options": {"style": "0:0.5,2:0.5"}}
    assert order(mixed).options == {"style": "0:0.5,2:0.5"}


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"kind": "paint"}, "kind is missing: give one of optimise, apply"),
        ({"photo": None}, "photo is missing"),
        ({"photo": 5}, "photo=5: give the id"),
        ({"photo": "x" * 81}, "photo="),
        ({"paintings": []}, "no painting given"),
        ({"paintings": "b"}, "paintings='b': give a list"),
        ({"paintings": ["b", None]}, "paintings has an empty place"),
        ({"paintings": ["b"] * 9}, "9 paintings: give 8 or fewer"),
        ({"shares": [1, 2]}, "style_blend has 2 shares for 1 painting"),
        ({"shares": ["1"]}, "shares="),
        ({"shares": [float("nan")]}, "shares="),
        ({"shares": "12"}, "shares='12'"),
        ({"preset": "bets"}, "preset='bets' is not known"),
        ({"options": []}, None),
        ({"options": [1]}, r"options=\[1\]: give an object"),
        ({"options": {"sise": 5}}, "'sise' is no option; did you mean size"),
        ({"options": {"size": "large"}}, "size='large' is not a whole number"),
        ({"options": {"size": 4097}}, "size=4097 is too much here: give 4096"),
        ({"options": {"steps": 10_001}}, "steps=10001 is too much here"),
        ({"options": {"pyramid": 10**9}}, "pyramid=1000000000 is too much"),
        ({"options": {"style_scale": 64}}, "style_scale=64: paintings of 32768"),
        ({"options": {"size": {}}}, "size={}: expected int"),
        ({"options": {"size": True}}, "size=True: expected int"),
        ({"options": {"style_weight": None}}, "style_weight=None: expected float"),
        ({"options": {"init": "/etc/passwd"}}, "init is one of content"),
        ({"options": {"init": "~/.ssh/id_rsa"}}, "init is one of content"),
        ({"options": {"network": "/weights"}}, "'/weights' is not known"),
        ({"options": {"style_taps": ["relu9_9"]}}, "has no tap relu9_9"),
        ({"options": {"style_weight": 0, "content_weight": 0}}, "nothing would change"),
        ({"output": "/tmp/x.png"}, "'output' is nothing that a job"),
        ({"network": "one"}, "'network' is nothing that a job of optimise has"),
        ({"keep_mask": ["k"]}, "keep_mask="),
        ({"start": {}}, "start="),
    ],
)
def test_what_is_refused(change, line):
    asked = {key: one for key, one in {**ASKED, **change}.items() if one is not None}
    if line is None:
        assert order(asked) == Order("optimise", "a", ("b",))
        return
    with pytest.raises(OptionsError, match=line) as caught:
        order(asked)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"network": "/tmp/net.safetensors"}, "is not here; choose one of one, many"),
        ({"network": None}, "network=None is not here"),
        ({"options": {"model": "/tmp/net"}}, "named by network, not by options"),
        ({"network": "any"}, "any paints in any style: give a painting"),
        ({"network": "any", "painting": "b", "options": {"style": "/etc/x"}}, "style"),
        ({"painting": "b"}, "one has its own styles"),
        ({"network": "many"}, "style: choose one of 0 to 2"),
        ({"network": "many", "options": {"style": "3"}}, "style='3'"),
        ({"network": "many", "options": {"style": "all"}}, "choose one of 0 to 2"),
        ({"options": {"style": "../x"}}, "style='../x'"),
        ({"options": {"strength": 2}}, "strength=2 is out of range"),
        ({"options": {"size": 5000}}, "size=5000: give 4096 or less"),
        ({"options": {"stroke_size": 0.0625}}, "stroke_size=0.0625 is too little"),
        ({"masks": ["m", "n"]}, "one pass takes one"),
        ({"paintings": ["b"]}, "'paintings' is nothing that a job of apply has"),
    ],
)
def test_what_is_refused_of_one_pass(change, line):
    with pytest.raises(OptionsError, match=line):
        order({**APPLIED, **change})


@pytest.mark.parametrize("asked", [None, [], "x", 5, {}, {"kind": ["optimise"]}])
def test_what_is_no_order(asked):
    with pytest.raises(OptionsError, match="kind is missing"):
        order(asked)
