"""README stays true: its table of options, its pictures, its commands."""

import re
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parent.parent.parent
_README = (_ROOT / "README.md").read_text()


def test_table_of_options_is_up_to_date():
    command = [sys.executable, _ROOT / "scripts/options_table.py"]
    table = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "| `--style_weight` | `100.0` |" in table
    assert table in _README


def test_local_links_exist():
    links = re.findall(r"\]\(([^)#:]+)\)", _README)
    assert "examples/photos/cat.jpg" in links
    assert not [link for link in links if not (_ROOT / link).exists()]


def test_flags_in_the_examples_exist():
    from nst_jax.commands import main

    commands = re.findall(r"^nst-jax (stylize [^#\n]+)", _README, re.MULTILINE)
    assert len(commands) >= 5
    for command in commands:
        main.parser().parse_args(command.split())
