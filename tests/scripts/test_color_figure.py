"""The figure of `--color`: every pair in every way, in its place."""

import sys
from pathlib import Path

import numpy as np
import pytest

from nst_jax import batch
from nst_jax.images import files
from nst_jax.images.errors import ImageError

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import color_figure


@pytest.fixture
def run(monkeypatch, tmp_path):
    """The figure whose results are what `make` gives for the jobs' places."""

    def figure(make):
        def run_jobs(jobs, **_):
            assert len(jobs) == len(color_figure.PAIRS) * len(color_figure.WAYS)
            assert all(Path(p).is_file() for j in jobs for p in (j.content, *j.styles))
            for place in reversed(range(len(jobs))):
                yield place, make(place)

        monkeypatch.setattr(batch, "run_jobs", run_jobs)
        path = tmp_path / "figure.png"
        color_figure.main([str(path), "--size=64", "--steps=1"])
        return files.read(path)

    return figure


class _Result:
    def __init__(self, place):
        self.image = np.full((40, 64, 3), (place + 1) / 32, np.float32)


def test_results_stand_in_rows_of_pairs(run):
    image = run(_Result)
    columns = 2 + len(color_figure.WAYS)
    assert image.shape[1] == 8 + columns * (64 + 8)
    pitch = (image.shape[0] - 8) // len(color_figure.PAIRS)
    for place in range(len(color_figure.PAIRS) * len(color_figure.WAYS)):
        row, column = divmod(place, len(color_figure.WAYS))
        left = 8 + (2 + column) * (64 + 8)
        cell = image[8 + row * pitch : 8 + row * pitch + 64, left : left + 64]
        shade = cell == np.round((place + 1) / 32 * 255).astype(np.float32) / 255
        assert shade.all(-1).sum() >= 40 * 64, place


def test_no_two_ways_are_the_same():
    jobs = color_figure.jobs(64, 1, color_figure.PAIRS[:1])
    assert len({job.options for job in jobs}) == len(color_figure.WAYS)


def test_a_picture_that_fails_ends_it(run):
    with pytest.raises(ImageError, match="gone"):
        run(lambda _: ImageError("gone"))
