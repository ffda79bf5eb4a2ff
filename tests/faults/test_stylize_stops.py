"""`nst-jax stylize` stopped on its way, and gone on with."""

import contextlib
import functools
import json
import signal
import sys
from pathlib import Path

import pytest
import safetensors.numpy
from PIL import Image
from support.batch_folder import contents, working_in
from support.program import QUICK, Reader, run, start

from nst_jax.images import files

STATE = Path("out.png.state")
COMMAND = ("stylize", "photos/a.png", "paintings/p.png", "-o", "out.png", *QUICK)
# Chunks of iterations end at multiples of this, and are told of.
COMMAND = (*COMMAND, "--steps=8", "--print_every=2")

ctrl_c = functools.partial(signal.raise_signal, signal.SIGINT)


def answered(*answers, arguments=()):
    """Exit status and standard error of the command, whose reader answers so."""
    with contextlib.redirect_stderr(Reader(*answers)) as errors:
        status = run(*COMMAND, *arguments)
    return status, errors.getvalue()


def stopped(*arguments, number=signal.SIGINT, iteration=2):
    """Stops the command when an iteration is told of."""
    stop = functools.partial(signal.raise_signal, number)
    return answered((f"iteration {iteration:>5}", stop), arguments=arguments)


@pytest.fixture(scope="module")
def whole(home, tmp_path_factory):
    """The picture of a run that nobody stops."""
    place = tmp_path_factory.mktemp("whole")
    with working_in(place, home):
        assert run(*COMMAND) == 0
    return (place / "out.png").read_bytes()


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
@pytest.mark.parametrize("iteration", [2, 6])
def test_stopped_and_resumed_it_is_the_whole_run(
    folder, capsys, whole, number, status, iteration
):
    found, errors = stopped("--trace=t.jsonl", number=number, iteration=iteration)
    assert found == status
    assert "nst-jax: stopping; Ctrl-C once more gives up without saving\n" in errors
    output = capsys.readouterr().out.splitlines()
    assert f"after {iteration} iterations" in output[0]
    assert output[1:] == [
        "stopped early; the same command with --resume goes on from here"
    ]
    # What there is can be looked at.
    assert files.read("out.png").shape == (32, 23, 3)
    assert files.read_description("out.png")["iterations"] == iteration
    assert STATE.exists()

    assert run(*COMMAND, "--trace=t.jsonl", "--resume") == 0
    assert (folder / "out.png").read_bytes() == whole
    assert not STATE.exists()
    # The trace goes on as well, without a gap or a repetition.
    lines = [json.loads(line) for line in Path("t.jsonl").read_text().splitlines()]
    iterations = [line["iteration"] for line in lines]
    assert iterations == sorted({0, 2, iteration, 8, *iterations})


def test_stopped_twice_it_is_still_the_whole_run(folder, whole):
    for iteration in (2, 4):
        resume = ["--resume"] if STATE.exists() else []
        status, _ = stopped(*resume, iteration=iteration)
        assert status == 130
    assert run(*COMMAND, "--resume") == 0
    assert (folder / "out.png").read_bytes() == whole


def test_stopped_at_the_very_end_it_is_done(folder, capsys, whole):
    status, _ = stopped(iteration=8)
    assert status == 0
    assert "stopped early" not in capsys.readouterr().out
    assert (folder / "out.png").read_bytes() == whole
    assert not STATE.exists()


def test_ctrl_c_twice_gives_up_at_once(folder, capsys):
    before = contents(folder)
    answers = ("iteration     2", ctrl_c), ("Ctrl-C once more", ctrl_c)
    status, errors = answered(*answers)
    assert status == 130
    assert errors.endswith("\nnst-jax: stopped\n")
    assert capsys.readouterr().out == ""
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("number", "expected"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
def test_stopped_before_the_work_it_leaves_nothing(folder, capsys, number, expected):
    with Image.open("photos/a.png") as photo:
        photo.putalpha(200)
        photo.save("photos/a.png")
    before = contents(folder)
    stop = functools.partial(signal.raise_signal, number)
    status, errors = answered(("has transparency", stop))
    assert status == expected
    assert errors.endswith("\nnst-jax: stopped\n")
    assert capsys.readouterr().out == ""
    assert contents(folder) == before


def renamed(content):
    """The state as an earlier version of the program left it."""
    return safetensors.numpy.save(
        safetensors.numpy.load(content), {"fingerprint": "0" * 64}
    )


@pytest.mark.parametrize(
    ("damage", "arguments", "line"),
    [
        (lambda content: b"nothing", (), "not a saved run ("),
        (lambda content: b"", (), "not a saved run ("),
        (lambda content: content[:-9], (), "not a saved run ("),
        (renamed, (), "saved by an earlier version of nst_jax"),
        (
            bytes,
            ("--style_weight=3",),
            "saved by a run with other pictures or options; repeat",
        ),
        (bytes, ("--size=33",), "saved by a run with other pictures or options; repe"),
    ],
)
def test_a_state_that_does_not_fit_is_one_line(folder, capsys, damage, arguments, line):
    stopped()
    STATE.write_bytes(damage(STATE.read_bytes()))
    before = contents(folder)
    capsys.readouterr()
    assert run(*COMMAND, "--resume", *arguments) == 1
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith(f"nst-jax: out.png.state: {line}")
    assert errors.count("\n") == 1
    assert contents(folder) == before


def test_the_state_of_other_pictures_does_not_fit(folder, capsys):
    stopped()
    photo = Path("photos/a.png")
    photo.write_bytes(Path("photos/b.png").read_bytes())
    capsys.readouterr()
    assert run(*COMMAND, "--resume") == 1
    assert "other pictures or options" in capsys.readouterr().err


# The command, with a state at every chunk instead of every half minute.
_KILLED = """
import dataclasses, os, signal, sys, time
from nst_jax.commands import flags, main, stylize
from nst_jax.transfer import batch, states
arguments = main.parser().parse_args(sys.argv[1:])
where = states.in_file(stylize._state_path(arguments.output), resume=False)
where = dataclasses.replace(where, every=0)
def show(progress):
    while progress.lanes[0].iteration > 3:
        if os.path.exists("out.png.state"):
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.01)
job = stylize._job(arguments, flags.options(arguments))
list(batch.run_jobs([job], states=where, on_progress=show, every=(2,)))
"""


@pytest.mark.slow  # A process of its own.
def test_killed_on_its_way_it_goes_on(folder, whole):
    process = start(sys.executable, "-c", _KILLED, *COMMAND)
    _, errors = process.communicate(timeout=100)
    assert process.returncode == -signal.SIGKILL, errors
    assert not Path("out.png").exists()
    assert run(*COMMAND, "--resume", "--trace=t.jsonl") == 0
    assert (folder / "out.png").read_bytes() == whole
    assert not STATE.exists()
    first = json.loads(Path("t.jsonl").read_text().splitlines()[0])
    assert first["iteration"] > 0


@pytest.mark.slow  # A program of its own, for L-BFGS.
def test_where_the_course_allows_it_more_can_be_asked_for(folder, capsys):
    plain = ("--solver=lbfgs", "--history=3")
    assert run(*COMMAND, *plain, "--steps=12") == 0
    whole = Path("out.png").read_bytes()
    status, _ = stopped(*plain, "--steps=100")
    assert status == 130
    capsys.readouterr()
    assert run(*COMMAND, *plain, "--steps=2", "--resume") == 1
    line = "nst-jax: steps=2: the stopped run made 2 already; give more\n"
    assert capsys.readouterr().err == line
    assert run(*COMMAND, *plain, "--steps=12", "--resume") == 0
    assert Path("out.png").read_bytes() == whole
