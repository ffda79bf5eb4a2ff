"""Results gathered from the progress of a lane."""

import base64
import dataclasses
import io
import pickle
import re
from concurrent import futures
from multiprocessing import get_context

import numpy as np
import pytest
from PIL import Image
from support.classic import classic

from nst_jax.errors import DivergenceError
from nst_jax.images import files
from nst_jax.optimize.chunk import State
from nst_jax.transfer.lanes import lane_of
from nst_jax.transfer.pictures import Pictures
from nst_jax.transfer.results import Progress, Record, Result

OPTIONS = classic(size=32, steps=5)
PHOTO = np.full((2, 3, 3), 0.25, np.float32)


def progress(iteration, losses, *, value=0.5, event=None):
    """At the end of a chunk; the best picture so far is of one `value`."""
    losses = np.array(losses, np.float32)
    lane = lane_of(PHOTO, [PHOTO], OPTIONS)
    image = np.full((1, 2, 3, 3), value, np.float32)
    sources = {lane.job.content.key: (2, 3)}
    return Progress(
        iteration=iteration,
        steps=5,
        loss=float(losses[-1]),
        terms={},
        losses=losses,
        best_loss=float(losses.min()),
        seconds=iteration / 2,
        compile_seconds=3.0,
        iterations_per_second=2.0,
        event=event,
        lane=lane,
        place=0,
        state=State(image, None, image, losses[-1:], np.int32(0), np.ones(1)),
        pictures=Pictures([lane.job], sources),
    )


def test_a_result_is_that_of_all_chunks():
    record = Record(OPTIONS, at=())
    assert record.add(progress(1, [9, 8])) == []
    assert record.add(progress(2, [4], value=0.75, event="oh")) == []
    (result,) = record.last(ended=False)
    assert result.losses.tolist() == [9, 8, 4]
    assert (result.loss, result.events, result.options) == (4.0, ("oh",), OPTIONS)
    assert (result.iterations, result.seconds, result.compile_seconds) == (2, 1, 3)
    assert result.image[0, 0].tolist() == [0.75] * 3
    assert (result.finished, result.given_up) == (False, False)


def test_pictures_are_confined_to_their_range():
    record = Record(OPTIONS, at=())
    record.add(progress(5, [4], value=1.5))
    (result,) = record.last(ended=True)
    assert (result.image == 1).all()
    assert result.finished


def test_results_at_iterations_come_once_and_are_finished():
    record = Record(OPTIONS, at=(2, 4, 4, 9, 0))
    found = [record.add(progress(n, [9 - n])) for n in (1, 2, 2, 3, 4)]
    assert [[r.at for r in some] for some in found] == [[], [2], [], [], [4]]
    assert found[1][0].finished
    assert found[4][0].losses.tolist() == [8, 7, 7, 6, 5]
    (last,) = record.last(ended=True)
    assert last.at is None


def test_a_run_given_up_early_still_owes_its_results():
    record = Record(OPTIONS, at=(1, 3, 4))
    record.add(progress(1, [9]))
    record.add(progress(2, [8]))
    results = record.last(ended=True)
    assert [result.at for result in results] == [3, 4, None]
    assert all(result.given_up and result.finished for result in results)
    assert [result.iterations for result in results] == [2, 2, 2]


def test_no_picture_comes_of_a_first_loss_that_is_not_finite():
    record = Record(OPTIONS, at=(1,))
    assert record.add(progress(1, [np.inf])) == []
    (error,) = record.last(ended=True)
    assert isinstance(error, DivergenceError)
    assert str(error).startswith("the loss of the starting image is not finite")


def test_resumed_runs_owe_what_is_still_to_come():
    record = Record(OPTIONS, at=(1, 2, 4))
    assert record.add(progress(3, [9])) == []
    (result,) = record.add(progress(4, [8]))
    assert result.at == 4
    assert [result.at for result in record.last(ended=True)] == [None]


def test_what_a_coarse_size_given_up_early_jumped_over_is_owed():
    record = Record(OPTIONS, at=(1, 3))
    assert [r.at for r in record.add(progress(1, [9]))] == [1]
    assert [(r.at, r.iterations) for r in record.add(progress(4, [8]))] == [(3, 4)]


def test_between_two_sizes_the_finer_one_gives_the_result():
    record = Record(OPTIONS, at=(2,))
    coarse = dataclasses.replace(progress(2, [9]), steps=2)
    assert record.add(coarse) == []
    (result,) = record.add(progress(2, [8], value=0.75))
    assert (result.at, result.image[0, 0, 0]) == (2, 0.75)


def result(**changes) -> Result:
    record = Record(OPTIONS, at=())
    record.add(progress(2, [9, 8, 4], value=0.75, event="<oh>"))
    (made,) = record.last(ended=False)
    return dataclasses.replace(made, **changes)


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)))


def test_a_result_is_short_in_a_line():
    assert repr(result()) == "<Result 32x21, loss 4 after 2 iterations in 1 s>"


def test_a_notebook_shows_the_picture_and_the_curve():
    made = result()
    np.testing.assert_array_equal(pixels(made._repr_png_()), np.full((21, 32, 3), 191))
    page = made._repr_html_()
    (inside,) = re.findall(r"data:image/png;base64,([^\"]*)", page)
    np.testing.assert_array_equal(
        pixels(base64.b64decode(inside)), np.full((21, 32, 3), 191)
    )
    (stroke,) = re.findall(r'<polyline points="([^"]*)"', page)
    assert len(stroke.split()) == 3
    assert "loss 4 after 2 iterations" in page
    assert "&lt;oh&gt;" in page
    # Iterations too many for a curve, a picture too large for a page; nothing finite.
    large = result(
        image=np.full((4, 2048, 3), 0.75, np.float32),
        losses=np.geomspace(9, 4, 9999, dtype=np.float32),
        iterations=9998,
    )._repr_html_()
    (inside,) = re.findall(r"data:image/png;base64,([^\"]*)", large)
    assert pixels(base64.b64decode(inside)).shape == (2, 1024, 3)
    assert len(re.findall(r'<polyline points="([^"]*)"', large)[0].split()) == 500
    assert "9998" in large
    none = result(losses=np.full(3, np.inf, np.float32))._repr_html_()
    assert "<svg" not in none


def check_same(one: Result, other: Result) -> None:
    np.testing.assert_array_equal(one.image, other.image)
    np.testing.assert_array_equal(one.losses, other.losses)
    for name in ("loss", "iterations", "events", "options", "finished", "at"):
        assert getattr(one, name) == getattr(other, name)


def test_results_and_options_can_be_pickled():
    made = result(at=2)
    check_same(pickle.loads(pickle.dumps(made)), made)
    assert pickle.loads(pickle.dumps(OPTIONS)) == OPTIONS


@pytest.mark.slow
def test_results_go_through_other_processes():
    made = result()
    with futures.ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        check_same(pool.submit(dataclasses.replace, made).result(), made)


def test_a_picture_is_saved_at_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    record = Record(OPTIONS, at=())
    record.add(progress(5, [4]))
    (result,) = record.last(ended=True)
    result.save("~/a.png")
    assert files.shape(tmp_path / "a.png") == (21, 32)
