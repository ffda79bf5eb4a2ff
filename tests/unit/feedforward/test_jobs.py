"""What tells one picture of one pass from another."""

import dataclasses

import pytest

from nst_jax.errors import OptionsError
from nst_jax.feedforward import jobs
from nst_jax.feedforward.options import Options


def test_digests_tell_what_makes_a_picture():
    options = Options(model="styles26", style="2")
    job = jobs.job("a.jpg", {}, options)
    contents = {"a.jpg": "aa", "p.jpg": "bb", "q.jpg": "cc"}
    seen = {job.digest(contents, "w")}
    for other in (
        (job, contents, "v"),
        (job, {**contents, "a.jpg": "x"}, "w"),
        *(
            (
                jobs.job("a.jpg", {}, dataclasses.replace(options, **changes)),
                contents,
                "w",
            )
            for changes in ({"style": "3"}, {"strength": 0.5}, {"color": "linear"})
        ),
        (jobs.job("a.jpg", {"p.jpg": 1.0}, options), contents, "w"),
        (jobs.job("a.jpg", {"p.jpg": 0.5, "q.jpg": 0.5}, options), contents, "w"),
    ):
        made, *given = other
        seen.add(made.digest(*given))
    assert len(seen) == 8
    # Neither what the network's file, nor what the painting's is called.
    renamed = jobs.job("a.jpg", {}, dataclasses.replace(options, model="x.safetensors"))
    assert renamed.digest(contents, "w") == job.digest(contents, "w")
    one, other = (
        jobs.job("a.jpg", {path: 1.0}, dataclasses.replace(options, style=path))
        for path in ("p.jpg", "r.jpg")
    )
    contents["r.jpg"] = "bb"
    assert one.digest(contents, "w") == other.digest(contents, "w")


def test_styles_have_names_fit_for_files():
    for style, label in {
        None: "candy",
        "2": "candy_2",
        "monet": "candy_monet",
        "3:0.7,5:0.3": "candy_3-70_5-30",
        "v1.5": "candy_v1_5",
    }.items():
        assert (
            jobs.style_label(Options(model="x/candy.safetensors", style=style)) == label
        )


def test_paintings_with_shares(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "b,c:1.jpg"):
        (tmp_path / name).touch()
    assert jobs.paintings_of("a.jpg") == {"a.jpg": 1.0}
    assert jobs.paintings_of("b,c:1.jpg") == {"b,c:1.jpg": 1.0}
    (tmp_path / "d.jpg").touch()
    assert jobs.paintings_of("a.jpg:3,d.jpg:1") == {"a.jpg": 0.75, "d.jpg": 0.25}
    assert jobs.paintings_of("a.jpg,d.jpg") == {"a.jpg": 0.5, "d.jpg": 0.5}
    for bad, line in {"e.jpg": "no such painting", "a.jpg:0": "not all 0"}.items():
        with pytest.raises(OptionsError, match=line):
            jobs.paintings_of(bad)
