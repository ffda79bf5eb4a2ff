"""Results gathered from the progress of a lane."""

import numpy as np
import pytest

from nst_jax.errors import DivergenceError
from nst_jax.optimize.chunk import State
from nst_jax.options import Options
from nst_jax.transfer.pictures import Pictures, lane_of
from nst_jax.transfer.results import Progress, Record

OPTIONS = Options(size=32, steps=5)
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
    assert record.add(progress(1, [9, 8])) is None
    assert record.add(progress(2, [4], value=0.75, event="oh")) is None
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
    assert [result and result.at for result in found] == [None, 2, None, None, 4]
    assert found[1].finished
    assert found[4].losses.tolist() == [8, 7, 7, 6, 5]
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
    assert record.add(progress(1, [np.inf])) is None
    (error,) = record.last(ended=True)
    assert isinstance(error, DivergenceError)
    assert str(error).startswith("the loss of the starting image is not finite")


def test_resumed_runs_owe_what_is_still_to_come():
    record = Record(OPTIONS, at=(1, 2, 4))
    assert record.add(progress(3, [9])) is None
    assert record.add(progress(4, [8])).at == 4
    with pytest.raises(StopIteration):
        next(iter(record.last(ended=True)[1:]))
