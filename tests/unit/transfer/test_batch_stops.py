"""Batches that are stopped, and go on to the same results."""

import dataclasses
import re

import numpy as np
import pytest
from support.batch_pictures import (
    ADAM,
    FIVE,
    LARGE,
    LBFGS,
    PAINTINGS,
    PHOTOS,
    PYRAMID,
    assert_close,
    assert_same,
    jobs_of,
)

from nst_jax.optimize import chunk
from nst_jax.transfer import batch


def test_what_is_done_is_left_out_of_unchanged_groups(run_jobs):
    jobs = jobs_of(PHOTOS[:1], FIVE)
    whole = run_jobs(jobs, lanes=2)
    before, groups = len(chunk._programs), []

    def note(progress):
        groups.append((progress.jobs, progress.finished))

    rest = run_jobs(jobs, lanes=2, done={0, 3}, on_progress=note)
    assert list(dict.fromkeys(groups)) == [((1,), 1), ((2,), 3), ((4,), 4)]
    assert list(rest) == [1, 2, 4]
    assert len(chunk._programs) == before
    for place, result in rest.items():
        assert_close(result, whole[place])
    assert run_jobs(jobs, lanes=2, done=range(5)) == {}
    bad = [*jobs, batch.Job("missing.png", (FIVE[0],), ADAM)]
    assert run_jobs(bad, done=range(6)) == {}


def stopper(group, iteration=1):
    """Stops in the group that begins with that place, at or after that iteration."""

    def stop(progress):
        reached = progress.lanes[0].iteration >= iteration
        return progress.jobs[0] == group and reached

    return stop


@pytest.mark.parametrize("options", [ADAM, LBFGS], ids=["adam", "lbfgs"])
@pytest.mark.parametrize("group", [0, 2])
def test_stopped_and_gone_on_is_the_whole_batch(run_jobs, tmp_path, options, group):
    keywords = {"lanes": 2, "state_folder": tmp_path}
    jobs = jobs_of(PHOTOS[:1], FIVE, options)
    part = run_jobs(jobs, on_progress=stopper(group), **keywords)
    assert list(part) == list(range(group + 2))
    assert [path.suffix for path in tmp_path.iterdir()] == [".state"]
    done = {place for place, result in part.items() if result.iterations == 6}
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


@pytest.mark.parametrize(("side", "iteration"), [(64, 1), (64, 3), (128, 3)])
def test_a_stopped_pyramid_goes_on_at_its_size(run_jobs, tmp_path, side, iteration):
    jobs = jobs_of(LARGE, PAINTINGS[:1], PYRAMID)

    def stop(progress):
        lane = progress.lanes[0]
        return lane.image().shape[0] == side and lane.iteration >= iteration

    part = run_jobs(jobs, on_progress=stop, state_folder=tmp_path)
    assert part[0].image.shape[0] == side
    assert len(list(tmp_path.iterdir())) == 1
    rest = run_jobs(jobs, state_folder=tmp_path)
    assert not list(tmp_path.iterdir())
    whole = run_jobs(jobs)
    for place, result in rest.items():
        assert_same(result, whole[place])
    losses = [part[1].losses, rest[1].losses]
    np.testing.assert_array_equal(np.concatenate(losses), whole[1].losses)


@pytest.mark.parametrize("damage", [b"no state", b""])
def test_a_damaged_state_is_reported_and_begun_anew(run_jobs, tmp_path, damage):
    jobs, lines = jobs_of(PHOTOS[:1], FIVE[:2]), []
    keywords = {"state_folder": tmp_path, "report": lines.append, "lanes": 2}
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


_OTHER_WEIGHT = dataclasses.replace(ADAM, style_weight=2.0)


@pytest.mark.parametrize(
    "others",
    [
        jobs_of(PHOTOS[:1], FIVE[:2], _OTHER_WEIGHT),
        jobs_of(PHOTOS[:1], [FIVE[0], FIVE[2]]),
        jobs_of(PHOTOS[:1], FIVE[1::-1]),
    ],
    ids=["weight", "painting", "order"],
)
def test_another_batch_begins_anew_beside_the_state(run_jobs, tmp_path, others):
    keywords = {"state_folder": tmp_path, "lanes": 2}
    jobs = jobs_of(PHOTOS[:1], FIVE[:2])
    run_jobs(jobs, on_progress=stopper(0), **keywords)
    (path,) = tmp_path.iterdir()
    found = run_jobs(others, **keywords)
    assert [len(result.losses) for result in found.values()] == [7, 7]
    assert list(tmp_path.iterdir()) == [path]


def test_fewer_steps_than_the_state_made_begin_anew(run_jobs, tmp_path):
    lines = []
    keywords = {"state_folder": tmp_path, "report": lines.append, "lanes": 2}
    jobs = jobs_of(PHOTOS[:1], FIVE[:2], LBFGS)
    part = run_jobs(jobs, on_progress=stopper(0), **keywords)
    made = part[0].iterations
    fewer = dataclasses.replace(LBFGS, steps=made - 1)
    found = run_jobs(jobs_of(PHOTOS[:1], FIVE[:2], fewer), **keywords)
    assert [found[place].iterations for place in (0, 1)] == [made - 1] * 2
    assert re.search(
        f"made {made} iterations already, and {made - 1} are asked for; these", lines[0]
    )
    assert not list(tmp_path.iterdir())


def test_stopped_at_the_very_end_leaves_no_state(run_jobs, tmp_path):
    jobs = jobs_of(PHOTOS[:1], FIVE[:4])
    found = run_jobs(jobs, on_progress=stopper(0, 6), lanes=2, state_folder=tmp_path)
    assert [result.iterations for result in found.values()] == [6, 6]
    assert not list(tmp_path.iterdir())


def test_a_state_that_cannot_be_written_loses_no_picture(
    run_jobs, tmp_path, monkeypatch
):
    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(batch.checkpoint.os, "replace", full)
    lines = []
    found = run_jobs(
        jobs_of(PHOTOS[:1], FIVE[:2]),
        **{"on_progress": stopper(0), "state_folder": tmp_path},
        report=lines.append,
    )
    assert list(found) == [0, 1]
    assert "not written (no space left)" in lines[0]
