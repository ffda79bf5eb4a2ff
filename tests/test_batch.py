"""Batches: each result is what its pair gives alone, in whatever company."""

import dataclasses
import gc
import itertools
import re

import jax
import numpy as np
import pytest

import nst_jax
from nst_jax import batch, grouping, problem
from nst_jax.images import files, resize
from nst_jax.images.errors import ImageError
from nst_jax.images.frames import Framed, frames
from nst_jax.networks.registry import NetworkError
from nst_jax.optimize import chunk, memory
from nst_jax.optimize.engine import DivergenceError
from nst_jax.options import Options, OptionsError

_ADAM = Options(
    size=33,
    steps=6,
    solver="adam",
    content_taps=("relu3_1",),
    style_taps=("relu1_1", "relu2_1"),
)
_SHALLOW = dataclasses.replace(
    _ADAM, content_taps=("relu2_1",), style_taps=("relu1_1",)
)
_LBFGS = dataclasses.replace(_SHALLOW, solver="lbfgs", history=3)
_PYRAMID = dataclasses.replace(_SHALLOW, size=128, pyramid=2)


_NO_LOSS = 3e38
"""A style weight whose loss is beyond float32."""


def picture(seed: int, height: int, width: int) -> np.ndarray:
    """`[height, width, 3]` in [0, 1], smooth."""
    coarse = np.random.default_rng(seed).random((7, 5, 3), np.float32)
    return resize.resize(coarse, (height, width))


# Two of one frame, one of them padded, and one of another.
PHOTOS = [picture(1, 33, 24), picture(2, 33, 23), picture(3, 25, 33)]
PAINTINGS = [picture(11, 30, 33), picture(12, 33, 19)]
FIVE = [picture(seed, 33, 20) for seed in range(20, 25)]
"""Paintings."""
LARGE = [picture(seed, 128, width) for seed, width in ((1, 92), (2, 91))]
"""Photos for a pyramid, of one frame."""


@pytest.fixture
def alone(tiny_network):
    """`nst_jax.stylize` by the tiny network."""

    def run(content, style, options):
        return nst_jax.stylize(content, style, options, network=tiny_network)

    return run


@pytest.fixture
def together(tiny_network):
    """`nst_jax.stylize_batch` by the tiny network."""

    def run(contents, styles, options=_ADAM, **keywords):
        return nst_jax.stylize_batch(
            contents, styles, options, network=tiny_network, **keywords
        )

    return run


@pytest.fixture
def run_jobs(tiny_network):
    """`batch.run_jobs` by the tiny network, as `{place: result}`."""

    def run(jobs, **keywords):
        return dict(batch.run_jobs(jobs, network=tiny_network, **keywords))

    return run


def jobs_of(contents, styles, options=_ADAM):
    pairs = itertools.product(contents, styles)
    return [batch.Job(content, (style,), options) for content, style in pairs]


def assert_close(found, expected):
    assert found.image.shape == expected.image.shape
    assert found.iterations == expected.iterations
    assert found.options == expected.options
    np.testing.assert_allclose(found.losses, expected.losses, rtol=1e-3)
    np.testing.assert_allclose(found.image, expected.image, atol=2e-3)
    assert found.loss == pytest.approx(expected.loss, rel=1e-3)


def assert_same(found, expected):
    """Bit for bit."""
    assert (found.loss, found.iterations) == (expected.loss, expected.iterations)
    np.testing.assert_array_equal(found.image, expected.image)


@pytest.mark.parametrize(
    ("options", "photos"),
    [(_ADAM, PHOTOS), (_LBFGS, PHOTOS[:2])],
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


@pytest.mark.parametrize("options", [_ADAM, _LBFGS], ids=["adam", "lbfgs"])
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
            dataclasses.replace(_ADAM, style_blend=shares),
        )
        for shares in blends
    ]
    found = run_jobs([*jobs, batch.Job(PHOTOS[0], (PAINTINGS[0],), _ADAM)])
    for place, job in enumerate(jobs):
        assert_close(found[place], alone(job.content, list(job.styles), job.options))
    assert_close(found[2], alone(PHOTOS[0], PAINTINGS[0], _ADAM))


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
        assert_close(result, alone(PHOTOS[0], painting, _ADAM))


def test_lanes_are_as_many_as_help_shared_out_equally(together, monkeypatch):
    asked = []

    def fitting(most, compiled, free):
        asked.append((most, memory.needed_bytes(compiled(most)), free))
        return most

    monkeypatch.setattr(grouping.memory, "free_bytes", lambda: 12345)
    monkeypatch.setattr(grouping.memory, "fitting_lanes", fitting)
    # Four lanes would do, but five are two and three.
    monkeypatch.setattr(
        grouping, "_ENOUGH", dict.fromkeys(grouping._ENOUGH, 4 * 33 * 24)
    )
    groups = []
    together(PHOTOS[0], FIVE, on_progress=lambda p: groups.append(p.jobs))
    assert list(dict.fromkeys(groups)) == [(0, 1, 2), (3, 4)]
    assert [(most, free) for most, _, free in asked] == [(3, 12345)]
    assert asked[0][1] > 3 * 2 * 4 * PHOTOS[0].size  # image and gradient, at least


def test_lanes_are_no_more_than_fit(together, monkeypatch):
    monkeypatch.setattr(grouping.memory, "free_bytes", lambda: 10)
    groups = []
    together(PHOTOS[0], FIVE[:2], on_progress=lambda p: groups.append(p.jobs))
    assert list(dict.fromkeys(groups)) == [(0,), (1,)]


def test_coarse_to_fine(alone, together):
    found = together(LARGE, PAINTINGS[0], _PYRAMID)
    # The padded one; losses at both sizes are recorded.
    assert found[1].losses.shape == (_PYRAMID.steps + 2,)
    assert_close(found[1], alone(LARGE[1], PAINTINGS[0], _PYRAMID))
    assert found[0].image.shape == (128, 92, 3)


def test_a_second_batch_compiles_nothing(together):
    together(PHOTOS, PAINTINGS, sweep={"style_weight": [1.0, 2.0]})
    counts = len(chunk._programs), problem._style_targets._cache_size()
    mirrored = [np.ascontiguousarray(image[:, ::-1]) for image in PHOTOS]
    other = dataclasses.replace(_ADAM, style_weight=7.0, tv_weight=1.0, init="noise")
    together(mirrored, PAINTINGS[::-1], other, sweep={"seed": [1, 2]})
    assert (len(chunk._programs), problem._style_targets._cache_size()) == counts


def test_many_shapes_share_few_programs(together):
    shapes = [(100, side) for side in range(70, 75)]
    shapes += [(side, 100) for side in range(60, 65)]
    photos = [picture(i, *shapes[i % 10]) for i in range(30)]
    options = dataclasses.replace(_SHALLOW, size=100, steps=1)
    before = len(chunk._programs)
    found = together(photos, PAINTINGS[0], options)
    assert [result.image.shape for result in found] == [p.shape for p in photos]
    chosen = set(frames([photo.shape[:2] for photo in photos]).values())
    assert len(chunk._programs) - before == len(chosen) <= 6


def test_a_frame_is_compiled_once(together):
    """Whether or not the lanes of a group have padding."""
    options = dataclasses.replace(_SHALLOW, size=40, steps=1)

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

    monkeypatch.setattr(grouping.memory, "free_bytes", free_bytes)
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
    options = dataclasses.replace(_SHALLOW, steps=1)
    together(photos, PAINTINGS, options, lanes=2, on_progress=note)
    first, *others = held.values()
    assert len(others) == 4
    assert set(others) == {first}


def test_values_may_be_an_array():
    values = np.geomspace(1, 100, 3)
    found = batch.variations(_ADAM, {"style_weight": values, "seed": [4, 5]})
    assert [(o.style_weight, o.seed) for o in found] == [
        (weight, seed) for weight in (1, 10, 100) for seed in (4, 5)
    ]


_VARYING = (
    "content_weight, style_weight, content_tap_weights, style_tap_weights, tv_weight, "
    "style_blend, style_scale, init, seed"
)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        (
            {"sweep": {"solver": ["adam"]}},
            f"solver can't vary within a batch; these can: {_VARYING}",
        ),
        (
            {"sweep": {"colour": [1]}},
            f"colour can't vary within a batch; these can: {_VARYING}",
        ),
        ({"sweep": {"seed": []}}, "seed: the sweep names no values"),
        (
            {"sweep": {"style_weight": [1.0, -1.0]}},
            "style_weight=-1.0 is out of range: give a number, 0 or more",
        ),
        ({"contents": []}, "the batch is empty: name photos and paintings"),
        ({"styles": ()}, "the batch is empty: name photos and paintings"),
        ({"lanes": 0}, "lanes=0 is out of range: give 1 or more"),
        (
            {"sweep": {"init": ["nowhere.png"]}},
            "init='nowhere.png' is neither content, style, noise nor a file",
        ),
        (
            {"sweep": {"style_blend": [(1.0, 2.0)]}},
            "style_blend has 2 shares for 1 paintings; give one for each",
        ),
    ],
)
def test_what_does_not_fit_is_said_first(together, keywords, message):
    arguments = {"contents": PHOTOS, "styles": PAINTINGS, **keywords}
    with pytest.raises(OptionsError) as raised:
        together(**arguments)
    assert str(raised.value) == message


def test_jobs_differ_in_what_may_vary_only(run_jobs):
    other = dataclasses.replace(_ADAM, steps=7)
    jobs = [batch.Job(PHOTOS[0], (PAINTINGS[0],), one) for one in (_ADAM, other)]
    with pytest.raises(OptionsError, match=r"^steps can't vary .*: 6 and 7$"):
        run_jobs(jobs)
    with pytest.raises(OptionsError, match=r"^no painting given: name one or more"):
        run_jobs([batch.Job(PHOTOS[0], (), _ADAM)])
    wrong = dataclasses.replace(_ADAM, content_taps=("relu9_9",))
    with pytest.raises(NetworkError, match="has no tap relu9_9"):
        run_jobs([batch.Job(PHOTOS[0], (PAINTINGS[0],), wrong)])


def test_a_picture_that_cannot_be_read_is_raised_before_the_work(together):
    with pytest.raises(ImageError, match=r"^missing\.png: no such file"):
        together(
            [PHOTOS[0], "missing.png"],
            PAINTINGS,
            on_progress=lambda _: pytest.fail("began"),
        )
    with pytest.raises(ImageError, match="divide uint8 values by 255"):
        together(np.zeros((20, 20, 3), np.uint8), PAINTINGS)


def test_jobs_of_bad_pictures_give_their_errors_and_the_rest_is_done(run_jobs):
    finished = []
    found = run_jobs(
        jobs_of([PHOTOS[0], "missing.png"], [*PAINTINGS, PHOTOS[1] * 2]),
        on_progress=lambda p: finished.append((p.finished, p.total)),
    )
    assert list(found) == [2, 3, 4, 5, 0, 1]
    assert set(finished) == {(4, 6)}
    errors = {place: str(found[place]) for place in (2, 3, 4, 5)}
    assert errors[2].startswith("array values outside of [0, 1]")
    assert all(errors[p].startswith("missing.png: no such file") for p in (3, 4, 5))
    good = run_jobs(jobs_of(PHOTOS[:1], PAINTINGS))
    for place in (0, 1):
        assert_same(found[place], good[place])


def test_only_bad_pictures_need_no_network(monkeypatch):
    def load(*_, **__):
        raise AssertionError("loaded")

    monkeypatch.setattr(batch.verbs, "load_network", load)
    found = dict(batch.run_jobs(jobs_of(["missing.png"], PAINTINGS)))
    assert [type(error) for error in found.values()] == [ImageError] * 2


@pytest.mark.parametrize("lanes", [1, 3])
def test_a_first_loss_that_is_not_finite_is_of_its_lane_alone(
    alone, together, run_jobs, lanes
):
    bad = dataclasses.replace(_ADAM, style_weight=_NO_LOSS)
    jobs = [batch.Job(PHOTOS[0], (PAINTINGS[0],), one) for one in (_ADAM, bad, _ADAM)]
    found = run_jobs(jobs, lanes=lanes)
    assert isinstance(found[1], DivergenceError)
    for place in (0, 2):
        assert_close(found[place], alone(PHOTOS[0], PAINTINGS[0], _ADAM))
    finished = []
    with pytest.raises(DivergenceError, match="starting image is not finite"):
        together(
            *(PHOTOS[0], PAINTINGS[0]),
            sweep={"style_weight": [_NO_LOSS, 1.0]},
            lanes=lanes,
            on_result=lambda place, result: finished.append(place),
        )
    assert finished == [1]
    with pytest.raises(DivergenceError, match="starting image is not finite"):
        alone(PHOTOS[0], PAINTINGS[0], bad)


def test_a_start_that_is_no_file_fails_alone(run_jobs):
    bad = dataclasses.replace(_ADAM, init="nowhere.png")
    jobs = [batch.Job(PHOTOS[0], (PAINTINGS[0],), one) for one in (bad, _ADAM)]
    found = run_jobs(jobs)
    assert str(found[0]) == "nowhere.png: no such file; check the name"
    assert found[1].iterations == _ADAM.steps


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
    bad = [*jobs, batch.Job("missing.png", (FIVE[0],), _ADAM)]
    assert run_jobs(bad, done=range(6)) == {}


def stopper(group, iteration=1):
    """Stops in the group that begins with that place, at or after that iteration."""

    def stop(progress):
        reached = progress.lanes[0].iteration >= iteration
        return progress.jobs[0] == group and reached

    return stop


@pytest.mark.parametrize("options", [_ADAM, _LBFGS], ids=["adam", "lbfgs"])
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
    jobs = jobs_of(LARGE, PAINTINGS[:1], _PYRAMID)

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


_OTHER_WEIGHT = dataclasses.replace(_ADAM, style_weight=2.0)


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
    jobs = jobs_of(PHOTOS[:1], FIVE[:2], _LBFGS)
    part = run_jobs(jobs, on_progress=stopper(0), **keywords)
    made = part[0].iterations
    fewer = dataclasses.replace(_LBFGS, steps=made - 1)
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


def test_a_picture_too_small_is_left_out(tiny_network, photo, painting):
    narrow = np.random.default_rng(0).random((2, 64, 3), np.float32)
    jobs = [
        batch.Job(content, (painting,), Options(size=32, steps=1, history=2))
        for content in (narrow, photo)
    ]
    (bad, problem), (good, result) = batch.run_jobs(jobs, network=tiny_network)
    assert (bad, good) == (0, 1)
    assert "too small" in str(problem)
    assert result.iterations == 1
