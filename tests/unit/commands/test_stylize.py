"""`nst-jax stylize` as a user runs it, in this process."""

import json
import os

import numpy as np
import pytest
from PIL import Image
from support import stored_weights
from support.program import QUICK, run

import nst_jax
from nst_jax.images import files

PAIR = ("photos/a.png", "paintings/p.png")
OPTIONS = nst_jax.Options(
    network=stored_weights.SMALL,
    content_taps=("relu_conv1",),
    style_taps=("relu_conv1",),
    size=32,
    steps=4,
    solver="adam",
    pyramid=1,
    content_loss="mean",
    style_loss="gram",
    style_weight=1e6,
)
"""What `QUICK` says."""


def test_one_command_makes_a_picture(folder, capsys):
    assert run("stylize", *PAIR, "-o", "out.png", *QUICK) == 0
    output, errors = capsys.readouterr()
    assert errors == ""  # No bar where there is no terminal.
    assert output.startswith("out.png: 23x32, loss ")
    assert " after 4 iterations; " in output
    assert output.count("\n") == 1
    assert {p.name for p in folder.iterdir()} == {"photos", "paintings", "out.png"}
    description = files.read_description("out.png")
    assert description["options"]["size"] == 32
    # It is what the library makes.
    result = nst_jax.stylize(*PAIR, OPTIONS)
    assert description["loss"] == result.loss
    np.testing.assert_allclose(files.read("out.png"), result.image, atol=0.5 / 255)


@pytest.mark.parametrize(
    ("ending", "kind"), [("JPG", "JPEG"), ("webp", "WEBP"), ("tiff", "TIFF")]
)
def test_the_ending_chooses_the_format(folder, ending, kind):
    assert run("stylize", *PAIR, "-o", f"out.{ending}", *QUICK) == 0
    with Image.open(f"out.{ending}") as made:
        assert made.format == kind


def test_the_default_output_is_named_after_the_pictures(folder):
    paintings = ("paintings/p.png", "paintings/q.jpg")
    blend = ("--style-blend=3,1", "--init=paintings/q.jpg")
    assert run("stylize", "photos/a.png", *paintings, *QUICK, *blend) == 0
    options = files.read_description("a_p_q.png")["options"]
    assert options["style_blend"] == [3.0, 1.0]


def test_losses_trace_and_pictures_on_the_way(folder, capsys):
    extras = ("--trace=trace.jsonl", "--print_every=2", "--snapshot_every=2")
    assert run("stylize", *PAIR, "-o", "out.png", *QUICK, *extras) == 0
    records = [json.loads(s) for s in (folder / "trace.jsonl").read_text().splitlines()]
    assert [record["iteration"] for record in records] == [0, 2, 4]
    for record in records:
        terms = record["content/relu_conv1"] + record["style/relu_conv1"]
        assert terms == pytest.approx(record["loss"], rel=1e-5)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("  loss ")[0] for line in lines] == [
        "iteration     2",
        "iteration     4",
    ]
    assert sorted(p.name for p in folder.glob("*.png")) == [
        *("out.png", "out_000002.png", "out_000004.png")
    ]
    on_the_way, last = (
        files.read_description(f"{name}.png") for name in ("out_000002", "out")
    )
    assert (on_the_way["iterations"], last["iterations"]) == (2, 4)
    assert on_the_way["loss"] >= last["loss"]
    at_the_end = files.read("out_000004.png")
    np.testing.assert_array_equal(at_the_end, files.read("out.png"))


def files_in(folder):
    return {path.name for path in folder.iterdir() if path.is_file()}


def test_what_is_replaced_is_said(folder, capsys):
    (folder / "out.png").write_text("somebody's")
    (folder / "trace.jsonl").write_text("somebody's")
    command = ("stylize", *PAIR, "-o", "out.png", *QUICK, "--trace=trace.jsonl")
    for flag in ("--overwrite=no", "--overwrite=maybe"):
        assert run(*command, flag) in (1, 2)
        assert (folder / "out.png").read_text() == "somebody's"
    capsys.readouterr()
    assert run(*command) == 0
    line = "nst-jax: out.png, trace.jsonl will be replaced\n"
    assert capsys.readouterr().err == line
    assert json.loads((folder / "trace.jsonl").read_text().splitlines()[0])
    assert run("stylize", *PAIR, "-o", "new.png", *QUICK, "--overwrite=no") == 0


def test_a_name_that_nobody_gave_replaces_ours_alone(folder, capsys):
    files.write("a_p.png", np.zeros((4, 4, 3), np.float32))
    (folder / "b_p_000002.png").write_text("somebody's")
    (folder / "c.png.state").write_text("somebody's")
    for command in (
        PAIR,
        ("photos/b.png", PAIR[1], "--snapshot_every=2"),
        (*PAIR, "-o", "c.png"),
    ):
        before = files_in(folder)
        assert run("stylize", *command, *QUICK) == 1
        output, errors = capsys.readouterr()
        assert output == ""
        assert "exists, and was not made by nst-jax; move it away, ch" in errors
        assert errors.count("\n") == 1
        assert files_in(folder) == before
    assert run("stylize", *PAIR, *QUICK, "--overwrite") == 0
    for _ in range(2):
        capsys.readouterr()
        assert run("stylize", *PAIR, *QUICK) == 0
        assert capsys.readouterr().err == "nst-jax: a_p.png will be replaced\n"


def test_a_trace_to_a_pipe_or_a_stream(folder, capfd):
    command = ("stylize", *PAIR, "-o", "out.png", *QUICK, "--overwrite")
    assert run(*command, "--trace=/dev/stdout") == 0
    lines = capfd.readouterr().out.splitlines()
    assert [json.loads(line)["iteration"] for line in lines[:2]] == [0, 4]
    assert lines[2].startswith("out.png: ")
    os.mkfifo("pipe")
    assert run(*command, "--trace=pipe") == 0  # Nobody reads it.
    assert "pipe: No such device or address; the trace ends" in capfd.readouterr().err
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert run(*command, "--trace=pipe") == 0
    assert os.read(reader, 10_000).count(b"\n") == 2
    os.close(reader)


def test_what_a_picture_is_like_is_said(folder, capsys):
    with Image.open("photos/a.png") as photo:
        photo.putalpha(200)
        photo.save("clear.png")
    assert run("stylize", "clear.png", PAIR[1], "-o", "out.png", *QUICK) == 0
    errors = capsys.readouterr().err
    assert errors == "clear.png: has transparency; composited on white\n"
