import pytest
from support.eyes import layers, tiny_eyes
from support.mixing import Mixing

from bench.quality import commands
from bench.quality.__main__ import main
from bench.quality.pairs import Pair
from bench.workload import ROOT
from nst_jax.images import files


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["compare", "nonsense"], "system 'nonsense' is not known"),
        (["paint", "photo", "--pairs=x"], "pairs=x: not known; known are"),
        (["paint", "photo", "--pairs=99"], "pairs=99: there are 12"),
        (["paint", "photo", "--strengths=2"], "strengths=2: not known"),
        (["paint", "photo", "--size=32"], "size=32: measured are pictures of"),
        (["paint", "photo", "--seconds=-1"], "seconds=-1.0: give 0 or more"),
        (["paint", "photo", "--pictures=nowhere"], "not in nowhere"),
        (["judge", "a.csv", "--key=nowhere.json"], "nowhere.json: No such file"),
    ],
)
def test_what_is_wrong_is_one_line(arguments, line, capsys, tmp_path):
    if arguments[0] != "judge":
        arguments += [f"--results={tmp_path / 'r'}", f"--painted={tmp_path / 'p'}"]
    assert main(arguments) == 1
    said = capsys.readouterr()
    assert line in said.err
    assert said.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_examples_are_painted_and_reported(capsys, tmp_path, monkeypatch):
    """All commands, on a pair of examples alone."""
    monkeypatch.setattr(commands, "Studio", Mixing)
    monkeypatch.setattr(commands.Eyes, "opened", lambda **_: tiny_eyes(1))
    monkeypatch.setattr(commands.lpips, "heads", lambda **_: layers())
    monkeypatch.setattr(commands, "_keep_programs", lambda: None)
    examples = ROOT / "examples"
    pair = Pair(
        "bulb_glass", examples / "photos/cat.jpg", examples / "styles/glass.jpg", "tune"
    )
    monkeypatch.setattr(commands.pairs, "find", lambda names, folder: [pair])
    where = [f"--results={tmp_path / 'r'}", f"--painted={tmp_path / 'p'}"]
    how = ["--size=96", "--pairs=bulb_glass", *where]
    look = tmp_path / "look.png"
    assert main(["compare", "photo", "strong={}", f"--look={look}", *how]) == 0
    assert files.shape(look) == (16 + 102, 4 * 102)
    page = capsys.readouterr().out
    assert "| photo | 1 | 1.00 |" in page
    assert "Against photo" in page
    assert main(["time", "photo", "strong={}", *how]) == 0
    assert capsys.readouterr().out.count("40 steps") == 1
    assert main(["score", *how]) == 0
    written = tmp_path / "page.md"
    assert main(["report", *how, f"--output={written}"]) == 0
    assert "| strong | 1 |" in written.read_text()
    out = [f"--output={tmp_path / 's'}", f"--key={tmp_path / 'k.json'}"]
    assert main(["sheets", "photo", "strong={}", *out, *how]) == 0
    assert "6 sheets of 1 pairs" in capsys.readouterr().out
