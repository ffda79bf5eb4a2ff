"""The cache of compiled programs."""

import os
import subprocess
import sys

_PROGRAM = """
import jax, jax.numpy as jnp
from nst_jax.devices import programs
programs.keep_compiled_programs({folder!r})
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
print(float(jax.jit(lambda x: jnp.sin(x) + {term})(1.0)))
"""


def run(folder, term: int) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", _PROGRAM.format(folder=str(folder), term=term)],
        env=os.environ | {"JAX_ENABLE_COMPILATION_CACHE": "true"},
        capture_output=True,
        text=True,
        check=True,
    )


def entries(folder) -> dict[str, set[str]]:
    """Keys of programs and of their times of use."""
    names = [path.name for path in folder.iterdir() if path.name[0] != "."]
    return {
        kind: {n.removesuffix(kind) for n in names if n.endswith(kind)}
        for kind in ("-cache", "-atime")
    }


def test_a_cache_whose_times_are_lost_goes_on(tmp_path):
    """As an older version left it, or a program that was killed."""
    folder = tmp_path / "xla"
    assert run(folder, 1).stderr == ""
    before = entries(folder)
    assert before["-cache"] == before["-atime"] != set()
    for used in folder.glob("*-atime"):
        used.unlink()
    assert run(folder, 2).stderr == ""
    after = entries(folder)
    assert after["-cache"] == after["-atime"] > before["-cache"]


def test_off_keeps_nothing(tmp_path):
    program = _PROGRAM.format(folder="off", term=3)
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    assert not list(tmp_path.iterdir())
