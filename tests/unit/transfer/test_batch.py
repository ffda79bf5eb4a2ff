"""Batches: each result is what its pair gives alone, in whatever company."""

import dataclasses
import gc
import itertools

import jax
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
    SHALLOW,
    assert_close,
    picture,
)

from nst_jax.devices import memory
from nst_jax.images import files
from nst_jax.images.frames import Framed, frames
from nst_jax.optimize import chunk
from nst_jax.transfer import batch, plan, problem


@pytest.mark.parametrize(
    ("options", "photos"),
    [(ADAM, PHOTOS), (LBFGS, PHOTOS[:2])],
    ids=["adam", "lbfgs"],
)
def test_results_are_those_alone_by_photo_painting_and_sweep(
    alone, together, options, photos
):
    weights = (100.0, 3.0)
    found = together(photos, PAINTINGS, options, sweep={"style_weight": weights})
    asked = list(itertools.product(photos, PAINTINGS, weights))
    assert len(found) == len(asked) == 4 * len(photos)
    for result, (photo, painting, weight) in zip(found, asked, strict=True):
        varied = dataclasses.replace(options, style_weight=weight)
        assert_close(result, alone(photo, painting, varied))
    # They are no copies of each other.
    images = [result.image.tobytes() for result in found]
    assert len(set(images)) == len(images)


@pytest.mark.parametrize("options", [ADAM, LBFGS], ids=["adam", "lbfgs"])
def test_whatever_varies_is_the_lanes_own(alone, run_jobs, options, tmp_path):
    start = tmp_path / "start.png"
    files.write(start, picture(5, 9, 9))
    taps = len(options.style_taps)
    sweeps = [
        {"content_weight": [0.5, 500.0]},
        {"tv_weight": [1e3]},
        {"init": ["noise"], "seed": [1, 2]},
        {"init": ["style", str(start)]},
        {"style_scale": [0.6]},
        {"style_tap_weights": [(2.0,) * taps], "content_tap_weights": [(3.0,)]},
    ]
    varied = [one for sweep in sweeps for one in batch.variations(options, sweep)]
    photo, painting = PHOTOS[0], PAINTINGS[0]
    jobs = [batch.Job(photo, (painting,), one) for one in varied]
    found = run_jobs(jobs, lanes=2)
    assert list(found) == list(range(len(jobs))) == list(range(9))
    for place, one in enumerate(varied):
        assert_close(found[place], alone(photo, painting, one))


def test_several_paintings_blend_by_each_lanes_shares(alone, run_jobs):
    blends = [(3.0, 1.0), (0.0, 1.0)]
    jobs = [
        batch.Job(
            PHOTOS[0],
            tuple(PAINTINGS),
            dataclasses.replace(ADAM, style_blend=shares),
        )
        for shares in blends
    ]
    found = run_jobs([*jobs, batch.Job(PHOTOS[0], (PAINTINGS[0],), ADAM)])
    for place, job in enumerate(jobs):
        assert_close(found[place], alone(job.content, list(job.styles), job.options))
    assert_close(found[2], alone(PHOTOS[0], PAINTINGS[0], ADAM))


@pytest.mark.parametrize(
    ("lanes", "groups"),
    [
        (1, [(0,), (1,), (2,), (3,), (4,)]),
        (2, [(0, 1), (2, 3), (4,)]),
        (3, [(0, 1, 2), (3, 4)]),
        (9, [(0, 1, 2, 3, 4)]),
        (None, [(0, 1, 2, 3, 4)]),
    ],
)
def test_the_number_of_lanes_makes_no_difference(alone, together, lanes, groups):
    seen = []
    found = together(
        *(PHOTOS[0], FIVE), lanes=lanes, on_progress=lambda p: seen.append(p)
    )
    assert list(dict.fromkeys(progress.jobs for progress in seen)) == groups
    assert all(len(progress.lanes) == len(progress.jobs) for progress in seen)
    for result, painting in zip(found, FIVE, strict=True):
        assert_close(result, alone(PHOTOS[0], painting, ADAM))


def test_lanes_are_as_many_as_help_shared_out_equally(together, monkeypatch):
    asked = []

    def fitting(most, compiled, free):
        asked.append((most, memory.needed_bytes(compiled(most)), free))
        return most

    monkeypatch.setattr(plan.memory, "free_bytes", lambda: 12345)
    monkeypatch.setattr(plan.memory, "fitting_lanes", fitting)
    # Four lanes would do, but five are two and three.
    monkeypatch.setattr(plan, "_ENOUGH", dict.fromkeys(plan._ENOUGH, 4 * 33 * 24))
    groups = []
    together(PHOTOS[0], FIVE, on_progress=lambda p: groups.append(p.jobs))
    assert list(dict.fromkeys(groups)) == [(0, 1, 2), (3, 4)]
    assert [(most, free) for most, _, free in asked] == [(3, 12345)]
    assert asked[0][1] > 3 * 2 * 4 * PHOTOS[0].size  # image and gradient, at least


def test_lanes_are_no_more_than_fit(together, monkeypatch):
    monkeypatch.setattr(plan.memory, "free_bytes", lambda: 10)
    groups = []
    together(PHOTOS[0], FIVE[:2], on_progress=lambda p: groups.append(p.jobs))
    assert list(dict.fromkeys(groups)) == [(0,), (1,)]


def test_coarse_to_fine(alone, together):
    found = together(LARGE, PAINTINGS[0], PYRAMID)
    # The padded one; losses at both sizes are recorded.
    assert found[1].losses.shape == (PYRAMID.steps + 2,)
    assert_close(found[1], alone(LARGE[1], PAINTINGS[0], PYRAMID))
    assert found[0].image.shape == (128, 92, 3)


def test_a_second_batch_compiles_nothing(together):
    together(PHOTOS, PAINTINGS, sweep={"style_weight": [1.0, 2.0]})
    counts = len(chunk._programs), problem._style_targets._cache_size()
    mirrored = [np.ascontiguousarray(image[:, ::-1]) for image in PHOTOS]
    other = dataclasses.replace(ADAM, style_weight=7.0, tv_weight=1.0, init="noise")
    together(mirrored, PAINTINGS[::-1], other, sweep={"seed": [1, 2]})
    assert (len(chunk._programs), problem._style_targets._cache_size()) == counts


def test_many_shapes_share_few_programs(together):
    shapes = [(100, side) for side in range(70, 75)]
    shapes += [(side, 100) for side in range(60, 65)]
    photos = [picture(i, *shapes[i % 10]) for i in range(30)]
    options = dataclasses.replace(SHALLOW, size=100, steps=1)
    before = len(chunk._programs)
    found = together(photos, PAINTINGS[0], options)
    assert [result.image.shape for result in found] == [p.shape for p in photos]
    chosen = set(frames([photo.shape[:2] for photo in photos]).values())
    assert len(chunk._programs) - before == len(chosen) <= 6


def test_a_frame_is_compiled_once(together):
    """Whether or not the lanes of a group have padding."""
    options = dataclasses.replace(SHALLOW, size=40, steps=1)

    def counts():
        targets = problem._content_targets, problem._style_targets
        return np.array([len(chunk._programs), *(f._cache_size() for f in targets)])

    before = counts()
    photos = [picture(1, 40, 24), picture(2, 40, 24), picture(3, 40, 23)]
    paintings = [picture(4, 40, 38), picture(5, 40, 37)]
    together(photos, paintings, options, lanes=2)
    np.testing.assert_array_equal(counts() - before, [1, 1, 1])


def test_results_come_as_they_are_finished(together):
    order, finished = [], []
    found = together(
        *([PHOTOS[0], PHOTOS[2], PHOTOS[0]], PAINTINGS[0]),
        on_result=lambda place, result: order.append((place, result)),
        on_progress=lambda p: finished.append((p.finished, p.total, p.jobs)),
    )
    # The first frame's, then the second's.
    assert [place for place, _ in order] == [0, 2, 1]
    assert all(found[place] is result for place, result in order)
    assert set(finished) == {(0, 3, (0, 2)), (2, 3, (1,))}


def test_progress_is_each_lanes_own(together):
    last = {}

    def keep(progress):
        last.update(zip(progress.jobs, progress.lanes, strict=True))

    found = together(PHOTOS[0], FIVE, lanes=2, on_progress=keep)
    for place, result in enumerate(found):
        assert last[place].iteration == last[place].steps == result.iterations == 6
        assert last[place].best_loss == result.loss
        assert last[place].terms["content/relu3_1"] > 0


def test_a_stopped_batch_gives_what_there_is(together):
    def stop(progress):
        return progress.jobs == (2, 3) and progress.lanes[0].iteration >= 1

    found = together(PHOTOS[0], FIVE, lanes=2, on_progress=stop)
    assert len(found) == 4
    assert [result.iterations for result in found[:2]] == [6, 6]
    assert all(1 <= result.iterations < 6 for result in found[2:])
    assert all(len(r.losses) == r.iterations + 1 for r in found)


def test_a_group_leaves_the_device_to_the_next(together, monkeypatch):
    reached, held = [], []

    def states():
        return sum(one.shape == (8, 33, 24, 3) for one in jax.live_arrays())

    def free_bytes():
        gc.collect()
        held.append(states())
        return 10**9

    monkeypatch.setattr(plan.memory, "free_bytes", free_bytes)
    together(
        *(PHOTOS, PAINTINGS),
        sweep={"style_weight": [1.0, 2.0]},
        on_progress=lambda _: reached.append(states()),
    )
    assert max(reached) >= 4  # iterate, best, and two moments
    # Asked for each frame.
    assert held == [0, 0]


def test_memory_does_not_grow_with_the_photos(together):
    held = {}

    def note(progress):
        if progress.jobs in held:
            return
        gc.collect()
        pictures = sum(isinstance(one, Framed) for one in gc.get_objects())
        pixels = sum(one.size for one in jax.live_arrays())
        held[progress.jobs] = pictures, pixels

    photos = [picture(seed, 33, 24) for seed in range(30, 35)]
    options = dataclasses.replace(SHALLOW, steps=1)
    together(photos, PAINTINGS, options, lanes=2, on_progress=note)
    first, *others = held.values()
    assert len(others) == 4
    assert set(others) == {first}
