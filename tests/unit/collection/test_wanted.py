"""The pictures that a folder is to have: names, keys, and what can't be kept."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
from support.classic import classic

from nst_jax.collection.wanted import Wanted, check, named, varied_text
from nst_jax.errors import ImageError, OptionsError
from nst_jax.images import files
from nst_jax.images.source import Source
from nst_jax.transfer.jobs import Job

DIGESTS = {"a.png": "1" * 64, "p.png": "2" * 64}
TEMPLATE = "{content}_{style}{varied}.png"


def job(content="a.png", style="p.png", at=(), **options):
    return Job(Source(content), (Source(style),), classic(**options), at)


def wanted(name="a_p.png", of=None, **changes):
    return Wanted(of or job(), name, {}, **changes)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The working folder, with a photo and a painting."""
    for name in ("a.png", "p.png"):
        files.write(tmp_path / name, np.zeros((9, 9, 3), np.float32))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_names_by_a_template():
    jobs = [job(f"{c}/x.png", "p.png", style_weight=w) for c in "ab" for w in (1, 2.5)]
    varied = [{"style_weight": float(one.options.style_weight)} for one in jobs]
    names = [one.name for one in named(jobs, varied, TEMPLATE)]
    assert names == [
        *("a_x_p_style_weight=1.png", "a_x_p_style_weight=2.5.png"),
        *("b_x_p_style_weight=1.png", "b_x_p_style_weight=2.5.png"),
    ]
    template = "{style}/{index}_{style_weight}_{solver}.jpg"
    made = named(jobs[:2], varied[:2], template)
    assert [one.name for one in made] == ["p/0000_1_lbfgs.jpg", "p/0001_2.5_lbfgs.jpg"]
    assert [(one.job, one.varied, one.at) for one in made] == [
        (jobs[0], varied[0], None),
        (jobs[1], varied[1], None),
    ]


def test_what_varies_as_text():
    varied = {"style_weight": 1e-4, "seed": 3, "color": "linear"}
    assert varied_text(varied, "_") == "_style_weight=0.0001_seed=3_color=linear"
    assert varied_text({}, "_") == ""


def test_the_key_of_a_picture_on_the_way():
    """It is that of a run as long as that, where such a run has the same course."""
    on_the_way = wanted(of=job(at=(50,)), at=50)
    assert on_the_way.made == job(steps=50)
    assert on_the_way.key(DIGESTS, "w") == wanted(of=job(steps=50)).key(DIGESTS, "w")
    assert wanted(of=job(at=(50,))).key(DIGESTS, "w") == wanted().key(DIGESTS, "w")
    # Adam's rate falls to the end; a pyramid shares the iterations out.
    for options in ({"solver": "adam"}, {"pyramid": 2}):
        of = job(at=(50,), **options)
        keys = {
            one.key(DIGESTS, "w")
            for one in (
                wanted(of=of),
                wanted(of=of, at=50),
                wanted(of=job(at=(50,), steps=600, **options), at=50),
                wanted(of=job(steps=50, **options)),
            )
        }
        assert len(keys) == 4


def test_a_check_leaves_no_trace(place):
    check(Path("deep/er"), [wanted("p/a.png")])
    assert sorted(os.listdir()) == ["a.png", "p.png"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [("a.png", "File exists"), ("a.png/x", "Not a directory"), ("gone", "File exists")],
)
def test_a_folder_that_cannot_be_made(place, path, reason):
    (place / "gone").symlink_to("nowhere")
    with pytest.raises(OptionsError) as raised:
        check(Path(path), [wanted()])
    assert (
        str(raised.value)
        == f"output_dir={path}: can't be made ({reason}); choose another folder"
    )


def test_a_picture_that_cannot_be_written(place):
    (place / "out" / "a_p.png").mkdir(parents=True)
    with pytest.raises(ImageError, match=r"^out/a_p\.png: is a folder"):
        check(Path("out"), [wanted()])


@pytest.mark.parametrize(
    ("path", "name"),
    [(".", "a.png"), ("again", "p.png"), (".", "sub/../a.png"), (".", "start.png")],
)
def test_no_original_is_overwritten(place, path, name):
    (place / "again").symlink_to(place)
    of = job(init="start.png")
    with pytest.raises(ImageError) as raised:
        check(Path(path), [wanted("other.png", of), wanted(name, of)])
    assert str(raised.value) == (
        f"{Path(path, name)}: is read too (as {Path(name).name}), and would be "
        "overwritten; choose another --output_dir or --name"
    )


def test_nor_is_one_by_the_sheet(place):
    photo = job("contact_sheet.jpg")
    with pytest.raises(ImageError, match=r"^contact_sheet\.jpg: is read too"):
        check(Path(), [dataclasses.replace(wanted(), job=photo)])
