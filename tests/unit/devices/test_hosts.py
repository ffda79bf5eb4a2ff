"""Several hosts: shares, folders, and a batch of two processes."""

import os
import socket
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from nst_jax.collection import manifest
from nst_jax.devices.hosts import Hosts
from nst_jax.errors import OptionsError

WHERE = "127.0.0.1:1234"


def test_each_thing_is_one_hosts():
    hosts = [Hosts(3, place, WHERE) for place in range(3)]
    shares = [host.share(range(8)) for host in hosts]
    assert shares == [[0, 3, 6], [1, 4, 7], [2, 5]]
    assert Hosts().share("ab") == ["a", "b"]


def test_each_has_a_folder_of_its_own(tmp_path):
    assert Hosts(2, 1, WHERE).folder(tmp_path) == tmp_path / "host1"
    assert Hosts().folder(tmp_path) == tmp_path


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ((2, 2, WHERE), "host=2 is out of range: give 0 to 1"),
        ((1, 1), "host=1 is out of range"),
        ((2, 0), "need --coordinator"),
        ((2, 0, "here"), "coordinator=here: give ADDRESS:PORT"),
    ],
)
def test_what_can_not_be_is_said(given, line):
    with pytest.raises(OptionsError, match=line):
        Hosts(*given)


def test_one_alone_finds_the_folders_of_several(tmp_path):
    for name in ("host1", "host0", "hostess", "a"):
        (tmp_path / name).mkdir()
    (tmp_path / "host2").touch()
    found = Hosts().others(tmp_path)
    assert [path.name for path in found] == ["host0", "host1"]
    assert Hosts(2, 1, WHERE).others(tmp_path) == []
    assert Hosts().others(tmp_path / "none") == []


def test_one_host_meets_nobody():
    with Hosts().joined():
        pass


PROGRAM = """
import numpy as np
from support.tiny import built, random_weights, tiny_vgg
from nst_jax.commands.main import run
from nst_jax.networks import pretrained
from nst_jax.transfer import batch
def network(*args, **keywords):
    architecture = tiny_vgg()
    return built(architecture, random_weights(architecture, np.random.default_rng(0)))
batch.network_of = network
pretrained.fetched = lambda names, **keywords: {name: "0" * 64 for name in names}
run()
"""


@pytest.mark.slow
def test_two_processes_share_a_batch(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("a", "b", "c", "style"):
        pixels = rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def begun(*flags: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [
                *(sys.executable, "-c", PROGRAM, "batch", "--contents"),
                *("a.png", "b.png", "c.png", "--styles", "style.png"),
                *("--output_dir=out", "--size=32", "--style_loss=gram"),
                *("--solver=adam", "--steps=2", "--compilation_cache_dir=off", *flags),
            ],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stderr=subprocess.PIPE,
            text=True,
        )

    meeting = f"--coordinator=127.0.0.1:{port}", "--hosts=2"
    ran = [begun(*meeting, f"--host={host}") for host in range(2)]
    said = [process.communicate(timeout=200)[1] for process in ran]
    assert [process.returncode for process in ran] == [0, 0], said
    made = sorted(
        str(p.relative_to(tmp_path / "out")) for p in tmp_path.glob("out/*/[abc]_*.png")
    )
    assert made == ["host0/a_style.png", "host0/c_style.png", "host1/b_style.png"]
    # One of them is lost; then one folder of all.
    (tmp_path / "out" / "host0" / "c_style.png").unlink()
    alone = begun()
    _, said = alone.communicate(timeout=200)
    assert alone.returncode == 0, said
    assert "2 pictures of other hosts taken in" in said
    entries = manifest.read(tmp_path / "out" / "manifest.jsonl")
    assert list(entries) == ["a_style.png", "b_style.png", "c_style.png"]
    for host, name in ((0, "a_style.png"), (1, "b_style.png")):
        there = tmp_path / "out" / f"host{host}" / name
        assert (tmp_path / "out" / name).read_bytes() == there.read_bytes()
    page = (tmp_path / "out" / "index.html").read_text()
    assert all(f'"./{name}"' in page for name in entries)
