"""`nst-jax batch` as a user runs it, in this process and with the tiny network."""

import os
import re
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import program, stored_weights
from support.batch_folder import fill, picture, write_csv

import nst_jax
from nst_jax.collection import folder, manifest
from nst_jax.images import files
from nst_jax.transfer import run, verbs
from weights_convert import fetch, store

# Two lanes of one shape: one program serves nearly all tests here.
_SMALL = [
    *("--size=33", "--steps=6", "--solver=adam", "--lanes=2"),
    *("--content_taps=relu3_1", "--style_taps=relu1_1,relu2_1"),
    *("--compilation_cache_dir=off", "--output_dir=out"),
]
_ALL = ["--contents", "photos", "--styles", "paintings"]
_NO_LOSS = 3e38  # A style weight whose loss is beyond float32.
NAMES = ["a_p.png", "a_q.png", "b_p.png", "b_q.png"]


@pytest.fixture
def folder(tmp_path, tiny_network, monkeypatch):
    """The working folder, with two photos and two paintings in folders."""
    monkeypatch.setattr(verbs, "load_network", lambda *_, **__: tiny_network)
    monkeypatch.setenv("NST_JAX_HOME", str(tmp_path / "home"))
    stored_weights.put()
    monkeypatch.chdir(tmp_path)
    fill(tmp_path)
    return tmp_path


def run(*arguments):
    return program.run("batch", *arguments)


def outputs(where="out"):
    return {name: Path(where, name).read_bytes() for name in NAMES}


def statuses(where="out"):
    entries = manifest.read(f"{where}/manifest.jsonl")
    return {name: entry.status for name, entry in entries.items()}


@pytest.fixture
def no_work(monkeypatch):
    """From now on nothing is optimised."""

    def begin():
        def fail(*_, **__):
            raise AssertionError("something is optimised")

        monkeypatch.setattr(run.engine, "run", fail)

    return begin


@pytest.fixture
def no_fetching(monkeypatch):
    """From now on no weights are fetched, or looked for."""

    def begin():
        def fail(*_, **__):
            raise AssertionError("weights are fetched")

        monkeypatch.setattr(fetch, "fetch", fail)

    return begin


def test_every_photo_in_every_style(folder, capsys, tiny_network):
    assert run(*_ALL, *_SMALL) == 0
    output, errors = capsys.readouterr()
    lines = output.splitlines()
    assert len(lines) == 5
    for name, line in zip(NAMES, lines, strict=False):
        number = r"[\d.e+]+"
        told = rf"out/{name}: 24x33, loss {number} after 6 iterations"
        assert re.fullmatch(told, line)
    assert lines[4] == "out/index.html: 4 pictures"
    assert errors == ""
    assert sorted(os.listdir("out")) == [
        *NAMES,
        "contact_sheet.jpg",
        "index.html",
        "manifest.jsonl",
    ]
    assert statuses() == dict.fromkeys(NAMES, "done")
    page = (folder / "out" / "index.html").read_text()
    assert all(f'"./{name}"' in page for name in NAMES)
    with Image.open("out/contact_sheet.jpg") as sheet:
        assert sheet.width > 3 * 186
        assert sheet.height > 3 * 256
    # They are what `stylize` makes.
    description = files.read_description("out/b_q.png")
    options = nst_jax.Options(
        size=33,
        steps=6,
        solver="adam",
        content_taps=("relu3_1",),
        style_taps=("relu1_1", "relu2_1"),
    )
    alone = nst_jax.stylize(
        "photos/b.png", "paintings/q.jpg", options, network=tiny_network
    )
    assert description["loss"] == pytest.approx(alone.loss, rel=1e-3)
    np.testing.assert_allclose(files.read("out/b_q.png"), alone.image, atol=0.01)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--styles", "paintings"], "--contents is missing: name files, a folder or a"),
        (["--contents", "photos"], "--styles is missing"),
        ([], "--contents is missing"),
        (["--contents", "no/*.png", "--styles", "paintings"], "no/*.png holds no pict"),
        (["--contents", "empty", "--styles", "paintings"], "empty holds no pictures"),
        ([*_ALL, "--pairs=x.csv"], "give either --pairs, or --contents and --styles"),
        ([*_ALL, "--name={nothing}.png"], "{nothing} is not known; there are {content"),
        ([*_ALL, "--name=one.png"], "one.png is the name of two jobs"),
        ([*_ALL, "--output_dir=photos/a.png"], "output_dir=photos/a.png: can't be mad"),
        ([*_ALL, "--style_weight=1,x"], "style_weight='x' is not a number"),
        ([*_ALL, "--style_weight=1,-1"], "style_weight=-1.0 is out of range"),
        ([*_ALL, "--steps=3,4"], "steps='3,4' is not a whole number"),
        ([*_ALL, "--init=noise,nowhere.png"], "init='nowhere.png' is neither"),
        ([*_ALL, "--style_taps=relu9_1"], "has no tap relu9_1"),
        ([*_ALL, "--pairs="], "give either"),
        (["--pairs=gone.csv"], "gone.csv: can't be read ([Errno 2] No such file"),
    ],
)
def test_bad_input_is_one_line_before_the_work(
    folder, capsys, no_work, no_fetching, arguments, line
):
    (folder / "empty").mkdir()
    no_work()
    no_fetching()
    assert run(*_SMALL, *arguments) == 1
    assert not (folder / "out").exists()
    output, errors = capsys.readouterr()
    assert output == ""
    assert line in errors
    assert errors.startswith("nst-jax: ")
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--contents", "photos", "--styles", "paintings"],
        [*_ALL, "--output_dir=out", "--lanes=0"],
        [*_ALL, "--output_dir=out", "--lanes=two"],
        [*_ALL, "--output_dir=out", "--colour=red"],
        ["photos", "--output_dir=out"],
    ],
)
def test_wrong_usage_exits_with_2(folder, capsys, arguments):
    assert run(*arguments) == 2
    assert "usage: nst-jax" in capsys.readouterr().err


def test_pairs_are_made_and_those_without_a_file_fail(folder, capsys):
    write_csv(
        "pairs.csv",
        ["content", "style", "style_weight"],
        ["photos/a.png", "paintings/p.png", ""],
        ["photos/b.png", "paintings/missing.png", ""],
        ["photos/a.png", "paintings/q.jpg", "3"],
    )
    assert run("--pairs=pairs.csv", *_SMALL) == 1
    errors = capsys.readouterr().err
    assert errors == "nst-jax: paintings/missing.png: no such file; check the name\n"
    assert statuses() == {
        "b_missing.png": "failed",
        "a_p.png": "done",
        "a_q_style_weight=3.png": "done",
    }
    options = files.read_description("out/a_q_style_weight=3.png")["options"]
    assert options["style_weight"] == 3.0


def test_a_start_that_fails_does_so_alone(folder, capsys):
    columns = ["content", "style", "init", "style_weight"]
    rows = [[f"photos/{name}.png", "paintings/p.png"] for name in "aaab"]
    rows = [[*row, "", ""] for row in rows]
    rows[1][2], rows[2][3] = "begin.png", _NO_LOSS
    write_csv("pairs.csv", columns, *rows)
    assert run("--pairs=pairs.csv", *_SMALL) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "nst-jax: begin.png: no such file; check the name"
    assert "the loss of the starting image is not finite" in lines[1]
    assert len(lines) == 2
    assert sorted(statuses().values()) == ["done", "done", "failed", "failed"]


def test_lists_are_swept(folder):
    one = ["--contents", "photos/a.png", "--styles", "paintings/p.png"]
    assert run(*one, "--style-weight=1,10,1", "--seed=7", *_SMALL) == 0
    names = ["a_p_style_weight=1.png", "a_p_style_weight=10.png"]
    assert statuses() == dict.fromkeys(names, "done")
    for name, weight in zip(names, (1.0, 10.0), strict=True):
        options = files.read_description(f"out/{name}")["options"]
        assert (options["style_weight"], options["seed"]) == (weight, 7)


def test_names_by_a_template(folder):
    template = "--name={style}/{index}_{content}_{seed}.webp"
    assert run(*_ALL, template, "--seed=5", *_SMALL) == 0
    assert list(statuses()) == [
        "p/0000_a_5.webp",
        "q/0001_a_5.webp",
        "p/0002_b_5.webp",
        "q/0003_b_5.webp",
    ]
    with Image.open("out/q/0003_b_5.webp") as made:
        assert made.format == "WEBP"
    assert "./q/0003_b_5.webp" in (folder / "out" / "index.html").read_text()


def test_again_nothing_is_made_anew(folder, capsys, no_work):
    assert run(*_ALL, *_SMALL) == 0
    before = [os.stat(f"out/{name}").st_mtime_ns for name in NAMES]
    lines = (folder / "out" / "manifest.jsonl").read_bytes()
    capsys.readouterr()
    no_work()
    assert run(*_ALL, *_SMALL) == 0
    output, errors = capsys.readouterr()
    assert errors == "nst-jax: 4 of 4 are done already\n"
    assert output == "out/index.html: 4 pictures\n"
    assert [os.stat(f"out/{name}").st_mtime_ns for name in NAMES] == before
    assert (folder / "out" / "manifest.jsonl").read_bytes() == lines


def test_a_bad_picture_is_one_line_and_tried_again(folder, capsys, no_work):
    (folder / "photos" / "a_bad.png").write_text("hello")
    assert run(*_ALL, *_SMALL) == 1
    output, errors = capsys.readouterr()
    bad = "nst-jax: photos/a_bad.png: is not an image, or of an unknown kind; give a "
    assert errors == f"{bad}PNG or JPEG\n"
    assert output.count(" iterations\n") == 4
    good = dict.fromkeys(NAMES, "done")
    assert statuses() == {"a_bad_p.png": "failed", "a_bad_q.png": "failed"} | good
    page = (folder / "out" / "index.html").read_text()
    assert "photos/a_bad.png: is not an image" in page
    before = outputs()

    no_work()
    assert run(*_ALL, *_SMALL) == 1
    lines = (folder / "out" / "manifest.jsonl").read_text().splitlines()
    assert ["failed" in line for line in lines] == [
        *[True] * 2,
        *[False] * 4,
        True,
        True,
    ]
    assert capsys.readouterr().err == (
        f"nst-jax: 4 of 6 are done already\n{bad}PNG or JPEG\n"
    )
    assert outputs() == before


def test_a_mended_picture_alone_is_made(folder, capsys):
    (folder / "photos" / "b.png").write_text("hello")
    assert run(*_ALL, *_SMALL) == 1
    before = os.stat("out/a_p.png").st_mtime_ns, os.stat("out/a_q.png").st_mtime_ns
    files.write("photos/b.png", picture(2))
    capsys.readouterr()
    assert run(*_ALL, *_SMALL) == 0
    output = capsys.readouterr().out
    assert re.findall(r"^out/(\S+png): ", output, re.MULTILINE) == NAMES[2:]
    assert (
        os.stat("out/a_p.png").st_mtime_ns,
        os.stat("out/a_q.png").st_mtime_ns,
    ) == before
    assert statuses() == dict.fromkeys(NAMES, "done")


def test_what_has_changed_is_made_anew(folder, capsys):
    assert run(*_ALL, *_SMALL) == 0
    files.write("paintings/p.png", picture(9, 40, 33))
    capsys.readouterr()
    assert run(*_ALL, *_SMALL) == 0
    output = capsys.readouterr().out
    made = re.findall(r"^out/(\S+png): ", output, re.MULTILINE)
    assert made == ["a_p.png", "b_p.png"]
    assert run(*_ALL, *_SMALL, "--style_weight=3") == 0
    output = capsys.readouterr().out
    assert re.findall(r"^out/(\S+png): ", output, re.MULTILINE) == NAMES
    assert files.read_description("out/a_p.png")["options"]["style_weight"] == 3.0


def test_by_other_weights_all_is_made_anew(folder, capsys):
    assert run(*_ALL, *_SMALL) == 0
    stored_weights.put(digest="1" * 64)
    capsys.readouterr()
    assert run(*_ALL, *_SMALL) == 0
    output, errors = capsys.readouterr()
    assert errors == ""
    assert re.findall(r"^out/(\S+png): ", output, re.MULTILINE) == NAMES
    assert run(*_ALL, *_SMALL) == 0
    assert capsys.readouterr().err == "nst-jax: 4 of 4 are done already\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--offline"], r"the weights of vgg19 are not stored in \S+ and --offline"),
        (["--network=vgg19-normalized"], "vgg19-normalized is not published; make it"),
    ],
)
def test_weights_that_cannot_be_had_are_one_line(
    folder, capsys, no_work, arguments, line
):
    store.weights_path("vgg19").unlink()
    no_work()
    assert run(*_ALL, *_SMALL, *arguments) == 1
    output, errors = capsys.readouterr()
    assert output == ""
    assert re.fullmatch(rf"nst-jax: {line}.*\n", errors)
    assert not (folder / "out").exists()


def test_missing_pictures_are_told_without_fetching(folder, capsys, no_fetching):
    no_fetching()
    missing = ["--contents", "missing.png", "--styles", "paintings"]
    assert run(*missing, *_SMALL) == 1
    errors = capsys.readouterr().err
    assert errors == "nst-jax: missing.png: no such file; check the name\n"


@pytest.fixture
def interrupt(monkeypatch):
    """Makes signals come in the group of these pairs, at this iteration or later."""

    def begin(jobs, *signals, iteration=1):
        def shown(self, progress):
            show(self, progress)
            if progress.jobs == jobs and progress.lanes[0].iteration >= iteration:
                for number in signals:
                    os.kill(os.getpid(), number)

        monkeypatch.setattr(folder.Collection, "show", shown)

    show = folder.Collection.show
    return begin


def states():
    return [name for name in os.listdir("out") if name.endswith(".state")]


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
@pytest.mark.parametrize("group", [0, 2])
def test_stopped_it_goes_on_to_the_same_pictures(
    folder, capsys, interrupt, number, status, group
):
    assert run(*_ALL, *_SMALL, "--output_dir=whole") == 0
    capsys.readouterr()
    interrupt((group, group + 1), number)
    assert run(*_ALL, *_SMALL) == status
    output, errors = capsys.readouterr()
    assert output.endswith("stopped early; the same command goes on from here\n")
    assert errors.startswith("nst-jax: stopping; Ctrl-C once more gives up")
    assert len(states()) == 1
    done, stopped = NAMES[:group], NAMES[group : group + 2]
    expected = dict.fromkeys(done, "done") | dict.fromkeys(stopped, "stopped")
    assert statuses() == expected
    page = (folder / "out" / "index.html").read_text()
    assert all(f'"./{name}"' in page for name in [*done, *stopped])
    # What there is can be looked at.
    assert files.read(f"out/{stopped[0]}").shape == (33, 24, 3)

    interrupt(())
    assert run(*_ALL, *_SMALL) == 0
    assert states() == []
    assert statuses() == dict.fromkeys(NAMES, "done")
    assert outputs() == outputs("whole")
    entry = manifest.read("out/manifest.jsonl")[stopped[0]]
    assert entry.losses[-1][0] == 6
    assert entry.losses[0][0] > 1


def test_stopped_at_the_end_of_a_group_it_is_stopped(folder, capsys, interrupt):
    interrupt((0, 1), signal.SIGINT, iteration=6)
    assert run(*_ALL, *_SMALL) == 130
    assert "stopped early" in capsys.readouterr().out
    assert statuses() == dict.fromkeys(NAMES[:2], "done")
    assert states() == []
    interrupt(())
    assert run(*_ALL, *_SMALL) == 0
    assert statuses() == dict.fromkeys(NAMES, "done")


def test_stopped_at_the_very_end_it_is_done(folder, capsys, interrupt):
    interrupt((2, 3), signal.SIGINT, iteration=6)
    assert run(*_ALL, *_SMALL) == 0
    assert "stopped early" not in capsys.readouterr().out
    assert states() == []


def test_ctrl_c_twice_gives_up_at_once(folder, capsys, interrupt):
    interrupt((2, 3), signal.SIGINT, signal.SIGINT)
    assert run(*_ALL, *_SMALL) == 130
    assert capsys.readouterr().err.endswith("\nnst-jax: stopped\n")
    assert statuses() == dict.fromkeys(NAMES[:2], "done")
    assert states() == []
    interrupt(())
    assert run(*_ALL, *_SMALL) == 0
    assert statuses() == dict.fromkeys(NAMES, "done")


def test_ctrl_c_before_the_work_leaves_nothing(folder, capsys, monkeypatch):
    def load(*_, **__):
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(verbs, "load_network", load)
    assert run(*_ALL, *_SMALL) == 130
    assert capsys.readouterr() == ("", "\nnst-jax: stopped\n")
    assert os.listdir("out") == []


def test_a_damaged_state_is_said_and_the_pictures_begun_anew(folder, capsys, interrupt):
    interrupt((0, 1), signal.SIGINT)
    assert run(*_ALL, *_SMALL) == 130
    (state,) = states()
    (folder / "out" / state).write_bytes(b"nothing")
    interrupt(())
    capsys.readouterr()
    assert run(*_ALL, *_SMALL) == 0
    errors = capsys.readouterr().err
    assert re.fullmatch(
        rf"(nst-jax: )?out/{state}: not a saved run \(.*\); these .* begun anew\n",
        errors,
    )
    assert states() == []
    assert statuses() == dict.fromkeys(NAMES, "done")


def test_help_tells_of_all(capsys):
    assert run("--help") == 0
    text = capsys.readouterr().out
    for word in ("--pairs FILE.csv", "{content}_{style}{varied}.png", "Ctrl-C"):
        assert word in text
