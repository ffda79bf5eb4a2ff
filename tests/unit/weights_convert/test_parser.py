"""Usage errors: one line, and what was meant."""

import pytest

from weights_convert.parser import Parser


class Painter(Parser):
    flags_elsewhere = {"photo": "PHOTO --photos", "epochs": "--steps"}  # noqa: RUF012
    told_elsewhere = {"gpu": "it runs where it runs"}  # noqa: RUF012
    commands_elsewhere = {"brush": "paint"}  # noqa: RUF012
    for_files = "paint"


def parser() -> Painter:
    program = Painter(prog="painter", description="Paints.")
    program.add_argument("--version", action="version", version="3")
    commands = program.add_subparsers(
        dest="command", metavar="COMMAND", required=True, parser_class=Painter
    )
    paint = commands.add_parser("paint")
    paint.add_argument("photo", metavar="PHOTO")
    paint.add_argument("-o", "--output")
    paint.add_argument("--steps", type=int)
    paint.add_argument("--style_weight", type=float)
    paint.add_argument("--dry", action="store_true")
    paint.add_argument("--colour", choices=("red", "green"))
    many = commands.add_parser("many")
    many.add_argument("--photos", nargs="+", metavar="PATH")
    many.add_argument("--lanes", type=int)
    return program


@pytest.mark.parametrize(
    "argv",
    [
        ["--style_weight=3", "--steps=2", "-o", "x-y.png"],
        ["--style-weight", "3", "--STEPS", "2", "--output", "x-y.png"],
        ["-style_weight=3", "-steps", "2", "-ox-y.png"],
        ["-Style-Weight", "3", "-steps=2", "-output=x-y.png"],
    ],
)
def test_dashes_underscores_and_case_are_understood(argv):
    found = parser().parse_args(["paint", "a-b.png", *argv])
    assert (found.photo, found.style_weight) == ("a-b.png", 3)
    assert (found.steps, found.output, found.dry) == (2, "x-y.png", False)


def test_what_looks_like_a_flag_and_is_none():
    assert parser().parse_args(["paint", "--", "--a-b"]).photo == "--a-b"
    assert parser().parse_args(["paint", "-"]).photo == "-"
    assert parser().parse_args(["paint", "-a photo.png"]).photo == "-a photo.png"
    assert parser().parse_args(["paint", "a", "--style_weight", "-1"]).style_weight < 0
    assert parser().parse_args(["paint", "a", "--style_weight", "-.5"]).style_weight < 0


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (["paint", "a", "--step=3"], "unknown flag --step=3: did you mean --steps?"),
        (["paint", "a", "--style-wieght=3"], ": did you mean --style_weight?"),
        (["paint", "a", "--epochs", "3"], "flag --epochs: did you mean --steps?"),
        (
            ["paint", "-photo", "a"],
            "flag -photo: give the PHOTO without a flag",
        ),
        (["paint", "a", "-output_file", "b"], "unknown flag -output_file"),
        (
            ["paint", "a", "--lanes=3"],
            "flag --lanes=3: it is one of painter many",
        ),
        (["paint", "a", "--gpu"], "unknown flag --gpu: it runs where it runs"),
        (["paint", "a", "--zzz=3"], "unknown flag --zzz=3 (see painter paint --help)"),
        (["paint", "a", "b"], "unexpected argument 'b' (see painter paint --help)"),
        (["paint", "a", "--dry=yes"], "--dry takes no value"),
        (
            ["paint", "a", "--colour=gren"],
            "'gren' is not known; did you mean green?",
        ),
        (["paint", "a", "--steps"], "argument --steps: expected one argument"),
        (["paint"], "the following arguments are required: PHOTO"),
        (
            ["many", "a"],
            "unexpected argument 'a': all follow flags here, as in --photos",
        ),
        (["many", "--photo", "a"], "unknown flag --photo: did you mean --photos?"),
        (["--lanes=3", "many"], "unknown flag --lanes=3: it is one of painter many"),
        (["piant", "a"], "unknown command 'piant'; did you mean paint? choose one of"),
        (["brush", "a"], "unknown command 'brush'; did you mean paint? choose one of"),
        (["a.png"], "unknown command 'a.png'; did you mean painter paint a.png? choo"),
        (["zzz"], "unknown command 'zzz'; choose one of paint, many (see painter --h"),
        (["--helpfull"], "unknown flag --helpfull: did you mean --help?"),
        ([], "the following arguments are required: COMMAND (see painter --help)"),
    ],
)
def test_what_is_wrong_is_one_line(argv, line, capsys):
    with pytest.raises(SystemExit) as caught:
        parser().parse_args(argv)
    assert caught.value.code == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith("painter: ")
    assert line in errors
    assert " (see painter" in errors
    assert errors.count("\n") == 1
