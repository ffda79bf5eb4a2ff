"""Results gathered from the progress of lanes."""

import json

import numpy as np
import pytest

from nst_jax.images import files
from nst_jax.optimize.engine import Chunk, DivergenceError, Progress
from nst_jax.options import Options
from nst_jax.transfer import results

_OPTIONS = Options(size=32, steps=5)


def progress(iteration, losses, *, event=None, value=0.5):
    """Of one lane, at the end of a chunk; its picture is of one `value`."""
    losses = np.array(losses, np.float32)
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
        image=lambda: np.full((2, 3, 3), value, np.float32),
    )


def chunks(seen=None):
    """Two lanes, two chunks; `seen` gets the places of those asked for."""
    lanes = [
        (progress(1, [9.0, 8.0]), progress(1, [7.0, 6.0], value=0.1)),
        (progress(2, [4.0], value=0.75, event="oh"), progress(2, [5.0], value=0.25)),
    ]
    for place, pair in enumerate(lanes):
        if seen is not None:
            seen.append(place)
        yield Chunk(pair, f"state {place}")


def test_a_result_of_each_lane_of_all_chunks():
    other = Options(size=32, seed=4)
    found, state = results.gather([_OPTIONS, other], chunks(), lambda lanes: None)
    assert state is None
    assert [result.options for result in found] == [_OPTIONS, other]
    assert [result.losses.tolist() for result in found] == [[9, 8, 4], [7, 6, 5]]
    assert [result.loss for result in found] == [4.0, 5.0]
    assert [result.events for result in found] == [("oh",), ()]
    assert found[0].image[0, 0].tolist() == [0.75] * 3
    assert found[1].image[0, 0].tolist() == [0.25] * 3
    assert (found[0].iterations, found[0].seconds, found[0].compile_seconds) == (
        2,
        1,
        3,
    )


def test_stopped_it_has_the_state_and_asks_no_further():
    seen = []
    found, state = results.gather([_OPTIONS] * 2, chunks(seen), lambda lanes: True)
    assert (state, seen) == ("state 0", [0])
    assert [result.iterations for result in found] == [1, 1]


def test_a_run_is_finished_by_iterations_or_by_itself():
    stopped, _ = results.gather([_OPTIONS], chunks(), lambda lanes: True)
    assert not stopped[0].finished
    assert not stopped[0].given_up
    # All chunks there are, without the iterations asked for: given up.
    (ended,), _ = results.gather([_OPTIONS], chunks(), lambda lanes: None)
    assert ended.given_up
    assert ended.finished
    fewer = Options(size=32, steps=2)
    (done,), _ = results.gather([fewer], chunks(), lambda lanes: lanes[0].iteration > 1)
    assert done.finished
    assert not done.given_up


def test_a_lane_without_a_first_loss_has_an_error_for_a_result():
    bad = Chunk((progress(1, [9.0, 8.0]), progress(1, [np.inf, np.inf])), None)
    (good, error), _ = results.gather([_OPTIONS] * 2, [bad], lambda lanes: None)
    assert good.loss == 8
    assert isinstance(error, DivergenceError)

    def none():
        raise DivergenceError
        yield

    errors, state = results.gather([_OPTIONS] * 2, none(), lambda lanes: None)
    assert [type(error) for error in errors] == [DivergenceError] * 2
    assert state is None

    def stop(lanes):
        raise DivergenceError

    with pytest.raises(DivergenceError):
        results.gather([_OPTIONS], chunks(), stop)


def test_lanes_that_only_fill_up_are_left_out():
    given = []
    found, _ = results.gather([_OPTIONS], chunks(), given.append)
    assert [len(lanes) for lanes in given] == [1, 1]
    assert [result.loss for result in found] == [4.0]


def test_a_record_of_nothing_has_no_result():
    with pytest.raises(AssertionError):
        results.Record(_OPTIONS).result()


def test_the_file_says_what_made_it(tmp_path):
    (result,), _ = results.gather([_OPTIONS], chunks(), lambda lanes: None)
    result.save(tmp_path / "made.png")
    description = files.read_description(tmp_path / "made.png")
    assert description == json.loads(json.dumps(result.description()))
    assert description["options"]["steps"] == 5
    assert (description["loss"], description["iterations"]) == (4.0, 2)
    assert set(description["versions"]) == {"nst_jax", "jax", "python"}
    np.testing.assert_allclose(
        files.read(tmp_path / "made.png"), result.image, atol=0.5 / 255 + 1e-6
    )
