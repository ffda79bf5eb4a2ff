"""Paintings that are blended, as text: which files it names, labels, a picture."""

from pathlib import Path

import numpy as np
import pytest
from support.batch_pictures import PAINTINGS, PHOTOS, SHALLOW, job

from nst_jax.collection import blends, wanted
from nst_jax.errors import ImageError
from nst_jax.images import files, resize
from nst_jax.images.source import Source
from nst_jax.transfer.jobs import Job


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Two paintings, one whose name has a +, and one in a folder that has one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c+d").mkdir()
    for name in ("a.png", "b.png", "a+b.png", "c+d/e.png"):
        files.write(name, PAINTINGS[0] if "a" in name else PAINTINGS[1])
    return tmp_path


@pytest.mark.parametrize(
    ("text", "paths"),
    {
        "a.png": ("a.png",),
        "a.png+b.png": ("a.png", "b.png"),
        "b.png+a.png+b.png": ("b.png", "a.png", "b.png"),
        "a+b.png": ("a+b.png",),
        "a.png+a+b.png": ("a.png", "a+b.png"),
        "c+d": ("c+d",),
        "c+d/e.png+a.png": ("c+d/e.png", "a.png"),
        "a.png+no.png": ("a.png", "no.png"),
        # Of what isn't there, and of what names nothing, one line is said: the whole.
        "no+where.png": ("no+where.png",),
        "a.png+": ("a.png+",),
        "a\0+b": ("a\0+b",),
        "x" * 5000 + "+a.png": ("x" * 5000 + "+a.png",),
        "": ("",),
    }.items(),
)
def test_the_files_that_a_text_names(folder, text, paths):
    assert blends.split(text) == paths
    assert blends.split(text, folder) == paths


def test_each_painting_of_a_text_may_be_at_home(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder / "c+d"))
    for place in (Path(), folder / "lists"):
        assert blends.split("~/e.png+~/e.png", place) == ("~/e.png", "~/e.png")
    assert blends.split("~/e.png") == ("~/e.png",)
    assert blends.split("a.png+~/e.png+b.png") == ("a.png", "~/e.png", "b.png")


def test_a_job_says_its_paintings_as_they_are_read_again(folder):
    paths = ("c+d/e.png", "a.png", "a+b.png")
    one = Job(Source("photo.png"), tuple(map(Source, paths)), SHALLOW)
    assert blends.split(blends.joined(one)) == paths


def test_labels_and_names_tell_blends_apart():
    given = [("x/a.png", "b.png"), ("y/a.png",), ("b.png", "x/a.png")]
    assert blends.labels(given) == ["x_a+b", "y_a", "b+x_a"]
    jobs = [Job(Source("cat.png"), tuple(map(Source, s)), SHALLOW) for s in given]
    varied = [{"style_blend": (3.0, 1.0)}, {}, {}]
    found = wanted.named(jobs, varied, "{content}_{style}{varied}.png")
    assert [one.name for one in found] == [
        *("cat_x_a+b_style_blend=3,1.png", "cat_y_a.png", "cat_b+x_a.png")
    ]


def test_a_blend_is_shown_side_by_side(folder):
    found = blends.read("a.png+b.png", 100)
    first, second = (files.read(name) for name in ("a.png", "b.png"))
    height = min(first.shape[0], second.shape[0])
    width = round(first.shape[1] * height / first.shape[0])
    assert found.shape[0] == height
    np.testing.assert_array_equal(
        found[:, :width], resize.resize(first, (height, width))
    )
    np.testing.assert_array_equal(blends.read("a.png", 100), first)
    assert max(blends.read("a.png+b.png", 20).shape) == 20
    with pytest.raises(ImageError, match=r"^no\.png: no such file"):
        blends.read("a.png+no.png", 100)


def test_a_painting_by_itself_has_no_shares_beside_blends():
    from nst_jax.transfer.jobs import shared

    options = SHALLOW.__class__(style_blend=(1.0, 2.0))
    alone, blend = (job(PHOTOS[0], s, options) for s in (PAINTINGS[:1], PAINTINGS))
    assert [one.options.style_blend for one in shared([alone, blend])] == [
        *((), (1.0, 2.0))
    ]
    assert shared([alone]) == [alone]
