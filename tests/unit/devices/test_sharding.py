"""Several devices: what is chosen, how arrays lie, and that results are the same."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from nst_jax.devices import sharding
from nst_jax.devices.sharding import ONE, Layout
from nst_jax.errors import OptionsError

PROGRAM = Path(__file__).parents[2] / "support" / "devices.py"


@pytest.fixture
def eight(monkeypatch):
    """As if eight devices were here, where they are only counted."""
    monkeypatch.setattr(jax, "local_device_count", lambda: 8)


@pytest.mark.parametrize(
    ("asked", "jobs", "pixels", "lanes", "expected"),
    [
        ("auto", 8, 512**2, None, Layout(8, 1)),
        ("auto", 20, 512**2, None, Layout(8, 1)),
        ("auto", 3, 256**2, None, Layout(2, 1)),
        ("auto", 1, 256**2, None, ONE),
        ("auto", 1, 2048**2, None, Layout(1, 8)),
        ("auto", 2, 2048**2, None, Layout(2, 4)),
        ("auto", 20, 2048**2, 1, ONE),
        ("auto", 20, 256**2, 4, Layout(4, 1)),
        ("1", 20, 2048**2, None, ONE),
        ("6", 3, 64**2, None, Layout(3, 2)),
        ("2x4", 1, 64**2, None, Layout(2, 4)),
    ],
)
def test_lanes_come_first_and_rows_get_the_rest(
    eight, asked, jobs, pixels, lanes, expected
):
    found = sharding.chosen(asked, jobs=jobs, pixels=pixels, lanes=lanes)
    assert found == expected


@pytest.mark.parametrize("asked", ["0", "x", "2x", "-1", "many", "2x0", "1.5"])
def test_what_is_no_number_of_devices_is_said(asked):
    with pytest.raises(OptionsError, match="give auto, a number, or LANESxROWS"):
        sharding.chosen(asked, jobs=1, pixels=1)


def test_more_devices_than_there_are(eight):
    with pytest.raises(OptionsError, match="there are 8 here"):
        sharding.chosen("3x3", jobs=1, pixels=1)


def test_arrays_lie_by_lanes_and_rows():
    layout = Layout(1, 1, (jax.devices()[0],))
    tree = {
        "image": jax.ShapeDtypeStruct((2, 32, 20, 3), jnp.float32),
        "pairs": jax.ShapeDtypeStruct((2, 5, 32 * 20 * 3), jnp.float32),
        "loss": jax.ShapeDtypeStruct((2,), jnp.float32),
        "step": jax.ShapeDtypeStruct((), jnp.int32),
    }
    placed = layout.images(tree, (32, 20))
    spec = {name: tuple(leaf.sharding.spec) for name, leaf in placed.items()}
    assert spec == {
        "image": ("lanes", "rows", None, None),
        "pairs": ("lanes", None, "rows"),
        "loss": ("lanes",),
        "step": (),
    }
    gram = jax.ShapeDtypeStruct((2, 32, 32), jnp.float32)
    features = jax.ShapeDtypeStruct((2, 8, 5, 16), jnp.float32)
    found = layout.targets([gram, features])
    assert [tuple(leaf.sharding.spec) for leaf in found] == [
        ("lanes",),
        ("lanes", "rows"),
    ]
    assert Layout(1, 4).multiple == 64
    assert (ONE.multiple, ONE.images(tree, (32, 20))) == (1, tree)


@pytest.mark.slow
def test_eight_devices_give_what_one_does():
    """Solvers, losses, odd heights, rows that are all padding; one pass; training."""
    checks = ["adam", "lbfgs", "positions", "apply", "train", "plan"]
    flags = os.environ.get("XLA_FLAGS", "")
    count = "--xla_force_host_platform_device_count=8"
    done = subprocess.run(
        [sys.executable, PROGRAM, *checks],
        env={**os.environ, "XLA_FLAGS": f"{flags} {count}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("agree") == len(checks)
