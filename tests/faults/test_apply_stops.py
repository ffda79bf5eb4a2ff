"""Ctrl-C while a network paints: what is done is kept, and can be used."""

import glob
import os
import shutil
import signal
import sys
import time

import pytest
from support import stylizers
from support.batch_folder import folder, picture
from support.program import Reader, installed, run, start
from support.stored_weights import home

from nst_jax.collection import manifest
from nst_jax.images import files

__all__ = ["folder", "home"]

pytestmark = pytest.mark.slow

PHOTOS = 20


def test_a_folder_goes_on(folder, monkeypatch):
    stylizers.put(folder / "net.safetensors")
    (folder / "many").mkdir()
    files.write(folder / "many/00.png", picture(0, 256, 264))
    for number in range(1, PHOTOS):
        shutil.copy("many/00.png", f"many/{number:02d}.png")
    command = ("apply", "many", "--model=net.safetensors", "--style=1", "-o", "out")
    stopping = Reader(("264x256", lambda: signal.raise_signal(signal.SIGINT)))
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stopping)
        assert run(*command, "--compilation_cache_dir=off") == 128 + signal.SIGINT
    assert "the same command goes on" in stopping.getvalue()
    done = manifest.read(folder / "out/manifest.jsonl")
    assert 0 < len(done) < PHOTOS
    assert all(files.read(folder / "out" / name).shape for name in done)
    assert run(*command, "--compilation_cache_dir=off") == 0
    assert len(manifest.read(folder / "out/manifest.jsonl")) == PHOTOS
    lines = (folder / "out/manifest.jsonl").read_text().count("\n")
    assert lines == PHOTOS  # None was made twice.


def test_a_clip_ends_there(folder):
    from support import clips

    stylizers.put(folder / "net.safetensors")
    many = clips.Kind(frames=1000)
    clips.make(folder / "clip.mp4", many)
    program = start(
        *(installed("python3"), "-m", "nst_jax.commands.main", "apply", "clip.mp4"),
        *("--model=net.safetensors", "--style=1", "-o", "new.mp4"),
        "--compilation_cache_dir=off",
    )
    for _ in range(600):
        begun = glob.glob(".nst_jax-clip-*")
        if begun and os.path.getsize(begun[0]):
            break
        time.sleep(0.1)
    program.send_signal(signal.SIGINT)
    output, errors = program.communicate(timeout=120)
    assert program.returncode == 128 + signal.SIGINT, errors
    assert "the clip ends there" in output
    found = clips.look(folder / "new.mp4")
    assert 0 < len(found.images) < 1000
    assert f"{len(found.images)} frames" in output
    assert found.seconds == pytest.approx(len(found.images) / 25, abs=0.01)
    assert not glob.glob(".nst_jax*")
