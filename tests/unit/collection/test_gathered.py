"""Pictures of other machines, taken into one folder; no host is needed for it."""

import dataclasses
import errno
import os
from pathlib import Path

import numpy as np
import pytest
from support.classic import classic

from nst_jax.collection import gathered, manifest
from nst_jax.collection.folder import Folder
from nst_jax.collection.wanted import Wanted
from nst_jax.images import files
from nst_jax.images.source import Source
from nst_jax.transfer.jobs import Job
from nst_jax.transfer.results import Result

OPTIONS = classic(size=32, steps=1)


def wanted_of(name: str, options=OPTIONS) -> Wanted:
    job = Job(Source(f"{name}.png"), (Source("p.png"),), options)
    return Wanted(job, f"{name}_p.png", {})


@pytest.fixture
def said():
    return []


@pytest.fixture
def opened(tmp_path, monkeypatch, said):
    for number, name in enumerate("abp"):
        files.write(tmp_path / f"{name}.png", np.full((8, 9, 3), 0.2 * number))
    monkeypatch.chdir(tmp_path)

    def say(line, *, file=None):
        said.append(line)

    def open_for(path, *wanted, **how):
        return Folder(Path(path), wanted, weights={"vgg19": "1"}, say=say, **how)

    return open_for


def made(folder: Folder, shade: float) -> None:
    for job in folder.jobs:
        image = np.full((8, 9, 3), shade, np.float32)
        losses = np.array([2.0, shade], np.float32)
        how = {"seconds": 1.0, "compile_seconds": 0.0, "events": ()}
        how |= {"iterations": 1, "loss": shade, "losses": losses, "options": OPTIONS}
        folder.add(job, Result(image=image, **how))


def hosts(opened) -> list[Path]:
    """The folders of two, each of which made a picture."""
    paths = [Path("out/host0"), Path("out/host1")]
    for path, name, shade in zip(paths, "ab", (0.25, 0.75), strict=True):
        made(opened(path, wanted_of(name)), shade)
    return paths


def test_what_hosts_made_is_one_folder(opened, said):
    both, paths = [wanted_of("a"), wanted_of("b")], hosts(opened)
    del said[:]
    folder = opened("out", *both)
    folder.take_in(paths)
    assert said == ["nst-jax: 2 pictures of other hosts taken in"]
    assert all(folder.is_done(one.job) for one in both)
    assert not folder.unfinished
    folder.finish()
    known = manifest.read("out/manifest.jsonl")
    assert [entry.loss for entry in known.values()] == [0.25, 0.75]
    for path, name in zip(paths, "ab", strict=True):
        picture = Path(f"out/{name}_p.png")
        assert picture.read_bytes() == (path / picture.name).read_bytes()
        assert (
            known[picture.name] == manifest.read(path / "manifest.jsonl")[picture.name]
        )
    assert sorted(p.name for p in Path("out").iterdir() if p.is_file()) == [
        *("a_p.png", "b_p.png", "contact_sheet.jpg", "index.html", "manifest.jsonl")
    ]
    # Once more there is nothing to take in, and nothing to make.
    del said[:]
    again = opened("out", *both)
    again.take_in(paths)
    assert said == ["nst-jax: 2 of 2 are done already"]
    # They needn't stay.
    for path in paths:
        for file in path.iterdir():
            file.unlink()
    assert opened("out", *both).is_done(both[1].job)


def test_other_options_and_damaged_pictures_are_not_taken(opened, said):
    paths = hosts(opened)
    Path("out/host1/b_p.png").write_bytes(b"cut")
    other = dataclasses.replace(OPTIONS, seed=7)
    wanted = [wanted_of("a", other), wanted_of("b")]
    del said[:]
    folder = opened("out", *wanted)
    folder.take_in(paths)
    assert said == []
    assert not any(folder.is_done(one.job) for one in wanted)
    assert not Path("out/a_p.png").exists()


def test_a_picture_has_the_name_that_is_asked_for_here(opened):
    paths = hosts(opened)
    wanted = dataclasses.replace(wanted_of("a"), name="other.png")
    folder = opened("out", wanted)
    folder.take_in(paths)
    assert folder.is_done(wanted.job)
    assert list(manifest.read("out/manifest.jsonl")) == ["other.png"]
    np.testing.assert_allclose(files.read("out/other.png"), 0.25, atol=0.01)


def test_what_a_manifest_says_lies_elsewhere_stays_there(opened):
    """Such as that of a stranger, whose lines name other files of this machine."""
    paths = hosts(opened)
    (entry,) = manifest.read(paths[0] / "manifest.jsonl").values()
    os.replace(paths[0] / "a_p.png", "secret.png")
    for name in ("../../secret.png", os.path.abspath("secret.png")):
        line = dataclasses.replace(entry, output=name)
        (paths[0] / "manifest.jsonl").unlink(missing_ok=True)
        manifest.append(paths[0] / "manifest.jsonl", line)
        folder = opened("out", wanted_of("a"))
        folder.take_in(paths)
        assert folder.unfinished
        assert not Path("out/a_p.png").exists()


def test_without_links_it_is_copied(opened, monkeypatch):
    def refused(*paths):
        raise OSError(errno.EPERM, "Operation not permitted")

    paths = hosts(opened)
    monkeypatch.setattr(gathered.os, "link", refused)
    folder = opened("out", wanted_of("a"))
    folder.take_in(paths)
    assert folder.is_done(wanted_of("a").job)
    assert not os.path.samefile("out/a_p.png", paths[0] / "a_p.png")
    # By its own time, so that it needn't be read to be known again.
    (entry,) = manifest.read("out/manifest.jsonl").values()
    assert entry.modified == os.stat("out/a_p.png").st_mtime_ns
