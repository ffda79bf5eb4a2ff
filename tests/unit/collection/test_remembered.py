"""Names that pictures have stay, whatever comes in beside them."""

import itertools
import os
from pathlib import Path

import pytest

from nst_jax.collection import manifest
from nst_jax.collection.naming import DEFAULT_TEMPLATE
from nst_jax.collection.wanted import named
from nst_jax.images.source import Source
from nst_jax.options import Options
from nst_jax.transfer.jobs import Job


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("x/a.png", "x/a.jpg", "x/b.png", "y/a.png", "p.png", "q.png"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    return tmp_path


class Folder:
    """What a folder holds, by the names that are asked for one after the other."""

    def __init__(self, template=DEFAULT_TEMPLATE):
        self.template, self.known = template, {}

    def add(self, *contents, styles=("p.png",), varied=({},)):
        """The names of all pairs."""
        asked = list(itertools.product(contents, styles, varied))
        jobs = [Job(Source(c), (Source(s),), Options(**of), ()) for c, s, of in asked]
        of_each = [of for _, _, of in asked]
        found = named(jobs, of_each, self.template, self.known)
        for one, of in zip(found, of_each, strict=True):
            content, style = one.job.content.key, one.job.styles[0].key
            entry = manifest.Entry(one.name, content, style, "", "done", varied=of)
            self.known[one.name] = entry
        return [one.name for one in found]


def test_a_known_stem_renames_nothing(place):
    folder = Folder()
    assert folder.add("x/a.png", "x/b.png") == ["a_p.png", "b_p.png"]
    both = ["a_p.png", "a_jpg_p.png", "b_p.png"]
    assert folder.add("x/a.png", "x/a.jpg", "x/b.png") == both
    # However it is spelled, in whatever order, and without those of before.
    again = folder.add(str(place / "x/a.jpg"), "./x/b.png", "y/../x/a.png")
    assert again == ["a_jpg_p.png", "b_p.png", "a_p.png"]
    assert folder.add("y/a.png") == ["y_a_p.png"]
    assert folder.add("x/a.png", styles=["q.png"]) == ["a_q.png"]


def test_without_a_folder_of_before_all_get_their_endings(place):
    assert Folder().add("x/a.png", "x/a.jpg") == ["a_png_p.png", "a_jpg_p.png"]


def test_paintings_keep_their_names_too(place):
    folder = Folder()
    assert folder.add("p.png", styles=["x/a.png"]) == ["p_a.png"]
    found = folder.add("p.png", styles=["y/a.png", "x/a.png"])
    assert found == ["p_y_a.png", "p_a.png"]


def test_what_was_moved_keeps_its_name(place):
    folder = Folder()
    folder.add("x/a.png")
    assert folder.add("x/a.png", "x/a.jpg") == ["a_p.png", "a_jpg_p.png"]
    os.rename("x", "z")
    assert folder.add("z/a.png", "z/a.jpg") == ["a_p.png", "a_jpg_p.png"]


def test_numbers_are_kept_and_new_ones_follow(place):
    folder = Folder("{index}.png")
    assert folder.add("x/a.png", "x/b.png") == ["0000.png", "0001.png"]
    found = folder.add("x/a.jpg", "x/a.png", "x/b.png")
    assert found == ["0002.png", "0000.png", "0001.png"]
    varied = [{"seed": 1}, {"seed": 2}]
    assert folder.add("x/a.png", varied=varied) == ["0003.png", "0004.png"]


def test_values_are_told_from_labels(place):
    folder = Folder()
    varied = [{"style_weight": 3.0}, {"style_weight": 10.0}]
    names = ["a_p_style_weight=3.png", "a_p_style_weight=10.png"]
    assert folder.add("x/a.png", varied=varied) == names
    assert folder.add("x/a.jpg", "x/a.png", varied=varied)[2:] == names


def test_another_template_gives_other_names(place):
    folder = Folder()
    folder.add("x/a.png", "x/a.jpg")
    folder.template = "{style}/{content}.png"
    assert folder.add("x/a.png", "x/b.png") == ["p/a.png", "p/b.png"]
    assert folder.add("x/a.png", "x/a.jpg") == ["p/a.png", "p/a_jpg.png"]


def test_what_a_manifest_may_say_is_no_trouble(place):
    folder = Folder()
    for name in ("a\0_p.png", "(_p.png", "_.png", "a_p.png/b"):
        entry = manifest.Entry(name, "a\0", "(", "", "done")
        folder.known[name] = entry
    assert folder.add("x/a.png") == ["a_p.png"]
