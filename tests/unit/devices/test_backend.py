"""Devices that aren't there, and plugins that don't work."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from nst_jax.devices import backend

_KIND = """
from nst_jax.devices import backend
from nst_jax.errors import NstError
try:
    print(backend.kind())
except NstError as error:
    print(type(error).__name__, error)
"""


def kind(*paths, **variables) -> tuple[str, str]:
    """What a process says that has these variables, and these folders of modules."""
    done = subprocess.run(
        [sys.executable, "-c", _KIND],
        env={
            **os.environ,
            **variables,
            "PYTHONPATH": os.pathsep.join([os.getcwd(), *map(str, paths)]),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout, done.stderr


def plugin(folder: Path, text: str) -> Path:
    """A plugin of JAX, as packages install them."""
    place = folder / "jax_plugins" / "broken"
    place.mkdir(parents=True)
    (place / "__init__.py").write_text(text)
    return folder


def test_of_these_tests():
    assert backend.kind() == backend.here() == "cpu"
    assert backend.count() == len(jax.devices())
    assert backend.name() == "cpu"


def test_programs_are_made_for_another_kind_while_it_lasts():
    with backend.made_for("tpu"):
        assert (backend.kind(), backend.here()) == ("tpu", "cpu")
        with backend.made_for("gpu"):
            assert backend.kind() == "gpu"
        assert backend.kind() == "tpu"
    assert backend.kind() == "cpu"
    with pytest.raises(ValueError, match="'cuda': must be one of cpu, gpu, tpu"):
        backend.made_for("cuda")


def test_what_is_traced_for_another_kind_is_kept_apart():
    @jax.jit
    def asked(x):
        return x + backend.kind().index("p")

    assert asked(0) == 1
    with backend.made_for("gpu"):
        assert asked(0) == 1
    traced = [asked.trace(0).jaxpr]
    with backend.made_for("tpu"):
        traced.append(asked.trace(0).jaxpr)
        assert backend.kind() == "tpu"
    assert traced[0] is not traced[1]


@pytest.mark.parametrize(
    "asked",
    [
        "cuda",
        *(pytest.param(a, marks=pytest.mark.slow) for a in ("nonsense", "cuda,tpu")),
    ],
)
def test_what_is_asked_for_and_is_not_there_is_one_line(asked):
    output, errors = kind(JAX_PLATFORMS=asked, CUDA_VISIBLE_DEVICES="")
    begin = f"DeviceError JAX_PLATFORMS={asked}: no such device can be used here"
    assert output.startswith(begin)
    assert "set it to cpu, or leave it out" in output
    assert ("nst-jax[cuda13]" in output) == ("cuda" in asked)
    assert (output.count("\n"), errors) == (1, "")


@pytest.mark.slow  # Processes that import JAX.
@pytest.mark.parametrize(
    "text",
    [
        "raise ImportError('libnothing.so: cannot open\\nshared object file')",
        "def initialize(): raise RuntimeError('the driver is\\ntoo old')",
    ],
)
def test_a_broken_plugin_is_one_line_and_the_cpu_is_used(tmp_path, text):
    output, errors = kind(plugin(tmp_path, text), JAX_PLATFORMS="")
    assert output == "cpu\n"
    assert "Jax plugin configuration error: " in errors
    assert "cannot open shared" in errors or "driver is too old" in errors
    assert errors.count("\n") == 1
