"""What other systems call things leads to what there is."""

import re

import pytest
from support.program import run

from nst_jax import elsewhere
from nst_jax.commands import main
from nst_jax.errors import OptionsError
from nst_jax.options import FIELDS, STARTS, Options, chosen
from nst_jax.transfer.jobs import check_start

COMMANDS = main.parser().commands
NAMES = {
    name
    for parser in COMMANDS.values()
    for action in parser._actions
    for name in (*action.option_strings, action.metavar)
}


def test_every_equal_exists():
    equals = {equal for of in elsewhere.FLAGS.values() for equal in of.split()}
    assert equals <= NAMES
    mentioned = set(re.findall(r"--\w+", " ".join(elsewhere.TOLD.values())))
    assert mentioned <= NAMES
    ours = {name.split()[0] for name in elsewhere.COMMANDS.values()}
    assert ours <= {*COMMANDS, "nst-weights"}


def test_no_name_is_twice_in_the_table():
    for table, turned in (
        (elsewhere._FLAGS, elsewhere.FLAGS),
        (elsewhere._TOLD, elsewhere.TOLD),
        (elsewhere._COMMANDS, elsewhere.COMMANDS),
    ):
        theirs = [name for names in table.values() for name in names.split()]
        assert len(theirs) == len(set(theirs)) == len(turned)
        assert all(name == name.lower().replace("-", "_") for name in theirs)
    assert not elsewhere.FLAGS.keys() & elsewhere.TOLD.keys()


def test_no_value_of_ours_is_called_something_else():
    for name in elsewhere._VALUES:
        known = STARTS if name == "init" else FIELDS[name].metadata["choices"]
        assert set(elsewhere.values(name).values()) <= set(known), name
        assert not elsewhere.values(name).keys() & set(known), name
        for theirs, ours in elsewhere.values(name).items():
            with pytest.raises(OptionsError, match=rf"did you mean {ours}\?"):
                check_start(Options(**{name: theirs}))
            chosen(Options(**{name: ours}), name)


# The flags of each system's own help.
SYSTEMS = {
    "neural-style": {
        "-style_image": "give the PAINTING without a flag",
        "-content_image": "give the PHOTO without a flag",
        "-image_size": "--size",
        "-num_iterations": "--steps",
        "-output_image": "--output",
        "-print_iter": "--print_every",
        "-save_iter": "--snapshot_every",
        "-init_image": "--init",
        "-optimizer": "--solver",
        "-lbfgs_num_correction": "--history",
        "-original_colors": "--color",
        "-style_blend_weights": "--style_blend",
        "-content_layers": "--content_taps",
        "-style_layers": "--style_taps",
        "-model_file": "--network",
        "-gpu": "JAX_PLATFORMS",
        "-backend": "JAX_PLATFORMS",
        "-normalize_gradients": "no normalising of gradients",
    },
    "tutorials": {
        "--num_steps": "--steps",
        "--epochs": "--steps",
        "--imsize": "--size",
        "--style_layers": "--style_taps",
        "--total_variation_weight": "--tv_weight",
        "--base_image_path": "PHOTO",
        "--style_reference_image_path": "PAINTING",
    },
    "crowsonkb": {
        "--iterations": "--steps",
        "--initial-iterations": "--steps",
        "--end-scale": "--size",
        "--min-scale": "--pyramid",
        "--style-weights": "--style_blend",
        "--style-scale-fac": "--style_scale",
        "--random-seed": "--seed",
        "--step-size": "--learning_rate",
        "--save-every": "--snapshot_every",
        "-ii": "--steps|--init",
        "-tw": "--tv_weight",
        "-cw": "--content_weight",
    },
    "nnst": {
        "--content_path": "PHOTO",
        "--style_path": "PAINTING",
        "--output_path": "--output",
        "--no_flip": "--style_turns",
        "--cpu": "JAX_PLATFORMS",
    },
    "others": {
        "--checkpoint-iterations": "--snapshot_every",
        "--preserve-colors": "--color",
        "--max_iterations": "--steps",
        "--content_img_name": "PHOTO",
        "--batch-size": "--lanes",
        "--out-path": "--output",
        "--ratio": "--style_weight",
        "--helpfull": "--help",
    },
}


@pytest.mark.parametrize("system", SYSTEMS)
def test_flags_of_other_systems_are_answered(system, capsys):
    for flag, answer in SYSTEMS[system].items():
        for spelt in (flag, "-" + flag, f"{flag}=3"):
            command = "batch" if "lanes" in answer else "stylize"
            assert run(command, "a.png", "b.png", spelt) == 2
            line = capsys.readouterr().err
            assert re.search(answer, line), (spelt, line)
            assert line.startswith(f"nst-jax: unknown flag {spelt}: ")
            assert line.endswith(f"(see nst-jax {command} --help)\n")


def test_flags_that_have_the_same_name_work():
    shared = ("--content-weight=5", "-style_weight", "9", "-tv_weight=1", "-seed", "3")
    found = main.parser().parse_args(["stylize", "a", "b", *shared, "-pooling=avg"])
    assert (found.content_weight, found.style_weight) == ("5", "9")
    assert (found.tv_weight, found.seed, found.pooling) == ("1", "3", "avg")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("style", "stylize"),
        ("stylise", "stylize"),
        ("preset", "presets"),
        ("fetch", "nst-weights fetch"),
        ("photo.jpg", "nst-jax stylize photo.jpg"),
    ],
)
def test_commands_of_other_names(word, meant, capsys):
    assert run(word, "painting.jpg") == 2
    line = capsys.readouterr().err
    assert line.startswith(f"nst-jax: unknown command '{word}'; did you mean {meant}? ")
