"""The installed programs end to end, each in a process of its own."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support import odd_files, stored_weights
from support.batch_folder import folder, write_csv
from support.odd_pictures import Refused
from support.program import QUICK, installed, start
from support.stored_weights import SMALL, home

import nst_jax
from nst_jax.collection import manifest
from nst_jax.presets import PRESETS
from weights_convert import architectures

__all__ = ["folder", "home"]

NST_JAX, NST_WEIGHTS = installed("nst-jax"), installed("nst-weights")


def run(*command: object, status: int = 0) -> tuple[str, str]:
    """Standard output and error of a program that ends with this status."""
    process = start(*command, JAX_ENABLE_COMPILATION_CACHE="true")
    output, errors = process.communicate(timeout=120)
    assert process.returncode == status, errors
    return output, errors


def test_version():
    assert run(NST_JAX, "--version") == (f"{nst_jax.__version__}\n", "")


def test_help():
    output, _ = run(NST_JAX, "--help")
    for word in ("stylize", "batch", "presets", "NST_JAX_HOME", "exit status:"):
        assert word in output
    output, _ = run(NST_WEIGHTS, "--help")
    for word in ("list", "taps", "fetch", "convert", "verify", "export", "normalize"):
        assert re.search(rf"^ +{word}\b", output, re.MULTILINE)


def test_presets():
    output, errors = run(NST_JAX, "presets")
    assert errors == ""
    assert re.findall(r"^nst-jax .*--preset=(\S+)", output, re.MULTILINE) == [*PRESETS]


def test_a_reader_who_has_had_enough():
    shell = f"{NST_JAX} presets | head -n 1"
    done = subprocess.run(shell, shell=True, capture_output=True, text=True)
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_mistakes_are_one_line(folder):
    for command, status in (
        ((NST_JAX, "stylize", "gone.png"), 2),
        ((NST_JAX, "stylize", "photos/a.png", "p.png", "--only_check_args"), 2),
        ((NST_JAX, "batch", "--output_dir=out"), 1),
        ((NST_WEIGHTS, "verify", "vgg91"), 1),
    ):
        output, errors = run(*command, status=status)
        assert output == ""
        assert re.fullmatch(r"nst-(jax|weights): .*\n", errors)
    assert sorted(os.listdir()) == ["paintings", "photos"]


def test_weights_that_are_stored(folder):
    listed, _ = run(NST_WEIGHTS, "list")
    assert re.search(rf"^{SMALL}: stored, 2\.9 MB$", listed, re.MULTILINE)
    assert "vgg19: not stored" in listed
    taps, _ = run(NST_WEIGHTS, "taps", SMALL)
    assert tuple(taps.splitlines()) == architectures.find(SMALL).taps
    verified, _ = run(NST_WEIGHTS, "verify", SMALL)
    assert verified.splitlines()[-1].startswith(f"{SMALL}: hash, shapes and values are")


@pytest.fixture(scope="module")
def programs(tmp_path_factory) -> Path:
    """Where compiled programs are kept."""
    return tmp_path_factory.mktemp("programs")


def jax(programs: Path) -> tuple[str, ...]:
    """The program with the options of quick runs, which keeps what it compiles."""
    kept = tuple(option for option in QUICK if "cache" not in option)
    return *kept, f"--compilation_cache_dir={programs}"


def test_a_picture(folder, programs):
    extras = ("--snapshot_every=2", "--trace=trace.jsonl", "--print_every=4")
    command = (NST_JAX, "stylize", "photos/a.png", "paintings/p.png", "-o", "out.jpg")
    output, errors = run(*command, *jax(programs), *extras)
    assert output.startswith("out.jpg: 23x32, loss ")
    assert errors.startswith("iteration     4  loss ")
    made = {"out.jpg", "out_000002.jpg", "out_000004.jpg", "trace.jsonl"}
    assert set(os.listdir()) == {"photos", "paintings", *made}
    lines = [json.loads(line) for line in Path("trace.jsonl").read_text().splitlines()]
    assert [line["iteration"] for line in lines] == [0, 2, 4]


@pytest.mark.slow
def test_odd_files_are_a_line_each_and_end_nothing(folder):
    """All that are refused, in one batch that has two minutes."""
    (place := folder / "odd").mkdir()
    outcomes = odd_files.fill(place)
    refused = [
        f"odd/{name}"
        for name, outcome in outcomes.items()
        if isinstance(outcome, Refused) and name and "\0" not in name
        # A folder would hold photos; two gigabytes take long to hash.
        if not os.path.isdir(f"odd/{name}") and name != "far_end.png"
    ]
    command = (NST_JAX, "batch", "--output_dir=out", "--offline", *QUICK)
    named = ("--contents", *refused, "--styles", "paintings/p.png")
    _, errors = run(*command, *named, status=1)
    lines = [line for line in errors.splitlines() if line.startswith("nst-jax: odd/")]
    assert len(refused) >= len(lines) == len(set(lines)) >= len(refused) - 3
    # One picture by two names, and small ones that would be enlarged.
    assert len(errors.splitlines()) == len(lines) + 2
    assert not list((folder / "out").glob("*.png"))
    assert set(os.listdir()) <= {"odd", "out", "paintings", "photos"}


@pytest.mark.slow
def test_one_seed_gives_one_picture_in_every_process(folder):
    """Bit for bit, compiled anew, whatever order Python's sets have."""
    how = ("--solver=lbfgs", "--init=noise", "--seed=3")
    pictures = []
    for number in (1, 2):
        output = f"out{number}.png"
        command = (NST_JAX, "stylize", "photos/a.png", "paintings/p.png", "-o", output)
        process = start(*command, *QUICK, *how, PYTHONHASHSEED=number)
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        pictures.append(Path(output).read_bytes())
    assert pictures[0] == pictures[1]


@pytest.mark.slow
def test_a_batch_and_again(folder, programs):
    rows = [["photos/a.png", "paintings/p.png", ""], ["photos/b.png", "gone.png", ""]]
    rows += [["photos/b.png", "paintings/q.jpg", "20000"]]
    write_csv("pairs.csv", ["content", "style", "style_weight"], *rows)
    command = (NST_JAX, "batch", "--pairs=pairs.csv", "--output_dir=out")
    output, errors = run(*command, *jax(programs), status=1)
    assert errors == "nst-jax: gone.png: no such file; check the name\n"
    assert output.endswith("out/index.html: 2 pictures, 1 failed\n")
    pictures = ["a_p.png", "b_q_style_weight=20000.png"]
    others = ["contact_sheet.jpg", "index.html", "manifest.jsonl"]
    assert sorted(os.listdir("out")) == sorted([*pictures, *others])

    write_csv("pairs.csv", ["content", "style", "style_weight"], rows[0], rows[2])
    output, errors = run(*command, *jax(programs))
    assert errors == "nst-jax: 2 of 2 are done already\n"
    # What the folder has is shown, whichever batch made it; nothing was made.
    assert output == "out/index.html: 2 pictures\n"


@pytest.mark.slow
def test_the_default_network_all_options_at_their_defaults_but_size(
    folder, tmp_path, monkeypatch
):
    monkeypatch.setenv("NST_JAX_HOME", str(tmp_path / "own"))
    stored_weights.put_random(name="vgg19")
    command = (NST_JAX, "stylize", "photos/a.png", "paintings/p.png")
    output, errors = run(*command, "--size=32", "--steps=3", "--offline")
    assert output.startswith("a_p.png: 23x32, loss ")
    assert errors == ""
    # Compiled programs are kept, so that the next start is quick.
    assert any((tmp_path / "own" / "xla").iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "shell"),
    [
        ("--contents photos --styles paintings/p.png", "> /dev/full"),
        ("--pairs=pairs.csv", ">&- 2>&- <&-"),
    ],
)
def test_pictures_whatever_becomes_of_the_lines(folder, programs, what, shell):
    os.rename("photos/a.png", os.fsdecode("photos/\u00e9\u2014.png".encode()))
    os.rename("photos/b.png", os.fsdecode(b"photos/\xff.png"))
    row = ["photos/\u00e9\u2014.png", "paintings/p.png"]
    write_csv("pairs.csv", ["content", "style"], row)
    command = f"{NST_JAX} batch {what} --output_dir=out --lanes=1"
    few_letters = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        f"{command} {' '.join(jax(programs))} {shell}",
        shell=True,
        capture_output=True,
        env={**os.environ, "JAX_ENABLE_COMPILATION_CACHE": "true", **few_letters},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(b"\n") == (1 if "full" in shell else 0)
    entries = manifest.read("out/manifest.jsonl").values()
    assert [e.status for e in entries] == ["done"] * (2 if "full" in shell else 1)
    assert all(os.path.exists(os.path.join("out", e.output)) for e in entries)


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (f"{NST_JAX} presets", "nst-jax"),
        (f"{NST_JAX} --help", "nst-jax"),
        (f"{NST_WEIGHTS} list", "nst-weights"),
    ],
)
def test_lines_that_are_lost_are_said(command, name):
    done = subprocess.run(f"{command} > /dev/full", shell=True, capture_output=True)
    line = f"{name}: standard output: No space left on device\n"
    assert (done.returncode, done.stderr.decode()) == (1, line)


@pytest.mark.slow  # A process that compiles a large program.
@pytest.mark.skipif(sys.platform != "linux", reason="others keep no such limits")
def test_a_picture_beyond_a_limit_of_memory_is_one_line(folder):
    command = (NST_JAX, "stylize", "photos/a.png", "paintings/p.png", *QUICK)
    asked = "--size=6000 --tile=0 -o big.png"
    shell = f"ulimit -v 6000000; exec {' '.join(command)} {asked}"
    done = subprocess.run(
        ["bash", "-c", shell], capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stdout) == (1, "")
    line = done.stderr.splitlines()[-1]  # Before it, what is enlarged.
    assert line.startswith("nst-jax: the memory is too small for this picture")
    assert done.stderr.count("\n") == 2
    assert not (folder / "big.png").exists()
