"""Flags in vain, as a user gives them."""

import pytest
from support.batch_folder import write_csv
from support.program import QUICK, run

from nst_jax.commands import main

PAIR = ("photos/a.png", "paintings/p.png")


def lines(capsys) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_flags_without_effect_are_lines_and_a_presets_own_are_not(folder, capsys):
    vain = ("--history=5", "--seed=3", "--style_blend=1", "--print_every=9")
    command = ("stylize", *PAIR, "--preset=neural-style", *QUICK, "--init=content")
    assert run(*command, "--snapshot_every=5", *vain) == 0
    assert lines(capsys) == [
        "nst-jax: --seed has no effect with --init=content",
        "nst-jax: --style_blend has no effect with one painting",
        "nst-jax: --history has no effect with --solver=adam",
        "nst-jax: --print_every has no effect with --steps=4",
        "nst-jax: --snapshot_every has no effect with --steps=4",
    ]


def test_a_place_for_programs_that_can_not_be_used(folder, capsys):
    cache = f"--compilation_cache_dir={folder / PAIR[0]}"
    assert run("stylize", *PAIR, *QUICK, cache, "--print_every=4", "-o", "o.png") == 0
    told, losses = lines(capsys)
    assert told == (
        f"nst-jax: --compilation_cache_dir has no effect: {folder / PAIR[0]} can't be "
        "written to"
    )
    assert losses.startswith("iteration     4 ")


def test_in_a_batch_and_its_columns(folder, capsys):
    rows = [[*PAIR, "content", "1"], [*PAIR, "content", "2"], [*PAIR, "noise", "3"]]
    write_csv("pairs.csv", ["content", "style", "init", "seed"], *rows)
    command = ("batch", "--pairs=pairs.csv", "--output_dir=out", *QUICK, "--lanes=9")
    assert run(*command, "--bounds=none") == 0
    assert lines(capsys) == [
        "nst-jax: --bounds has no effect with --solver=adam",
        "nst-jax: --seed has no effect with --init=content, as in 2 of 3 pictures",
        "nst-jax: --lanes=9 is --lanes=3 with 3 pictures",
    ]


@pytest.mark.parametrize("command", ["stylize", "batch"])
def test_no_weight_at_all_is_refused(folder, capsys, command):
    given = {
        "stylize": PAIR,
        "batch": ("--contents", PAIR[0], "--styles", PAIR[1], "--output_dir=out"),
    }[command]
    nothing = ("--content_weight=0", "--style_weight=0")
    assert run(command, *given, *QUICK, *nothing) == 1
    (line,) = lines(capsys)
    assert line == (
        "nst-jax: nothing would change the picture: content_weight, style_weight, "
        "tv_weight and edge_weight leave all losses without weight; give a weight "
        "above 0, or --steps=0"
    )
    assert {path.name for path in folder.iterdir()} == {"photos", "paintings"}


def test_photos_named_in_two_flags_are_all_taken():
    photos = ("--contents", "a.png", "b.png", "--contents", "c.png")
    found = main.parser().parse_args(["batch", "--output_dir=out", *photos])
    assert found.contents == ["a.png", "b.png", "c.png"]
