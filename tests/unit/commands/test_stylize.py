"""The program as a user runs it, with VGG-19 in its full shape and random weights."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image
from support.program import run

from nst_jax.images import files
from nst_jax.networks import extract
from weights_convert import architectures, store

_SMALL = ["--size=32", "--steps=3", "--compilation_cache_dir=off"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A store that holds a VGG-19 with seeded random weights."""
    folder = tmp_path_factory.mktemp("home")
    table = architectures.NETWORKS["vgg19"]
    weights = extract.random_weights(table, np.random.default_rng(0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NST_JAX_HOME", str(folder))
        store.save("vgg19", weights, {"source": "a test"})
    return folder


@pytest.fixture
def folder(tmp_path, photo, painting, monkeypatch, home):
    """The working folder, with `photo.png` and `painting.jpg` in it."""
    files.write(tmp_path / "photo.png", photo)
    files.write(tmp_path / "painting.jpg", painting)
    (tmp_path / "no_picture.png").write_text("hello")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NST_JAX_HOME", str(home))
    return tmp_path


def test_one_command_makes_a_picture(folder, capsys):
    status = run("stylize", "photo.png", "painting.jpg", "-o", "out.png", *_SMALL)
    assert status == 0
    with Image.open("out.png") as picture:
        assert picture.size == (32, 23)
    output, errors = capsys.readouterr()
    assert output.startswith("out.png: 32x23, loss ")
    assert "after 3 iterations" in output
    assert errors == ""  # no bar where there is no terminal
    assert files.read_description("out.png")["options"]["steps"] == 3
    assert not list(folder.glob("*.state"))


@pytest.mark.parametrize("ending", ["jpg", "webp", "tiff"])
def test_the_ending_chooses_the_format(folder, ending):
    output = f"out.{ending}"
    assert run("stylize", "photo.png", "painting.jpg", "-o", output, *_SMALL) == 0
    with Image.open(output) as picture:
        assert picture.format == {"jpg": "JPEG", "webp": "WEBP", "tiff": "TIFF"}[ending]


def test_default_output_is_named_after_the_pictures(folder):
    assert run("stylize", "photo.png", "painting.jpg", *_SMALL) == 0
    assert (folder / "photo_painting.png").exists()


def test_trace_lines_and_snapshots(folder, capsys):
    status = run(
        *("stylize", "photo.png", "painting.jpg", "-o", "out.png", *_SMALL),
        *("--steps=4", "--trace=trace.jsonl", "--print_every=2", "--snapshot_every=2"),
    )
    assert status == 0
    lines = (folder / "trace.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    assert records[0]["iteration"] == 0
    assert records[-1]["iteration"] == 4
    assert {"loss", "content/relu4_2", "style/relu5_1", "seconds"} <= set(records[0])
    assert "iterations_per_second" in records[0]
    terms = sum(v for k, v in records[0].items() if "/" in k)
    assert terms == pytest.approx(records[0]["loss"], rel=1e-5)
    errors = capsys.readouterr().err
    assert "iteration     2  loss " in errors
    assert "iteration     4  loss " in errors
    assert (folder / "out_000002.png").exists()
    assert (folder / "out_000004.png").exists()
    assert not (folder / "out_000003.png").exists()


def test_several_paintings_and_a_start_from_a_file(folder):
    status = run(
        *("stylize", "photo.png", "painting.jpg", "photo.png", "-o", "out.png"),
        *(*_SMALL, "--style-blend=3,1", "--init=painting.jpg", "--solver=adam"),
    )
    assert status == 0
    options = files.read_description("out.png")["options"]
    assert options["style_blend"] == [3.0, 1.0]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["missing.png", "painting.jpg"], "missing.png"),
        (["no_picture.png", "painting.jpg"], "no_picture.png"),
        (["photo.png", "."], "."),
        (["photo.png", "painting.jpg", "--size=0"], "size=0"),
        (["photo.png", "painting.jpg", "--size=big"], "size='big'"),
        (["photo.png", "painting.jpg", "--solver=sgd"], "choose one of lbfgs, adam"),
        (["photo.png", "painting.jpg", "--network=vgg99"], "choose one of vgg19"),
        (["photo.png", "painting.jpg", "--style_taps=relu9_1"], "has no tap relu9_1"),
        (["photo.png", "painting.jpg", "--style_blend=1,2"], "2 shares for 1"),
        (["photo.png", "painting.jpg", "--init=nowhere"], "init='nowhere'"),
        (["photo.png", "painting.jpg", "--tv_weight=nan"], "tv_weight=nan"),
        (["photo.png", "painting.jpg", "--style_weight=-1"], "style_weight=-1"),
        (["photo.png", "painting.jpg", "-o", "out.xyz"], "out.xyz"),
        (["photo.png", "painting.jpg", "-o", "nowhere/out.png"], "nowhere"),
        (["photo.png", "painting.jpg", "--trace=nowhere/t"], "nowhere"),
        (["photo.png", "painting.jpg", "--resume"], "nothing to resume from"),
        (["photo.png", "painting.jpg", "--network=vgg16", "--offline"], "offline"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(folder, capsys, arguments, line):
    before = sorted(folder.iterdir())
    if "-o" not in arguments:
        arguments = [*arguments, "-o", "out.png"]
    status = run("stylize", "--steps=2", "--compilation_cache_dir=off", *arguments)
    assert status == 1
    output, errors = capsys.readouterr()
    assert output == ""
    assert line in errors
    assert errors.startswith("nst-jax: ")
    assert errors.count("\n") == 1
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["paint"],
        ["stylize", "photo.png"],
        ["stylize", "photo.png", "painting.jpg", "--colour=red"],
        ["stylize", "photo.png", "painting.jpg", "--print_every=often"],
    ],
)
def test_wrong_usage_exits_with_2(folder, capsys, arguments):
    assert run(*arguments) == 2
    assert "usage: nst-jax" in capsys.readouterr().err


def test_help_names_commands_files_and_environment(capsys):
    assert run("--help") == 0
    text = capsys.readouterr().out
    for word in ("stylize", "NST_JAX_HOME", "examples:", "exit status:"):
        assert word in text


def test_ctrl_c_saves_the_best_picture_and_resume_goes_on(folder, home):
    command = [sys.executable, "-m", "nst_jax.commands.main", "stylize", "photo.png"]
    command += ["painting.jpg", "-o", "out.png", "--size=48", "--steps=100000"]
    environment = os.environ | {"JAX_COMPILATION_CACHE_DIR": str(folder / "xla")}
    process = subprocess.Popen(
        [*command, "--trace=trace.jsonl"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    trace, deadline = folder / "trace.jsonl", time.monotonic() + 120
    while not (trace.exists() and trace.read_text().count("\n") > 3):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "stopping" in errors
    assert "Traceback" not in errors
    assert "--resume goes on" in output
    reached = json.loads(trace.read_text().splitlines()[-1])["iteration"]
    assert files.read("out.png").shape == (35, 48, 3)
    state = folder / "out.png.state"
    assert state.exists()

    steps = f"--steps={reached + 2}"
    resume = [*command, steps, "--resume", "--trace=trace.jsonl"]
    subprocess.run(resume, env=environment, check=True)
    # The trace goes on as well, without a gap or a repetition.
    lines = [json.loads(line) for line in trace.read_text().splitlines()]
    iterations = [line["iteration"] for line in lines]
    assert iterations[0] == 0
    assert iterations[-1] == reached + 2
    assert iterations == sorted(set(iterations))
    assert not state.exists()
    assert files.read_description("out.png")["iterations"] == reached + 2


def test_flags_of_absl_are_no_flags_of_the_program(folder):
    assert run("stylize", "photo.png", "painting.jpg", "--only_check_args") == 2


def test_an_extra_that_cannot_be_written_ends_no_run(folder, capsys):
    (folder / "t.jsonl").mkdir()
    (folder / "out_000002.png").mkdir()
    status = run(
        *("stylize", "photo.png", "painting.jpg", "-o", "out.png", *_SMALL),
        *("--trace=t.jsonl", "--snapshot_every=2"),
    )
    assert status == 0
    assert (folder / "out.png").exists()
    errors = capsys.readouterr().err
    assert "the trace ends here" in errors
    assert "no more snapshots" in errors
