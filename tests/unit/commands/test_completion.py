"""Scripts of shells complete commands, flags, choices and files."""

import shlex
import shutil
import subprocess
import sys

import pytest
from support.program import run, run_weights

_RUN = {"nst-jax": run, "nst-weights": run_weights}


@pytest.fixture
def script(capsys):
    """The script of a program for a shell."""

    def made(program: str, shell: str) -> str:
        assert _RUN[program]("completion", shell) == 0
        output, errors = capsys.readouterr()
        assert errors == ""
        return output

    return made


@pytest.fixture
def folder(tmp_path):
    for name in ("photo.jpg", "painting one.jpg", "model.safetensors"):
        (tmp_path / name).touch()
    (tmp_path / "pictures").mkdir()
    return tmp_path


def completed(script: str, folder, lines: list[str]) -> list[list[str]]:
    """What bash offers at the end of each line, whose words it breaks at = too."""
    asked = [script, 'function=$(complete -p | sed "s/.*-F \\([^ ]*\\).*/\\1/")']
    for line in lines:
        words = line.replace("=", " = ").split(" ")
        words = [word for word in words[:-1] if word] + words[-1:]
        if line.endswith("="):  # bash takes it for the word that is completed.
            words = words[:-1]
        given = " ".join(map(shlex.quote, words))
        asked += [
            f"COMP_WORDS=({given}); COMP_CWORD={len(words) - 1}; COMPREPLY=()",
            '$function; printf "%s\\t" "${COMPREPLY[@]}"; echo',
        ]
    done = subprocess.run(
        ["bash", "--norc", "-c", "\n".join(asked)],
        capture_output=True,
        text=True,
        cwd=folder,
        check=True,
    )
    assert done.stderr == ""
    offered = done.stdout.splitlines()
    return [sorted(filter(None, one.split("\t"))) for one in offered]


def test_bash_completes_what_the_program_takes(script, folder):
    wanted = {
        "nst-jax sty": ["stylize"],
        "nst-jax stylize --prese": ["--preset"],
        "nst-jax stylize --preset=neural-": ["neural-style", "neural-style-pt"],
        "nst-jax stylize --preset neural-": ["neural-style", "neural-style-pt"],
        "nst-jax stylize photo.jpg --size=64 --solver=": ["adam", "lbfgs", "rmsprop"],
        "nst-jax stylize --init=sty": ["style"],
        "nst-jax stylize --network=vgg16-t": ["vgg16-torchvision"],
        "nst-jax stylize ph": ["photo.jpg"],
        "nst-jax stylize photo.jpg --size=64 p": [
            *("painting one.jpg", "photo.jpg", "pictures")
        ],
        "nst-jax stylize --mask=ph": ["photo.jpg"],
        "nst-jax stylize -o ph": ["photo.jpg"],
        "nst-jax batch --output_dir=p": ["pictures"],
        "nst-jax batch --contents photo.jpg --styles pa": ["painting one.jpg"],
        "nst-jax batch --name=p": [],
        "nst-jax apply photo.jpg --model=starry": ["starry_night"],
        "nst-jax export --format=o": ["onnx"],
        "nst-jax completion ": ["bash", "tcsh", "zsh"],
    }
    found = completed(script("nst-jax", "bash"), folder, [*wanted])
    assert dict(zip(wanted, found, strict=True)) == wanted


def test_bash_completes_nst_weights(script, folder):
    wanted = {
        "nst-weights norm": ["normalize"],
        "nst-weights fetch vgg16-t": ["vgg16-torchvision"],
        "nst-weights convert m": ["model.safetensors"],
        "nst-weights convert model.safetensors --channels=b": ["bgr"],
    }
    found = completed(script("nst-weights", "bash"), folder, [*wanted])
    assert dict(zip(wanted, found, strict=True)) == wanted


_READ = {"zsh": ("zsh", "-n", "/dev/stdin"), "tcsh": ("tcsh", "-f", "/dev/stdin")}
"""How another shell reads a script."""


@pytest.mark.parametrize("shell", _READ)
def test_scripts_of_other_shells_have_flags_with_their_values(script, shell):
    made = script("nst-jax", shell)
    of_preset = {"zsh": '"--preset=[', "tcsh": "'c/--preset=/"}[shell]
    (line,) = {one.strip() for one in made.splitlines() if of_preset in one}
    assert "(fast best classic " in line
    assert script("nst-weights", shell).count("vgg19-torchvision") >= 2


@pytest.mark.parametrize("program", _RUN)
@pytest.mark.parametrize("shell", _READ)
def test_other_shells_read_their_scripts(script, program, shell):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} isn't installed")
    made = script(program, shell)
    read = subprocess.run(_READ[shell], input=made, text=True, capture_output=True)
    assert (read.returncode, read.stderr) == (0, "")


def test_without_shtab_it_is_one_line(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert run("completion", "bash") == 1
    line = "completion needs shtab: install it with pip install 'nst-jax[completion]'"
    assert capsys.readouterr().err == f"nst-jax: {line}\n"
