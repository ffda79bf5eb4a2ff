"""Files of flags: what they come to, who wins, and what is wrong with them."""

import argparse
import re
from pathlib import Path

import pytest
from support.program import run

from nst_jax.commands import flags, main
from nst_jax.options import Options
from nst_jax.presets import PRESETS

_PAIR = ("a.png", "p.png")


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Writes `run.toml` in the working folder."""
    monkeypatch.chdir(tmp_path)
    return Path("run.toml").write_text


def parsed(*line: str) -> argparse.Namespace:
    return main.parser().parse_args([*line, "--config=run.toml"])


def options(*line: str) -> Options:
    return flags.options(parsed("stylize", *_PAIR, *line))


def test_every_kind_of_value(file):
    file("""
size = 300
style-weight = 2
style_taps = ["relu1_1", "relu2_1"]
style_tap_weights = [1, 0.5]
content_taps = []
tv_weight = 1e-3
crop = "3:2"
pyramid = true
[batch]
contents = ["a, b.png", "c.png"]
styles = "p.png"
output_dir = "~x"
style_weight = [0.5, 1.7]
seed = [1, 2]
lanes = 3
offline = true
overwrite = false
devices = 2
""")
    assert options() == Options(
        size=300,
        style_weight=2.0,
        style_taps=("relu1_1", "relu2_1"),
        style_tap_weights=(1.0, 0.5),
        content_taps=(),
        tv_weight=1e-3,
        crop="3:2",
        pyramid=3,
    )
    found = parsed("batch")
    assert found.contents == ["a, b.png", "c.png"]
    assert (found.styles, found.output_dir) == (["p.png"], Path("~x"))
    assert (found.style_weight, found.seed, found.size) == ("0.5,1.7", "1,2", "300")
    assert (found.lanes, found.offline, found.overwrite) == (3, True, False)
    assert found.devices == "2"


def test_the_line_wins_over_the_file_and_the_file_over_a_preset(file):
    file("""
preset = "pytorch-tutorial"
steps = 7
seed = 1
[stylize]
seed = 2
size = 64
""")
    named = PRESETS["pytorch-tutorial"].options
    found = options("--size=32")
    assert (found.steps, found.seed, found.size) == (7, 2, 32)
    assert found.style_weight == named.style_weight != Options().style_weight
    of_fast = options("--preset=fast")
    assert (of_fast.steps, of_fast.style_loss) == (
        7,
        PRESETS["fast"].options.style_loss,
    )


def test_what_the_line_has_replaces_the_files_list(file):
    file('[batch]\ncontents = ["a.png", "b.png"]\nstyles = "p.png"')
    found = parsed("batch", "--output_dir=out", "--contents", "c.png")
    assert (found.contents, found.styles) == (["c.png"], ["p.png"])


def test_a_short_flag_and_what_follows_two_dashes_are_seen(file):
    file('[stylize]\noutput = "file.png"')
    found = parsed("stylize", "-oline.png", *_PAIR)
    assert found.output == Path("line.png")
    found = main.parser().parse_args(
        ["stylize", "--config", "run.toml", "--", "a.png", "--output"]
    )
    assert (found.output, found.paintings) == (Path("file.png"), ["--output"])


def test_of_two_files_the_later_wins(file):
    file("size = 64\nsteps = 3")
    Path("other.toml").write_text("size = 32")
    found = options("--config=other.toml")  # Ahead of run.toml.
    assert (found.size, found.steps) == (64, 3)


def test_plan_takes_what_the_command_takes_that_it_stands_for(file, capsys):
    file("""
size = 64
[stylize]
steps = 3
devices = "2x1"
[batch]
contents = "a.png"
steps = 4
hosts = 2
[plan]
json = true
""")
    found = parsed("plan", *_PAIR)
    assert (found.size, found.steps, found.json) == ("64", "3", True)
    assert found.devices == "2x1"
    assert not capsys.readouterr().err
    assert (found := parsed("plan")).contents == ["a.png"]
    assert (found.steps, found.pictures) == ("4", [])
    line = "nst-jax: run.toml: [batch] hosts has no effect on nst-jax plan\n"
    assert capsys.readouterr().err == line


def test_what_is_for_other_commands_too_is_said_to_have_no_effect(file, capsys):
    file("size = 32\nlanes = 2")
    assert options().size == 32
    line = "nst-jax: run.toml: lanes has no effect on nst-jax stylize\n"
    assert capsys.readouterr().err == line


def test_what_a_file_asks_for_was_given_by_hand(file):
    file('solver = "adam"\nhistory = 7\npreset = "fast"')
    assert set(flags.given(parsed("stylize", *_PAIR))) == {"solver", "history"}


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("sise = 3", "sise is no flag of nst-jax stylize: did you mean size?"),
        ("num_iterations = 3", "num_iterations is .* did you mean steps?"),
        ("photo = 'a.png'", "photo is .*: give the PHOTO without a flag"),
        ("config = 'b.toml'", "config is for the command line alone"),
        (
            "[stylize]\nlanes = 3",
            r"\[stylize\] lanes is .*: it is one of nst-jax batch",
        ),
        ("[stylise]\nsize = 3", r"\[stylise\] is .* did you mean \[stylize\]?"),
        ("[presets]\nsize = 3", r"\[presets\] is no command with flags; choose one of"),
        ("size = '64'", "size='64': give a number, without quotes"),
        ("size = 64.5", "size='64.5' is not a whole number, nor original"),
        ("size = 0", "size=0 is out of range: give a whole number"),
        ("size = true", "size=true: give a value of the flag"),
        ("size = [1, 2]", r"size=\[1, 2\]: give one value, not a list"),
        ("size = [[1]]", "size=.*: give one value"),
        ("size = 1979-05-27", "size=datetime.*: give text, or a number"),
        ("size = {a = 3}", r"\[size\] is no command with flags"),
        (f"size = {'9' * 5000}", "is no TOML, as --config needs"),
        ("style_weight = nan", "style_weight=nan is out of range"),
        ("style_taps = [['relu1_1']]", "style_taps=.*: give text, or a number"),
        ("style_taps = ['a,b', 'c']", "style_taps=.*: one has a comma in it"),
        ("style_tap_weights = [1, 'x']", "style_tap_weights='x' is not a number"),
        ("color = 'colour'", "color='colour' is not known; "),
        ("preset = 'fats'", "preset: 'fats' is not known; did you mean fast?"),
        ("print_every = -1", "print_every: '-1': give a whole number, 0 or more"),
        ("print_every = '1'", "print_every='1': give a number, without quotes"),
        ("resume = 'yes'", "resume='yes': give true or false"),
        ("overwrite = 'maybe'", "overwrite: 'maybe': give yes or no"),
        ("output = ''", "output: it is empty; give a name"),
        (
            "size = \nseed = 1",
            r"is no TOML, as --config needs \(Invalid value .*line 1",
        ),
        ("size = 3\nsize = 4\n#", "is no TOML.*Cannot overwrite a value.*line 2"),
        ("a = " + "[" * 9999, "is no TOML"),
        ("a" * 9999 + " = 3", "a{200}\\.\\.\\. is no flag"),
        (f"[{'a' * 9999}]", r"\[a{200}\] is no command with flags"),
        (f"size = [{'1, ' * 999}]", "size=.*: give one value, not a list"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_file_and_key(file, capsys, content, line):
    file(content)
    assert run("stylize", *_PAIR, "--config=run.toml") == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert re.match(rf"nst-jax: run\.toml: {line}", errors), errors
    assert errors.endswith(" (see nst-jax stylize --help)\n")
    assert errors.count("\n") == 1
    assert len(errors) < 600


def test_files_that_can_t_be_read_are_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("utf16.toml").write_text("size = 3", encoding="utf-16")
    Path("key.toml").write_text('"\\u001b[31m\\n" = 3')
    for name, why in (
        ("gone.toml", "can't be read (No such file or directory): --config names"),
        (".", "can't be read (Is a directory)"),
        ("/dev/zero", "is larger than 1 MB"),
        ("utf16.toml", "is no TOML, as --config needs ("),
        ("key.toml", r"\x1b[31m\n is no flag of nst-jax stylize"),
    ):
        assert run("stylize", *_PAIR, "--config", name) == 2
        errors = capsys.readouterr().err
        assert errors.startswith(f"nst-jax: {name}: {why}"), errors
        assert errors.count("\n") == 1


def test_a_file_as_windows_editors_write_it(file):
    Path("run.toml").write_bytes(b"\xef\xbb\xbfsize = 64\r\nsteps = 2\r\n")
    assert (options().size, options().steps) == (64, 2)
