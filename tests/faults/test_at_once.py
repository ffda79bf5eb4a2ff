"""Two programs at once: on one picture, with one cache that is empty, on one folder."""

import os
import shutil
from pathlib import Path

import pytest
from faults import kill_runs
from support.program import QUICK, installed, start

STYLIZE = ("stylize", "photos/a.png", "paintings/p.png", "-o", "out.png", "--offline")
STYLIZE = (*STYLIZE, *(flag for flag in QUICK if "cache" not in flag))


def begun(home: Path, *command: object):
    variables = {"NST_JAX_HOME": home, "JAX_ENABLE_COMPILATION_CACHE": "true"}
    return start(installed("nst-jax"), *command, **variables)


@pytest.mark.slow  # Processes that compile.
def test_two_first_runs_share_an_empty_cache(folder, tmp_path):
    base = tmp_path / "base"
    home = base / "home"
    shutil.copytree(os.environ["NST_JAX_HOME"], home)
    (base / "work").mkdir()
    first, second = (begun(home, *STYLIZE) for _ in range(2))
    for program in (first, second):
        output, errors = program.communicate(timeout=120)
        assert program.returncode == 0, errors
        assert errors in ("", "nst-jax: out.png will be replaced\n")
        assert output.startswith("out.png: 23x32, ")
    picture = Path("out.png").read_bytes()
    assert sorted(os.listdir()) == ["out.png", "paintings", "photos"]
    kept = kill_runs.files_of(base)
    assert kill_runs.damaged_programs(kept) == []
    third = begun(home, *STYLIZE)
    _, errors = third.communicate(timeout=120)
    assert third.returncode == 0, errors
    assert Path("out.png").read_bytes() == picture
    entries = {name: found for name, found in kept.items() if name.endswith("-cache")}
    now = kill_runs.files_of(base)
    assert len(entries) > 3
    # It found all there: none was compiled, or written, again.
    assert {n: found for n, found in now.items() if n.endswith("-cache")} == entries
