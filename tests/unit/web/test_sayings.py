"""Jobs as commands and as Python: what they say is what was asked."""

import argparse
import ast
import shlex

import pytest
from support.ateliers import png

import nst_jax
from nst_jax.commands import flags
from nst_jax.commands.main import parser
from nst_jax.presets import PRESETS
from nst_jax.web import sayings
from nst_jax.web.limits import Limits
from nst_jax.web.orders import Order
from nst_jax.web.pictures import Pictures
from nst_jax.web.uploads import Uploads

NASTY = "-rf $(touch x) `y` '\"; ~.png"


@pytest.fixture
def pictures(tmp_path):
    return Pictures(Uploads(tmp_path, Limits(), pytest.fail))


@pytest.fixture
def sent(pictures):
    return lambda name: pictures.uploads.add(png(), name, ()).id


def parsed(command: str) -> argparse.Namespace:
    words = shlex.split(command)
    assert words[0] == "nst-jax"
    return parser().parse_args(words[1:])


@pytest.mark.parametrize("preset", [None, "classic"])
def test_the_command_and_the_lines_ask_for_the_same(pictures, sent, preset):
    ids = [
        sent(name) for name in (NASTY, "a b.png", "~c.png", "m.png", "k.png", "m,.png")
    ]
    order = Order(
        *("optimise", ids[0], (ids[1], ids[2]), (3.0, 1.0), preset),
        options={"size": 256, "style_taps": ("relu1_1", "relu2_1"), "crop": "1:1"},
        masks=(ids[3], ids[5]),
        keep_mask=ids[4],
    )
    said = sayings.said(order, pictures, order.chosen().steps)
    found = parsed(said["command"])
    assert found.photo == f"./{NASTY}"
    assert found.paintings == ["a b.png", "./~c.png"]
    assert flags.options(found) == order.chosen()
    assert (found.mask, found.keep_mask) == ("m.png,m_.png", "k.png")
    # The lines of Python, run with a `stylize` that only looks.
    seen = {}

    class Looks:
        Options = nst_jax.Options

        def stylize(self, *given, **named):
            seen.update(given=given, named=named)
            return self

        def save(self, path):
            seen["path"] = path

    tree = ast.parse(said["python"])
    tree.body = [node for node in tree.body if "nst_jax" not in ast.unparse(node)[:15]]
    import dataclasses

    names = {"nst_jax": Looks(), "dataclasses": dataclasses, "PRESETS": PRESETS}
    exec(compile(tree, "said", "exec"), names)
    assert seen["given"] == (NASTY, ["a b.png", "~c.png"], order.chosen())
    assert seen["named"] == {"masks": ["m.png", "m,.png"], "keep_mask": "k.png"}
    assert seen["path"] == "painted.png"


def test_what_it_went_on_with_counts(pictures, sent):
    order = Order("optimise", sent("p.png"), (sent("q.png"),), start=sent("s.png"))
    said = sayings.said(order, pictures, 300)
    found = parsed(said["command"])
    assert (found.init, found.steps) == ("s.png", "300")
    assert "init='s.png'" in said["python"]
    assert "steps=300" in said["python"]


def test_one_pass(pictures, sent):
    photo, painting = sent("p.png"), sent("-q.png")
    order = Order(
        *("apply", photo, (painting,)),
        network="arbitrary",
        options={"strength": 0.5, "size": 64},
    )
    said = sayings.said(order, pictures, 0)
    found = parsed(said["command"])
    assert (found.photos, found.model) == (["p.png"], "arbitrary")
    assert (found.style, found.strength, found.size) == ("./-q.png", "0.5", "64")
    compile(said["python"], "said", "exec")
    options = "Options(model='arbitrary', strength=0.5, size=64)"
    assert f"options = {options}\n" in said["python"]
    assert "network.stream([photo], style, options=options)" in said["python"]
    one = Order("apply", photo, network="many", options={"style": "3"})
    said = sayings.said(one, pictures, 0)
    assert parsed(said["command"]).style == "3"
    assert "network.stream([photo], options.style, options" in said["python"]
    # What a server made smaller is so by command too.
    said = sayings.said(one, pictures, 0, longest=24)
    assert parsed(said["command"]).size == "24"
    assert "size=24" in said["python"]
    assert "size" not in sayings.said(one, pictures, 0, longest=32)["python"]
