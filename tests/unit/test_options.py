"""`Options`: its fields, their checks, what values stand for, and the flags."""

import argparse
import contextlib
import dataclasses
import io
import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax import fields
from nst_jax.commands import flags, main
from nst_jax.errors import NstError, OptionsError
from nst_jax.options import STARTS, VARYING, Options, changed, chosen
from nst_jax.presets import PRESETS

FIELDS = {field.name: field for field in dataclasses.fields(Options)}
NAN, INFINITY = float("nan"), float("inf")


# Every field. Each test lists all that offend.


def test_every_field_has_a_group_and_help_that_is_a_sentence():
    groups = {"picture", "losses", "colours", "network", "solver", "regions"}
    offenders = {
        name
        for name, field in FIELDS.items()
        if len(field.metadata["help"]) < 11
        or field.metadata["help"][-1] not in ".)"
        or field.metadata["group"] not in groups
    }
    assert not offenders


def test_a_field_has_choices_or_a_check():
    both = {
        n for n, f in FIELDS.items() if f.metadata["choices"] and f.metadata["check"]
    }
    assert not both


def test_unset_defaults_are_explained_in_words():
    unset = {n for n, f in FIELDS.items() if f.default is None or f.default == ()}
    explained = {n for n, f in FIELDS.items() if "(default: " in f.metadata["help"]}
    assert unset == explained


def test_defaults_are_allowed_and_change_nothing():
    for field in FIELDS.values():
        fields.check(field, field.default)
    assert changed(Options()) == {}


def test_every_choice_resolves_to_something_of_its_own():
    offenders = []
    for name, field in FIELDS.items():
        choices = field.metadata["choices"]
        made = {choice: chosen(Options(**{name: choice}), name) for choice in choices}
        for choice, home in choices.items():
            itself = None if choice == "none" else choice
            # What has a place is what is there, no text.
            right = (
                not isinstance(made[choice], str) if home else made[choice] == itself
            )
            if not right:
                offenders.append((name, choice))
        if len(set(map(id, made.values()))) < len(made):
            offenders.append((name, "twice the same"))
        if choices and field.default not in (None, *choices):
            offenders.append((name, field.default))
    assert not offenders
    assert chosen(Options(size=64), "size") == 64
    assert chosen(Options(init="start.png"), "init") == "start.png"


def test_every_start_resolves():
    made = {name: fields.named(STARTS, name) for name in STARTS}
    assert {n for n, m in made.items() if callable(m)} == {
        name for name, home in STARTS.items() if home
    }
    assert (made["content"], made["style"]) == ("content", "style")


def test_varying_options_are_some_of_them():
    assert set(VARYING) < FIELDS.keys()
    # What lanes of one program share.
    assert not {"size", "crop", "steps", "network", "solver"} & set(VARYING)


# Values.


BAD = [
    ("size", 15, "16 to 65536"),
    ("size", -512, "16 to 65536"),
    ("size", 10**12, "16 to 65536"),
    ("size", 512.0, "expected int"),
    ("size", "512", "expected int"),
    ("size", True, "expected int"),
    ("size", None, "expected int"),
    ("size", "own", "expected int"),
    ("border", "wrap", "choose one of zero, reflect, replicate, replicate_first"),
    ("bits", 12, "8 or 16"),
    ("transparency", "black", "choose one of white, keep"),
    ("crop", 1.5, "expected str"),
    ("crop", "550x550", "width:height in whole numbers, such as 1:1 or 3:2"),
    ("crop", "3:0", "width:height"),
    ("crop", "1.5:1", "width:height"),
    ("crop", "3:2\n", "width:height"),
    ("steps", -1, "0 to 10000000"),
    ("steps", 10**7 + 1, "0 to 10000000"),
    ("steps", 1.5, "expected int"),
    ("network", 19, "expected str"),
    ("network", None, "expected str"),
    ("content_taps", "relu4_2", "tuple[str, ...]"),
    ("content_taps", (4,), "tuple[str, ...]"),
    ("content_taps", ("relu4_2", "relu4_2"), "names a tap twice"),
    ("style_taps", "relu1_1", "tuple[str, ...]"),
    ("style_taps", ("relu1_1", "relu2_1", "relu1_1"), "names a tap twice"),
    ("content_weight", -0.1, "0 or more"),
    ("content_weight", NAN, "0 or more"),
    ("style_weight", INFINITY, "0 or more"),
    ("style_weight", "100", "expected float"),
    ("style_weight", False, "expected float"),
    ("content_tap_weights", (-1.0,), "0 or more"),
    ("content_tap_weights", (1.0, 2.0), "one for each of relu4_2"),
    ("style_tap_weights", (1.0,) * 4, "one for each of relu1_1, relu2_1, relu3_1"),
    ("style_tap_weights", (1.0, 1.0, NAN, 1.0, 1.0), "0 or more"),
    ("style_tap_weights", (1.0, 1.0, "1", 1.0, 1.0), "tuple[float, ...]"),
    ("style_blend", (1.0, -1.0), "0 or more, not all 0"),
    ("style_blend", (0.0, 0.0), "0 or more, not all 0"),
    ("style_blend", (INFINITY, 1.0), "0 or more, not all 0"),
    ("style_scale", 0.0, "above 0"),
    ("style_scale", INFINITY, "above 0"),
    ("style_scale", 1e12, "up to 64"),
    ("style_tap_decay", 0.0, "above 0"),
    ("style_tap_decay", 11.0, "10 at most"),
    ("style_tap_decay", NAN, "above 0"),
    ("style_loss", "paint", "choose one of w2"),
    ("finish_loss", "paint", "choose one of none, w2"),
    ("finish_length", 0.0, "above 0"),
    ("content_share", 1.5, "0 to 1"),
    ("content_share", NAN, "0 to 1"),
    ("style_turns", 3, "1, 2 or 4"),
    ("gram", "nhwc", "chw, hw, paper, caffe, article, normalized"),
    ("tv", "l3", "l1, l2, l1_sum, l2_sum"),
    ("tv_weight", -1e-9, "0 or more"),
    ("tv_range", 0.0, "above 0"),
    ("content_loss", "sum", "share, mean, half_sum, self_similarity"),
    ("edge_weight", -1.0, "0 or more"),
    ("edge_weight", NAN, "0 or more"),
    ("edge_pools", (), "1 to 64, each once"),
    ("edge_pools", (0,), "1 to 64, each once"),
    ("edge_pools", (4, 65), "1 to 64, each once"),
    ("edge_pools", (4, 4), "1 to 64, each once"),
    ("edge_pools", (4.0,), "tuple[int, ...]"),
    ("input_gain", -1.0, "above 0"),
    ("color", "luma", "style, luminance, luminance_unmatched, histogram, linear"),
    ("color_after", "linear", "none, histogram"),
    ("init", 3, "expected str"),
    ("seed", -1, "0 or more"),
    ("pooling", "mean", "max, avg, max_ceil, avg_ceil"),
    ("precision", "float16", "auto, float32, tf32, bfloat16"),
    ("solver", "sgd", "lbfgs, adam, rmsprop"),
    ("learning_rate", 0.0, "above 0"),
    ("learning_rate", NAN, "above 0"),
    ("learning_rate", "1", "expected float"),
    ("learning_rate_decay", "linear", "none, cosine"),
    ("history", 0, "1 to 10000"),
    ("history", 10**4 + 1, "1 to 10000"),
    ("adam_epsilon", 0.0, "above 0"),
    ("pyramid", -1, "0 or more"),
    ("pyramid_step", 1.0, "1.05 to 8"),
    ("pyramid_step", NAN, "1.05 to 8"),
    ("pyramid_from", 8, "16 to 65536"),
    ("pyramid_first", 0.0, "above 0"),
    ("adam_beta2", 1.0, "below 1"),
    ("features", "columns", "taps, hypercolumns"),
    ("palette_weight", -1.0, "0 or more"),
    ("content_weight_at", 8, "16 to 65536"),
    ("coordinates", "fourier", "pixels, laplacian"),
    ("laplacian_levels", 0, "1 to 12"),
    ("carry", "all", "none, moments"),
    ("average", 1.0, "below 1"),
    ("average", -0.1, "0 or more"),
    ("preconditioner", "newton", "multiscale, none"),
    ("bounds", "ball", "box, none"),
    ("mask_feather", -1.0, "0 to 1024"),
    ("mask_reach", "near", "simple, inside, all"),
    ("mask_balance", "none", "area, equal"),
    ("mask_grow", 65, "a whole number, -64 to 64"),
    ("mask_grow", 1.5, "expected int"),
    ("unmatched", "keep", "error, photo, first"),
]


def test_a_bad_value_is_named_with_what_is_allowed():
    """In one line, for every field."""
    assert {name for name, _, _ in BAD} == FIELDS.keys()
    offenders = []
    for name, value, allowed in BAD:
        try:
            Options(**{name: value})
        except OptionsError as error:
            line = str(error)
            named = f"{name}={value!r}" in line or f"{name} has {len(value)}" in line
            twice = "names a tap twice"
            named |= twice in line and f"{name}={','.join(value)}" in line
            if named and allowed in line and "\n" not in line:
                continue
            offenders.append((name, value, line))
        else:
            offenders.append((name, value, "accepted"))
    assert not offenders
    assert issubclass(OptionsError, NstError)
    assert issubclass(OptionsError, ValueError)


@pytest.mark.parametrize(
    "given",
    [
        {"size": 16},
        {"steps": 0},
        {"steps": 10**7},
        {"seed": 0},
        {"history": 1},
        {"style_weight": 0},
        {"content_weight": 7},
        {"learning_rate": None},
        {"learning_rate_decay": None},
        {"style_blend": (0.0, 1.0)},
        {"content_tap_weights": (0.0,)},
        {"content_taps": (), "content_tap_weights": ()},
        {"style_taps": ("relu1_1",), "style_tap_weights": (2.0,)},
    ],
)
def test_values_at_the_edge_of_what_is_allowed(given):
    options = Options(**given)
    assert {name: getattr(options, name) for name in given} == given


def test_lists_numbers_of_arrays_and_paths_are_stored_as_pythons_own():
    for given, stored in [
        ({"style_taps": ["relu1_1"]}, ("relu1_1",)),
        ({"style_taps": np.array(["relu1_1"])}, ("relu1_1",)),
        ({"content_taps": []}, ()),
        ({"style_tap_weights": [1, np.float32(2), 3, 4, 5]}, (1, 2.0, 3, 4, 5)),
        ({"style_tap_weights": np.arange(5)}, (0, 1, 2, 3, 4)),
        ({"style_blend": jnp.array([0.5, 0.25])}, (0.5, 0.25)),
        ({"content_weight": np.float32(3)}, 3.0),
        ({"content_weight": np.array(2.5)}, 2.5),
        ({"tv_weight": jnp.float32(0.5)}, 0.5),
        ({"learning_rate": np.float64(0.25)}, 0.25),
        ({"size": np.int64(512)}, 512),
        ({"seed": jnp.uint32(7)}, 7),
        ({"gram": np.str_("paper")}, "paper"),
        ({"init": Path("a") / "b.png"}, str(Path("a") / "b.png")),
    ]:
        ((name, value),) = given.items()
        options = Options(**given)
        found = getattr(options, name)
        items = found if isinstance(found, tuple) else (found,)
        assert found == stored, value
        assert {type(item) for item in items} <= {str, int, float}, value
        assert json.loads(json.dumps(dataclasses.asdict(options)))
        assert hash(options) == hash(Options(**{name: stored}))
        assert dataclasses.replace(Options(), **given) == options


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"content_taps": [4]}, r"content_taps=\(4,\): expected tuple\[str, ...\]"),
        ({"content_taps": {"relu4_2"}}, r"expected tuple\[str, ...\]"),
        ({"content_taps": np.array([["relu4_2"]])}, r"expected tuple\[str, ...\]"),
        ({"style_tap_weights": np.full(5, True)}, "True, True.*expected tuple"),
        ({"style_blend": [True, 1.0]}, "expected tuple"),
        ({"size": np.float64(512)}, "size=512.0: expected int"),
        ({"size": np.array([512])}, "expected int"),
        ({"size": np.bool_(1)}, "size=True: expected int"),
        ({"style_weight": jnp.array(True)}, "style_weight=True: expected float"),
        ({"style_weight": np.float32("nan")}, "style_weight=nan is out of range"),
        ({"style_weight": np.complex64(1)}, "expected float"),
        ({"pooling": Path("max")}, "expected str"),
        ({"init": b"a.png"}, "expected str"),
    ],
    ids=str,
)
def test_what_is_no_list_and_no_number_is_refused(given, line):
    with pytest.raises(OptionsError, match=line):
        Options(**given)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"solver": "l-bfgs"}, "lbfgs"),
        ({"solver": "L-BFGS"}, "lbfgs"),
        ({"precision": "fp16"}, "bfloat16"),
        ({"precision": "f32"}, "float32"),
        ({"pooling": "average"}, "avg"),
        ({"pooling": "avg-ceil"}, "avg_ceil"),
        ({"color": "original"}, "luminance"),
        ({"learning_rate_decay": "cos"}, "cosine"),
        ({"gram": "gatys"}, "paper"),
    ],
    ids=str,
)
def test_values_of_other_systems_are_known(given, meant):
    with pytest.raises(OptionsError, match=f"did you mean {meant}\\? choose one of "):
        Options(**given)


def test_no_tap_at_all_is_refused():
    with pytest.raises(OptionsError, match="content_taps and style_taps are both"):
        Options(content_taps=(), style_taps=())


def test_weights_of_a_kind_without_taps_are_refused():
    with pytest.raises(OptionsError, match="has 1 number for 0 content taps; give"):
        Options(content_taps=(), content_tap_weights=(1.0,))


def test_options_can_not_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Options().size = 64


def test_a_changed_copy_is_checked_too():
    with pytest.raises(OptionsError, match="size=3"):
        dataclasses.replace(Options(), size=3)


def test_options_are_values():
    assert hash(Options(size=64)) == hash(Options(size=64))
    assert Options(size=64) == Options(size=64) != Options(size=65)


def test_the_classic_losses_are_johnsons():
    options = PRESETS["classic"].options
    assert (options.network, options.solver) == ("vgg19", "lbfgs")
    assert (options.content_weight, options.style_weight) == (5.0, 100.0)
    assert (options.content_loss, options.style_loss) == ("mean", "gram")
    assert options.content_taps == ("relu4_2",)
    assert options.style_taps == tuple(f"relu{block}_1" for block in range(1, 6))


# The flags.


def parse(*argv: str) -> Options:
    arguments = ["nst-jax", "stylize", "photo.png", "painting.png", *argv]
    parsed = main.parser().parse_args(arguments[1:])
    return flags.options(parsed)


@pytest.fixture(scope="module")
def actions() -> dict[str, argparse.Action]:
    """The flags of `nst-jax stylize` by their spelling."""
    found = argparse.ArgumentParser()
    flags.add_options(found)
    return {s: action for action in found._actions for s in action.option_strings}


@pytest.fixture(scope="module")
def help_text() -> str:
    """What `nst-jax stylize --help` prints, in one line."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.raises(SystemExit) as caught:
        main.parser().parse_args(["stylize", "--help"])
    assert caught.value.code == 0
    return " ".join(out.getvalue().split())


def test_every_field_is_a_flag_with_its_help_and_default(actions, help_text):
    offenders = set()
    for name, field in FIELDS.items():
        action, text = actions[f"--{name}"], field.metadata["help"]
        if field.default is not None and field.default != ():
            text += f" Default: {written(field.default)}."
        # argparse breaks lines at hyphens too.
        shown = text.replace(" ", "") in help_text.replace(" ", "")
        listed = all(choice in action.metavar for choice in field.metadata["choices"])
        if action.help.replace("%%", "%") != text or not shown or not listed:
            offenders.add(name)
    assert not offenders


def test_no_flags_are_the_defaults():
    assert parse() == Options()


OTHER = {
    "size": 300,
    "crop": "3:2",
    "steps": 7,
    "network": "vgg16",
    "content_taps": ("conv3_1", "relu4_1"),
    "style_taps": ("relu1_2",),
    "content_weight": 0.5,
    "style_weight": 1e6,
    "content_tap_weights": (0.25,),
    "style_tap_weights": (1.0, 2.0, 3.5, 0.0, 1e-3),
    "style_blend": (3.0, 1.0),
    "style_scale": 1.5,
    "style_tap_decay": 0.5,
    "finish_length": 2.0,
    "content_share": 0.5,
    "style_turns": 4,
    "tv_weight": 1e-4,
    "tv_range": 255.0,
    "input_gain": 1.25,
    "init": "my pictures/start=1.png",
    "seed": 12,
    "learning_rate": 0.02,
    "history": 5,
    "adam_epsilon": 1e-4,
    "pyramid": 2,
    "pyramid_step": 1.4142135623730951,
    "pyramid_from": 128,
    "pyramid_first": 2.0,
    "adam_beta2": 0.99,
    "laplacian_levels": 8,
    "palette_weight": 2.0,
    "content_weight_at": 1024,
    "average": 0.99,
    "bits": 16,
    "edge_weight": 25.0,
    "edge_pools": (1, 16),
    "mask_feather": 8.0,
    "mask_grow": -2,
}


def written(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def test_what_is_written_as_a_flag_is_what_the_option_is():
    """Every choice, and of the other fields a value that isn't the default."""
    offenders = []
    for name, field in FIELDS.items():
        for value in field.metadata["choices"] or (OTHER[name],):
            expected = Options(**{name: value})
            equal = parse(f"--{name}={written(value)}") == expected
            spaced = parse(f"--{name}", written(value)) == expected
            given = {name: value} if value != field.default else {}
            if not (equal and spaced and changed(expected) == given):
                offenders.append((name, value))
    assert not offenders
    assert not [name for name in OTHER if OTHER[name] == FIELDS[name].default]


def test_words_that_stand_for_numbers():
    assert parse("--size=original") == Options(size="original")
    with_words = {name for name, field in FIELDS.items() if fields.words(field.type)}
    assert with_words == {"size"}


def test_bare_flags():
    assert parse("--pyramid") == Options(pyramid=3)
    bare = {name for name, field in FIELDS.items() if field.metadata["bare"]}
    assert bare == {"pyramid"}


def test_spaces_and_nothing_in_lists():
    spaced = parse("--content_taps= conv3_1 , relu4_1 ", "--style_tap_weights=")
    assert spaced == Options(content_taps=("conv3_1", "relu4_1"))
    assert parse("--content_taps=").content_taps == ()


def test_dashes_are_understood_as_well():
    expected = Options(style_weight=3.0, content_taps=("conv1-1",))
    assert parse("--style-weight=3", "--content-taps=conv1-1") == expected
    assert parse("--style-weight", "3", "--content-taps", "conv1-1") == expected


def test_dashes_in_file_names_and_after_the_end_of_flags_stay():
    argv = ["stylize", "my-photo.png", "--init=a-b.png", "-o", "c-d.png", "--", "--e-f"]
    parsed = main.parser().parse_args(argv)
    assert (parsed.photo, parsed.paintings) == ("my-photo.png", ["--e-f"])
    assert (parsed.init, str(parsed.output)) == ("a-b.png", "c-d.png")


@pytest.mark.parametrize(
    ("flag", "line"),
    [
        ("--size=big", "size='big' is not a whole number, nor original"),
        ("--size=51.2", "size='51.2' is not a whole number, nor original"),
        ("--size=", "size='' is not a whole number, nor original"),
        ("--style_weight=lots", "style_weight='lots' is not a number"),
        ("--learning_rate=x", "learning_rate='x' is not a number"),
        ("--style_tap_weights=1,,1,1,1", "style_tap_weights='' is not a number"),
        ("--style_blend=3:1", "style_blend='3:1' is not a number"),
        ("--tv_weight=nan", "tv_weight=nan is out of range: give a number, 0 or more"),
        (
            "--gram=G",
            "gram='G' is not known; choose one of chw, hw, paper, caffe, article, "
            "normalized",
        ),
    ],
)
def test_a_bad_flag_gives_its_line(flag, line):
    with pytest.raises(OptionsError) as caught:
        parse(flag)
    assert str(caught.value) == line


@pytest.mark.parametrize(
    "flag", ["--size=", "--gram=", "--crop=", "--tv_weight=", "--style_tap_weights="]
)
def test_of_a_long_value_the_beginning_is_shown(flag):
    """A number of 5000 digits, which Python wouldn't make a number of, too."""
    for value in ("x" * 5000, "9" * 5000, "1," * 5000):
        with pytest.raises(OptionsError) as caught:
            parse(flag + value)
        assert len(str(caught.value)) < 600


@pytest.mark.parametrize("flag", ["--sise=3", "--siz=3", "--style_weigh=3", "-z"])
def test_unknown_and_shortened_flags_are_refused(flag, capsys):
    with pytest.raises(SystemExit) as caught:
        parse(flag)
    assert caught.value.code == 2
    assert flag in capsys.readouterr().err


def test_base_type_takes_none_away():
    assert fields.base_type(float | None) is float
    assert fields.base_type(tuple[str, ...]) == tuple[str, ...]
    assert fields.base_type(int) is int


def test_nothing_unsets_what_can_be_unset():
    unset = [field for field in FIELDS.values() if field.default is None]
    assert [fields.parse(field, " ") for field in unset] == [None] * len(unset)
