"""Compiled programs that are kept, and a device that is not used."""

import os
import subprocess
import sys
import zlib

import pytest

from nst_jax.devices import backend, programs

_PROGRAM = """
import jax, jax.numpy as jnp
from pathlib import Path
from nst_jax.devices import programs
programs.keep_compiled_programs({folder!r}, Path("never"))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
print(float(jax.jit(lambda x: jnp.sin(x) + {term})(1.0)))
"""

# Asks for folders one after the other, and prints where programs are kept then.
_FOLDERS = """
import jax, os, sys
from pathlib import Path
from nst_jax.devices import programs
def ask(folder, default):
    programs.keep_compiled_programs(folder, Path(default))
    print(jax.config.jax_compilation_cache_dir)
ask("off", "default")
os.environ["JAX_COMPILATION_CACHE_DIR"] = "theirs"
ask(None, "default")
ask("file/below", "default")
ask("asked", "default")
del os.environ["JAX_COMPILATION_CACHE_DIR"]
ask(None, "default/below")
"""


def run(program, **keywords) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ
        | {"JAX_ENABLE_COMPILATION_CACHE": "true", "PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        check=True,
        **keywords,
    )


def entries(folder) -> dict[str, set[str]]:
    """Keys of programs and of their times of use."""
    names = [path.name for path in folder.iterdir() if path.name[0] != "."]
    return {
        kind: {n.removesuffix(kind) for n in names if n.endswith(kind)}
        for kind in ("-cache", "-atime")
    }


@pytest.mark.slow  # A program of its own.
def test_a_cache_whose_times_are_lost_goes_on(tmp_path):
    """As an older version left it, or a program that was killed."""
    folder = tmp_path / "xla"
    assert run(_PROGRAM.format(folder=str(folder), term=1)).stderr == ""
    before = entries(folder)
    assert before["-cache"] == before["-atime"] != set()
    for used in folder.glob("*-atime"):
        used.unlink()
    assert run(_PROGRAM.format(folder=str(folder), term=2)).stderr == ""
    after = entries(folder)
    assert after["-cache"] == after["-atime"] > before["-cache"]


@pytest.mark.slow  # Processes that import JAX.
def test_a_damaged_program_is_compiled_anew_once(tmp_path):
    """Without a line: JAX's would come at every start, or it would crash."""
    folder = tmp_path / "xla"
    ask = _PROGRAM.format(folder=str(folder), term=1)
    first = run(ask)
    (entry,) = folder.glob("*-cache")
    before = entry.read_bytes()
    entry.write_bytes(zlib.compress(bytes(5000)))  # On which JAX may crash.
    again = run(ask)
    assert (again.stdout, again.stderr) == (first.stdout, "")
    healed = entry.stat().st_mtime_ns
    assert len(entry.read_bytes()) == pytest.approx(len(before), rel=0.1)
    assert run(ask).stderr == ""
    assert entry.stat().st_mtime_ns == healed


def test_where_programs_are_kept(tmp_path):
    """Off and a user's own cache change nothing, nor does a place that can't be."""
    (tmp_path / "file").touch()
    places = run(_FOLDERS, cwd=tmp_path).stdout.split()
    assert places == ["None", "None", "None", "asked", "default/below"]
    assert sorted(os.listdir(tmp_path)) == ["asked", "default", "file"]
    # Who can write there can run code here.
    assert (tmp_path / "asked").stat().st_mode & 0o777 == 0o700


def test_a_gpu_that_is_not_used_is_told_of(tmp_path, monkeypatch):
    lines: list[str] = []
    tool = tmp_path / "nvidia-smi"
    monkeypatch.setenv("PATH", str(tmp_path))
    for platform, there, told in (
        ("", False, False),
        ("cpu", True, False),
        ("", True, True),
    ):
        if there:
            tool.touch(0o755)
        monkeypatch.setenv("JAX_PLATFORMS", platform)
        programs.report_missing_accelerator(lines.append)
        assert bool(lines) == told, (platform, there)
    assert "nst-jax[cuda13]" in lines[0]


_PRIVATE = """
import jax, os, sys
from pathlib import Path
from nst_jax.devices import programs
os.umask(0)
for folder, default in (None, "made/xla"), (None, "open"), ("shared", "d"):
    programs.keep_compiled_programs(folder, Path(default))
    print(jax.config.jax_compilation_cache_dir)
"""


@pytest.mark.slow  # A program of its own.
def test_who_can_write_programs_can_run_code_here(tmp_path):
    """So the default folder is the user's alone; one that was named is as it is."""
    for name in ("open", "shared"):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(0o777)
    asked = run(_PRIVATE, cwd=tmp_path).stdout.split()
    assert asked == ["made/xla", "open", "shared"]
    modes = [
        (tmp_path / name).stat().st_mode & 0o777
        for name in ("made", "made/xla", "open", "shared")
    ]
    assert modes == [0o700, 0o700, 0o755, 0o777]


def test_large_programs_on_cpus_are_ordered_for_memory_and_others_are_left_alone():
    small, large = programs.compiler_options(2**15), programs.compiler_options(2**16)
    order = "xla_cpu_enable_concurrency_optimized_scheduler"
    assert large == {**small, order: False}
    with backend.made_for("gpu"):
        assert programs.compiler_options(2**20) is None
