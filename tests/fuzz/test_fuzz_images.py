"""A short run of fuzz_images.py, and whether it would find what it is for."""

import random
from pathlib import Path

import numpy as np
import pytest
from fuzz import fuzz_images
from fuzz.images_mutations import mutate, seeds
from support.odd_pictures import saved

from nst_jax.errors import ImageError
from nst_jax.images import files

KINDS = tuple(seeds())


@pytest.mark.slow
def test_mutated_pictures_give_images_or_an_image_error() -> None:
    tallies = [fuzz_images.fuzz(kind, 100, seed=1) for kind in ("png", "tif", "other")]
    assert [tally.faults for tally in tallies] == [[]] * 3
    # Neither so little that all can be read, nor so much that nothing gets far.
    assert all(10 <= tally.counts["read"] <= 80 for tally in tallies)


def test_what_is_mutated_here_is_read_or_refused(tmp_path: Path) -> None:
    """In this process: a few of each kind."""
    outcomes = set()
    for kind in KINDS:
        for index in range(6):
            (path := tmp_path / "input").write_bytes(fuzz_images.made(kind, index, 3))
            outcomes.add(fuzz_images.try_out(path))
    assert outcomes == {("read", ""), ("refused", "")}


def test_a_seed_makes_the_same_files() -> None:
    for kind in KINDS:
        made = [fuzz_images.made(kind, 1, seed) for seed in (1, 1, 2)]
        assert made[0] == made[1] != made[2]


def test_a_changed_chunk_has_a_checksum_that_fits() -> None:
    whole = saved("PNG")
    read = 0
    for seed in range(40):
        try:
            read += files.read(mutate(whole, random.Random(seed))).size > 0
        except ImageError:
            continue
    assert read >= 3


@pytest.mark.parametrize(
    ("name", "given", "outcome"),
    [
        ("read", lambda: 1 / 0, "ZeroDivisionError: division by zero"),
        ("read", lambda: np.full((48, 64, 3), 2, np.float32), "values from 2.0 to 2.0"),
        ("read", lambda: np.zeros((48, 64, 3)), "values of float64"),
        ("shape", lambda: (9, 9), "its shape (9, 9) became "),
        ("read_opacity", lambda: np.full((48, 64), np.nan, np.float32), "values of fl"),
        ("read_description", lambda: [][1], "its description: IndexError"),
    ],
)
def test_it_sees_what_may_not_be(tmp_path, monkeypatch, name, given, outcome) -> None:
    (path := tmp_path / "input.png").write_bytes(saved("PNG"))
    assert fuzz_images.try_out(path) == ("read", "")

    def small_aside(*arguments: object, **keywords: object) -> object:
        if "size" in keywords:
            return np.zeros((5, 7, 3), np.float32)
        return given()

    monkeypatch.setattr(files, name, small_aside)
    found, detail = fuzz_images.try_out(path)
    assert found == "error"
    assert detail.startswith(outcome)
