"""Batches that are stopped, and go on to the same results."""

import dataclasses

import numpy as np
import pytest
from support.batch_pictures import (
    ADAM,
    FIVE,
    LBFGS,
    PHOTOS,
    assert_close,
    assert_same,
    job,
    jobs_of,
)
from support.compilations import compilations

from nst_jax.transfer import states


def stopper(group, iteration=1):
    """Stops in the group that begins with that place, at or after that iteration."""

    def stop(progress):
        reached = progress.lanes[0].iteration >= iteration
        return progress.jobs[0] == group and reached

    return stop


@pytest.mark.parametrize(
    "options",
    [ADAM, pytest.param(LBFGS, marks=pytest.mark.slow)],
    ids=["adam", "lbfgs"],
)
@pytest.mark.parametrize("group", [pytest.param(0, marks=pytest.mark.slow), 2])
def test_stopped_and_gone_on_is_the_whole_batch(run_jobs, tmp_path, options, group):
    keywords = {"lanes": 2, "states": states.in_folder(tmp_path)}
    jobs = jobs_of(PHOTOS[:1], FIVE, options)
    part = run_jobs(jobs, on_progress=stopper(group), **keywords)
    assert list(part) == list(range(group + 2))
    assert [path.suffix for path in tmp_path.iterdir()] == [".state"]
    done = {place for place, result in part.items() if result.finished}
    assert done == set(range(group))
    # Stopped once more on the way.
    again = run_jobs(jobs, done=done, on_progress=lambda _: True, **keywords)
    assert list(again) == [group, group + 1]
    assert len(list(tmp_path.iterdir())) == 1
    rest = run_jobs(jobs, done=done, **keywords)
    assert not list(tmp_path.iterdir())
    whole = run_jobs(jobs, lanes=2)
    found = {place: part[place] for place in done} | rest
    assert found.keys() == whole.keys()
    for place, result in found.items():
        assert_same(result, whole[place])
    losses = [some[group].losses for some in (part, again, rest)]
    np.testing.assert_array_equal(np.concatenate(losses), whole[group].losses)


@pytest.mark.slow
def test_what_is_done_is_left_out_of_unchanged_groups(run_jobs):
    # No group is half full, and no other test has this rate.
    options = dataclasses.replace(ADAM, learning_rate=0.033)
    jobs, groups = jobs_of(PHOTOS[:1], FIVE[:4], options), []
    whole = run_jobs(jobs, lanes=2)

    def note(progress):
        groups.append((progress.jobs, progress.finished))

    with compilations() as compiled:
        rest = run_jobs(jobs, lanes=2, done={0, 3}, on_progress=note)
    assert not compiled
    assert list(dict.fromkeys(groups)) == [((1,), 1), ((2,), 3)]
    for place, result in rest.items():
        assert_close(result, whole[place])
    assert run_jobs(jobs, lanes=2, done=range(4)) == {}
    bad = [*jobs, job("missing.png", FIVE[0], options)]
    assert run_jobs(bad, done=range(5)) == {}


@pytest.mark.parametrize("damage", [b"no state", b""])
def test_a_damaged_state_is_reported_and_begun_anew(run_jobs, tmp_path, damage):
    jobs, lines = jobs_of(PHOTOS[:1], FIVE[:2]), []
    keywords = {
        "states": states.in_folder(tmp_path),
        "report": lines.append,
        "lanes": 2,
    }
    run_jobs(jobs, on_progress=stopper(0), **keywords)
    (path,) = tmp_path.iterdir()
    path.write_bytes(damage)
    found = run_jobs(jobs, **keywords)
    assert len(lines) == 1
    assert lines[0].startswith(f"{path}: not a saved run")
    assert lines[0].endswith("; these pictures are begun anew")
    assert not list(tmp_path.iterdir())
    whole = run_jobs(jobs, lanes=2)
    for place, result in found.items():
        assert_same(result, whole[place])


@pytest.mark.parametrize(
    "others",
    [
        jobs_of(PHOTOS[:1], FIVE[:2], dataclasses.replace(ADAM, style_weight=2.0)),
        jobs_of(PHOTOS[:1], [FIVE[0], FIVE[2]]),
        jobs_of(PHOTOS[:1], FIVE[1::-1]),
    ],
    ids=["weight", "painting", "order"],
)
def test_another_batch_begins_anew_beside_the_state(run_jobs, tmp_path, others):
    keywords = {"states": states.in_folder(tmp_path), "lanes": 2}
    run_jobs(jobs_of(PHOTOS[:1], FIVE[:2]), on_progress=stopper(0), **keywords)
    (path,) = tmp_path.iterdir()
    found = run_jobs(others, **keywords)
    assert [len(result.losses) for result in found.values()] == [7, 7]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.slow
def test_states_of_other_steps(run_jobs, tmp_path):
    """More go on where the run can grow; fewer than were made begin anew."""
    lines = []
    keywords = {
        "states": states.in_folder(tmp_path),
        "report": lines.append,
        "lanes": 2,
    }
    jobs = jobs_of(PHOTOS[:1], FIVE[:2], LBFGS)
    made = run_jobs(jobs, on_progress=stopper(0), **keywords)[0].iterations
    more = jobs_of(PHOTOS[:1], FIVE[:2], dataclasses.replace(LBFGS, steps=9))
    found = run_jobs(more, on_progress=stopper(0), **keywords)
    assert len(found[0].losses) == found[0].iterations - made
    fewer = jobs_of(PHOTOS[:1], FIVE[:2], dataclasses.replace(LBFGS, steps=2))
    found = run_jobs(fewer, **keywords)
    assert [found[place].iterations for place in (0, 1)] == [2, 2]
    assert "iterations already, of 2 asked for; these" in lines[0]
    assert not list(tmp_path.iterdir())


def test_stopped_at_the_very_end_leaves_no_state(run_jobs, tmp_path):
    keywords = {"states": states.in_folder(tmp_path), "lanes": 2}
    jobs = jobs_of(PHOTOS[:1], FIVE[:4])
    found = run_jobs(jobs, on_progress=stopper(0, 6), **keywords)
    assert [result.iterations for result in found.values()] == [6, 6]
    assert not list(tmp_path.iterdir())


def test_a_state_that_cannot_be_written_loses_no_picture(run_jobs, tmp_path):
    (tmp_path / "taken").write_text("a file, not a folder")
    lines = []
    found = run_jobs(
        jobs_of(PHOTOS[:1], FIVE[:2]),
        on_progress=stopper(0),
        states=states.in_folder(tmp_path / "taken"),
        report=lines.append,
    )
    assert list(found) == [0, 1]
    assert "not written" in lines[0]
