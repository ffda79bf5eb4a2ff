"""The documents stay true: the options, links, commands and snippets that they show."""

import argparse
import ast
import importlib.metadata
import inspect
import os
import pkgutil
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import nst_jax
from nst_jax.commands import flags, main

_ROOT = Path(__file__).parents[2]
_DOCUMENTS = [
    *(_ROOT / name for name in ("README.md", "CONTRIBUTING.md", "examples/README.md")),
    *sorted(_ROOT.glob("docs/*.md")),
]


def blocks(language: str) -> Iterator[tuple[str, str]]:
    """Every fenced block of a language, with the document's name."""
    for path in _DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        fences = re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.M)
        yield from ((path.name, block) for block in fences)


def mentions() -> Iterator[tuple[str, str]]:
    """Every command of a script within a sentence, with the document's name."""
    for path in _DOCUMENTS:
        text = re.sub(
            r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.S | re.M
        )
        for mention in re.findall(
            r"`((?:python|bash) [^`]+)`", text.replace("\n", " ")
        ):
            if "NAME" not in mention:
                yield path.name, mention


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every command of fenced bash blocks and `mentions`, as a list of words."""
    for name, block in [*blocks("bash"), *mentions()]:
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.shlex(line, posix=True, punctuation_chars="&|;")
            words.commenters, words.whitespace_split = "#", True
            command: list[str] = []
            for word in [*words, ";"]:
                if set(word) <= set("&|;"):
                    if command:
                        yield name, command
                    command = []
                elif command or "=" not in word:  # NAME=value before the program.
                    command.append(word)


def test_the_page_of_options_is_what_the_options_say():
    command = [sys.executable, _ROOT / "scripts/options_table.py", "--check"]
    checked = subprocess.run(command, capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_links_to_files_lead_somewhere():
    found, broken = 0, []
    for path in _DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        links = re.findall(r"\]\(([^)\s]+)", text) + re.findall(r'src="([^"]+)"', text)
        for link in links:
            if not re.match(r"[a-z]+:|#", link):
                found += 1
                if not (path.parent / link.partition("#")[0]).exists():
                    broken.append(f"{path.name}: {link}")
    assert found > 5
    assert not broken


def test_scripts_of_the_commands_exist():
    scripts = {
        (name, word)
        for name, command in commands()
        for word in command
        if re.fullmatch(r"\.?\w+/.*\.(py|sh)", word)
    }
    assert ("README.md", "scripts/demo.sh") in scripts
    assert not [(name, word) for name, word in scripts if not (_ROOT / word).exists()]


def test_the_programs_take_the_commands(monkeypatch, capsys):
    entries = importlib.metadata.entry_points(group="console_scripts")
    programs = {name: entries[name] for name in ("nst-jax", "nst-weights")}
    # Parsed as the installed program does, and not run.
    monkeypatch.setattr("absl.app.run", lambda main, flags_parser: flags_parser(argv))
    shown, refused = set(), []
    for name, argv in commands():
        program = Path(argv[0]).name
        if program in programs:
            shown.add((program, *argv[1:2]))
            try:
                programs[program].load()()
            except SystemExit as exit:
                if exit.code:
                    refused.append(f"{name}: {shlex.join(argv)}")
    assert len(shown) >= 3
    assert not refused, capsys.readouterr().err


def test_files_of_flags_are_taken(tmp_path, capsys):
    shown = [block for _, block in blocks("toml")]
    shown.append((_ROOT / "examples/settings.toml").read_text())
    assert len(shown) > 1
    for text in shown:
        (path := tmp_path / "shown.toml").write_text(text)
        batch = main.parser().parse_args(["batch", f"--config={path}"])
        assert batch.contents
        assert batch.output_dir == Path("out")
        one = main.parser().parse_args(["stylize", "a", "b", f"--config={path}"])
        assert (flags.options(one).size, one.preset) == (768, "fast")
    assert capsys.readouterr().err == ""


def behind(command: list[str], folder: Path) -> list[list[str]]:
    """What runs Python in the end: a script of bash with an interpreter that only says
    what it is given, in `folder`."""
    if Path(command[0]).name != "bash":
        return [command]
    said, python = folder / "said", folder / "bin/python"
    python.parent.mkdir(exist_ok=True)
    for program in (python, folder / "bin/nst-jax", folder / "bin/nst-weights"):
        program.write_text(f'#!/bin/sh\necho "$0" "$@" >> {said}\n')
        program.chmod(0o755)
    said.write_text("")
    environment = {**os.environ, "NST_VENV": str(folder)}
    subprocess.run(command, cwd=_ROOT, env=environment, check=True, timeout=60)
    return [shlex.split(line) for line in said.read_text().splitlines()]


def parsed(command: list[str], monkeypatch) -> bool:
    """Whether a command runs a program of this project, whose flags are then taken."""
    script = next((word for word in command if word.endswith(".py")), "")
    module = next((w for w in command if re.match("(bench|weights_convert)", w)), "")
    if not Path(command[0]).name.startswith("python") or not (script or module):
        return False
    path = _ROOT / (script or f"{module.replace('.', '/')}.py")
    if script:
        monkeypatch.syspath_prepend(path.parent)
    if not path.exists():  # A package.
        path = path.with_suffix("") / "__main__.py"
    monkeypatch.setattr("sys.argv", command[command.index(script or module) :])
    runpy.run_path(str(path), run_name="__main__")
    return True


def test_the_scripts_take_the_commands(monkeypatch, tmp_path, capsys):
    take = argparse.ArgumentParser.parse_args

    def taken(parser, arguments=None, namespace=None):
        take(parser, arguments, namespace)
        raise SystemExit(0)  # It isn't run any further.

    monkeypatch.setattr("argparse.ArgumentParser.parse_args", taken)
    shown, refused = set(), []
    for name, shell_command in commands():
        for command in behind(shell_command, tmp_path):
            try:
                assert not parsed(command, monkeypatch), "it has no flags"
            except SystemExit as exit:
                if exit.code:
                    refused.append(f"{name}: {shlex.join(command)}")
                shown.add(" ".join(shell_command[:3]))
    assert len(shown) >= 8
    assert {"bash scripts/bench.sh --quick"} <= shown
    assert not refused, capsys.readouterr().err


def names_used(tree: ast.AST) -> Iterator[str]:
    """Names of this package in a program, each by its full name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}:{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "nst_jax":
            assert node.attr in nst_jax.__all__, f"nst_jax.{node.attr}"
            yield f"nst_jax:{node.attr}"


def unknown_keywords(tree: ast.AST) -> Iterator[str]:
    """Keywords that public functions don't have, in calls of `nst_jax.NAME`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("nst_jax."):
            name = ast.unparse(node.func).removeprefix("nst_jax.")
            known = inspect.signature(getattr(nst_jax, name)).parameters
            for keyword in node.keywords:
                if keyword.arg not in known:
                    yield f"nst_jax.{name}({keyword.arg}=)"


def test_snippets_use_what_exists():
    snippets = list(blocks("python"))
    assert snippets
    for name, snippet in snippets:
        tree = ast.parse(snippet, name)
        for used in names_used(tree):
            pkgutil.resolve_name(used)
        assert not list(unknown_keywords(tree)), name


@pytest.mark.parametrize(
    "snippet", ["nst_jax.Options(sise=3)", "nst_jax.stylize('a', 'b', Option=1)"]
)
def test_a_misspelt_keyword_would_be_seen(snippet):
    assert list(unknown_keywords(ast.parse(snippet)))
