import json

import numpy as np
import pytest

from bench.quality import pairs
from bench.workload import ROOT
from nst_jax.errors import ImageError, OptionsError
from nst_jax.images import files


def test_both_halves_have_enough_and_share_no_photo():
    listed = json.loads(pairs.LIST.read_text())
    photos = {
        split: {one["photo"] for one in listed["pairs"] if one["split"] == split}
        for split in pairs.SPLITS
    }
    assert all(len(pairs.names(split)) >= 12 for split in pairs.SPLITS)
    assert not photos["tune"] & photos["judge"]
    named = {one[kind] for one in listed["pairs"] for kind in ("photo", "painting")}
    assert named == set(listed["sha256"])
    assert len(pairs.names()) == len(set(pairs.names()))
    for path in named:
        if path.startswith("examples/"):
            assert files.digest(ROOT / path) == listed["sha256"][path]


@pytest.fixture
def listing(tmp_path):
    """Two pairs, whose pictures are in `tmp_path`."""
    rng = np.random.default_rng(0)
    hashes = {}
    for name in ("photos/a.png", "photos/b.png", "images/c.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        files.write(path, rng.random((8, 9, 3), np.float32))
        hashes[name] = files.digest(path)
    listed = [
        {"name": n, "photo": f"photos/{n}.png", "painting": "images/c.png", "split": s}
        for n, s in (("a", "tune"), ("b", "judge"))
    ]
    path = tmp_path / "pairs.json"
    path.write_text(json.dumps({"pairs": listed, "sha256": hashes}))
    return path


def test_pairs_are_found(listing, tmp_path):
    (one,) = pairs.find(["b"], tmp_path, listing=listing)
    assert (one.name, one.split) == ("b", "judge")
    assert one.photo == tmp_path / "photos/b.png"
    both = pairs.find(["b", "a"], tmp_path, listing=listing)
    assert [pair.name for pair in both] == ["a", "b"]


def test_what_is_missing_or_another_is_said(listing, tmp_path):
    with pytest.raises(OptionsError, match="pairs=c,d: not known; known are a, b"):
        pairs.find(["c", "a", "d"], tmp_path, listing=listing)
    with pytest.raises(ImageError, match=r"a.png: not in .*elsewhere.*--pictures"):
        pairs.find(["a"], tmp_path / "elsewhere", listing=listing)
    files.write(tmp_path / "photos/a.png", np.zeros((8, 9, 3), np.float32))
    with pytest.raises(ImageError, match=r"a.png: is another picture.*restore it"):
        pairs.find(["a"], tmp_path, listing=listing)
