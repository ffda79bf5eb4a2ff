"""`nst-jax plan`: what a run would need."""

import dataclasses
import json

import pytest
from support.program import QUICK

from nst_jax.commands import main
from nst_jax.errors import OptionsError
from nst_jax.options import Options
from nst_jax.transfer import room
from nst_jax.transfer.estimate import Estimate, Stage

_ESTIMATE = Estimate(
    places=(0,),
    lanes=1,
    precision="float32",
    stages=(Stage(64, (48, 64), 10, 400, 500), Stage(128, (96, 128), 10, 300, 0)),
    network=100,
    pictures=30,
    runtime=2000,
    compiled=7,
    free=2637,
)


def test_a_process_is_told_whole_and_a_device_by_its_arrays():
    assert _ESTIMATE.needed == 2000 + 100 + 7 + 30 + 500
    assert _ESTIMATE.fits
    assert not dataclasses.replace(_ESTIMATE, free=2636).fits
    apart = dataclasses.replace(_ESTIMATE, runtime=None, compiled=None)
    assert apart.needed == 100 + 500


def test_what_needs_less_is_tried_in_order():
    found = [[said for said, *_ in change(Options(), 5)] for change in room.CHANGES]
    assert found == [["--lanes=2", "--lanes=1"], ["--solver=adam"]]
    adam = Options(solver="adam")
    assert not [way for change in room.CHANGES for way in change(adam, 1)]


@pytest.mark.parametrize(
    "line",
    [[], ["photo.jpg"], ["photo.jpg", "painting.jpg", "--contents=photos"]],
)
def test_it_asks_for_pictures_of_one_command(line):
    arguments = main.parser().parse_args(["plan", *line])
    with pytest.raises(OptionsError, match="give a"):
        arguments.run(arguments)


@pytest.mark.slow
def test_a_plan_and_a_run_by_the_same_words(folder, capsys, monkeypatch):
    """As stylize and as batch; too little memory, and what would fit."""
    words = [*QUICK, "--steps=3", "--offline"]
    pair = ["photos/a.png", "paintings/p.png"]

    def planned(*line):
        arguments = main.parser().parse_args(["plan", *line, *words])
        status = arguments.run(arguments)
        return status, capsys.readouterr().out.splitlines()

    status, lines = planned(*pair, "-o", "out.png", "--json")
    (said,) = map(json.loads, lines)
    assert status == 0
    assert said["fits"]
    assert said["needed"] == said["base"] + max(
        said["stages"][0][name] for name in ("program", "targets")
    )
    assert (said["stages"][0]["iterations"], said["lanes"]) == (3, 1)
    assert said["seconds"] > 0
    batch = ["--contents=photos", "--styles=paintings", "--output_dir=out"]
    status, lines = planned(*batch, "--lanes=2")
    assert (status, lines[0].split(",")[:2]) == (0, ["2 pictures", " 2 lanes"])
    assert not (folder / "out.png").exists()
    assert not (folder / "out").exists()
    monkeypatch.setattr("nst_jax.devices.memory.free_bytes", lambda: 0)
    status, lines = planned(*pair)
    assert status == 1
    assert any("too large" in line for line in lines)
    assert any("would fit" in line for line in lines)
