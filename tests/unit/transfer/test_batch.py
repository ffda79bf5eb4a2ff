"""Batches: each lane is what it would be alone, whatever shares its program."""

import dataclasses
import itertools

import numpy as np
import pytest
from support.batch_pictures import (
    FIVE,
    LARGE,
    LBFGS,
    NO_LOSS,
    PAINTINGS,
    PHOTOS,
    PYRAMID,
    SHALLOW,
    assert_close,
    assert_same,
    job,
    jobs_of,
    picture,
)
from support.compilations import compilations

from nst_jax.errors import (
    DivergenceError,
    ImageError,
    OptionsError,
    TooSmallError,
)
from nst_jax.images import files
from nst_jax.images.source import Source
from nst_jax.options import Options
from nst_jax.transfer import plan
from nst_jax.transfer.jobs import Job, variations
from nst_jax.transfer.pictures import Pictures
from nst_jax.transfer.problem import Studio


@pytest.mark.parametrize(
    ("options", "photos"),
    [(SHALLOW, PHOTOS), (LBFGS, PHOTOS[:2])],
    ids=["adam", "lbfgs"],
)
@pytest.mark.slow
def test_photos_of_several_shapes_are_what_they_are_alone(
    alone, together, options, photos
):
    """Two share a frame that one doesn't fill; a third has its own, by Adam."""
    found = together(photos, PAINTINGS[0], options)
    pairs = itertools.product(photos, PAINTINGS[:1])
    for result, (photo, painting) in zip(found, pairs, strict=True):
        assert_close(result, alone(photo, painting, options))


@pytest.mark.slow
def test_one_after_the_other_photos_of_two_shapes_are_exactly_so(alone, together):
    # By default the second has the first's frame, and is padded.
    results = together(PHOTOS[:2], PAINTINGS[:1], SHALLOW, lanes=1)
    for photo, found in zip(PHOTOS, results, strict=False):
        assert_same(found, alone(photo, PAINTINGS[0], SHALLOW))


@pytest.mark.slow  # A program of its own.
def test_every_option_that_may_vary_is_its_lanes_own(alone, run_jobs):
    sweeps = [
        {"content_weight": [50.0], "style_weight": [3.0]},
        {"tv_weight": [1e3], "color_after": ["histogram"]},
        {"init": ["noise"], "seed": [1, 2]},
        {"style_scale": [0.6], "color": ["linear"]},
        {"style_tap_weights": [(2.0,)], "content_tap_weights": [(3.0,)]},
        {"color": ["luminance"], "init": ["style"]},
        {"edge_weight": [30.0]},
    ]
    varied = [one for sweep in sweeps for one in variations(SHALLOW, sweep)]
    jobs = [job(PHOTOS[0], PAINTINGS[0], one) for one in varied]
    found = run_jobs(jobs, lanes=4)
    assert sorted(found) == list(range(len(varied))) == list(range(8))
    for place, one in enumerate(varied):
        assert_close(found[place], alone(PHOTOS[0], PAINTINGS[0], one))


@pytest.mark.slow  # A program of its own.
def test_several_paintings_blend_by_each_lanes_shares(alone, run_jobs):
    blends = [
        dataclasses.replace(SHALLOW, style_blend=s) for s in ((3.0, 1.0), (0.0, 1.0))
    ]
    jobs = [job(PHOTOS[0], PAINTINGS, one) for one in blends]
    found = run_jobs([*jobs, job(PHOTOS[0], PAINTINGS[0], SHALLOW)])
    for place, one in enumerate(blends):
        assert_close(found[place], alone(PHOTOS[0], PAINTINGS, one))
    assert_close(found[2], alone(PHOTOS[0], PAINTINGS[0], SHALLOW))


@pytest.mark.slow
def test_coarse_to_fine(alone, together):
    found = together(LARGE, PAINTINGS[0], PYRAMID)
    assert [result.image.shape[:2] for result in found] == [(128, 92), (128, 91)]
    assert_close(found[1], alone(LARGE[1], PAINTINGS[0], PYRAMID))


@pytest.mark.parametrize(
    ("lanes", "groups"),
    [
        (3, [(0, 1, 2), (3, 4)]),
        *(
            pytest.param(lanes, groups, marks=pytest.mark.slow)
            for lanes, groups in {
                1: [(0,), (1,), (2,), (3,), (4,)],
                2: [(0, 1), (2, 3), (4,)],
                9: [(0, 1, 2, 3, 4)],
                None: [(0, 1, 2, 3, 4)],
            }.items()
        ),
    ],
)
def test_jobs_are_shared_out_to_groups_and_say_where_they_are(together, lanes, groups):
    seen, order = [], []
    found = together(
        *(PHOTOS[0], FIVE, SHALLOW),
        lanes=lanes,
        on_progress=seen.append,
        on_result=lambda place, result: order.append(place),
    )
    assert list(dict.fromkeys(progress.jobs for progress in seen)) == groups
    assert order == [0, 1, 2, 3, 4]
    finished = {progress.jobs: progress.finished for progress in seen}
    assert list(finished.values()) == [group[0] for group in groups]
    assert all(len(p.lanes) == len(p.jobs) and p.total == 5 for p in seen)
    last = dict(zip(seen[-1].jobs, seen[-1].lanes, strict=True))
    for place, lane in last.items():
        assert lane.iteration == lane.steps == found[place].iterations == 6
        assert lane.best_loss == found[place].loss


@pytest.mark.slow  # A program of its own.
def test_new_pictures_weights_and_starts_compile_nothing(together):
    together(PHOTOS, PAINTINGS, SHALLOW, sweep={"style_weight": [1.0, 2.0]})
    mirrored = [np.ascontiguousarray(image[:, ::-1]) for image in PHOTOS]
    other = dataclasses.replace(SHALLOW, style_weight=7.0, tv_weight=1.0, init="noise")
    with compilations() as compiled:
        together(mirrored, PAINTINGS[::-1], other, sweep={"seed": [1, 2]})
    assert not compiled
    with compilations() as compiled:
        together(PHOTOS[0], PAINTINGS[0], dataclasses.replace(SHALLOW, tv="l1"))
    assert compiled


def test_a_group_shares_a_photo_if_the_network_sees_one(tiny_network):
    """Not where it sees it grey for some lanes: another program would be compiled."""
    for ways, share in {
        ("style", "linear"): True,
        ("style", "luminance"): False,
    }.items():
        varied = [dataclasses.replace(SHALLOW, color=way) for way in ways]
        jobs = [job(PHOTOS[0], PAINTINGS[0], one) for one in varied]
        pictures = Pictures(jobs, {s.key: s.shape() for s in jobs[0].sources})
        studio = Studio(tiny_network, SHALLOW)
        by_place = dict(enumerate(jobs))
        (group,) = plan.groups(by_place, pictures, studio, 2)
        assert group == plan.Group((0, 1), 2, share)
        posed = studio.pose([pictures.lane(one, 33) for one in jobs], share=share)
        assert bool(posed.shared) == share


@pytest.mark.slow
def test_many_shapes_share_few_programs(together):
    shapes = [(100, side) for side in range(70, 75)]
    shapes += [(side, 100) for side in range(60, 65)]
    photos = [picture(i, *shapes[i % 10]) for i in range(30)]
    groups = []
    found = together(
        *(photos, PAINTINGS[0], dataclasses.replace(SHALLOW, size=100, steps=1)),
        on_progress=lambda p: groups.append(p.jobs),
    )
    assert [result.image.shape for result in found] == [p.shape for p in photos]
    assert len({tuple(sorted(group)) for group in groups}) <= 8


# Results at chosen iterations.


@pytest.mark.slow  # Programs of their own.
@pytest.mark.parametrize("lanes", [1, 2])
def test_a_job_gives_results_at_the_iterations_it_is_wanted_at(
    alone, tiny_network, lanes
):
    from nst_jax.transfer.batch import run_jobs

    jobs = [
        job(PHOTOS[0], FIVE[0], LBFGS, at=(2, 5, 6)),
        job(PHOTOS[0], FIVE[1], LBFGS, at=(4,)),
        job(PHOTOS[0], FIVE[2], LBFGS),
    ]
    found = list(run_jobs(jobs, network=tiny_network, lanes=lanes))
    by_job = {p: [r for place, r in found if place == p] for p in range(3)}
    assert [[r.at for r in by_job[p]] for p in range(3)] == [
        [2, 5, 6, None],
        [4, None],
        [None],
    ]
    for place, results in by_job.items():
        for result in results:
            steps = 6 if result.at is None else result.at
            assert (result.iterations, result.finished) == (steps, True)
            shorter = dataclasses.replace(LBFGS, steps=steps)
            expected = alone(PHOTOS[0], FIVE[place], shorter)
            np.testing.assert_allclose(result.image, expected.image, atol=2e-3)
            np.testing.assert_allclose(result.losses, expected.losses, rtol=5e-3)


# What is wrong.


def test_what_is_wrong_with_a_job_is_its_own(run_jobs, alone):
    tall = picture(5, 64, 2)
    bad = [
        job("missing.png", PAINTINGS[0], SHALLOW),
        job(tall, PAINTINGS[0], SHALLOW),
        job(PHOTOS[0], PAINTINGS[0], dataclasses.replace(SHALLOW, init="no.png")),
        job(
            PHOTOS[0], PAINTINGS[0], dataclasses.replace(SHALLOW, style_weight=NO_LOSS)
        ),
    ]
    good = job(PHOTOS[0], PAINTINGS[0], SHALLOW)
    seen = []
    found = run_jobs(
        [*bad, good], on_progress=lambda p: seen.append((p.finished, p.jobs))
    )
    assert [type(found[p]) for p in range(4)] == [
        *(ImageError, TooSmallError, ImageError, DivergenceError),
    ]
    assert str(found[0]) == "missing.png: no such file; check the name"
    assert ": at 1x33 pixels it is too small for relu2_1, which" in str(found[1])
    assert str(found[2]) == "no.png: no such file; check the name"
    assert set(seen) == {(3, (3, 4))}
    assert_close(found[4], alone(PHOTOS[0], PAINTINGS[0], SHALLOW))


def test_a_picture_that_breaks_off_fails_when_its_group_begins(run_jobs, tmp_path):
    for name in ("good.png", "bad.png"):
        files.write(tmp_path / name, PHOTOS[0])
    cut = (tmp_path / "bad.png").read_bytes()[:-500]
    (tmp_path / "bad.png").write_bytes(cut)
    jobs = [
        job(str(tmp_path / n), PAINTINGS[0], SHALLOW) for n in ("bad.png", "good.png")
    ]
    found = run_jobs(jobs, lanes=2)
    assert isinstance(found[0], ImageError)
    assert "bad.png: can't be decoded" in str(found[0])
    assert found[1].iterations == 6


def test_only_bad_pictures_need_no_network():
    """None is stored here, and none may be fetched."""
    from nst_jax.transfer.batch import run_jobs

    found = dict(run_jobs(jobs_of(["missing.png"], PAINTINGS), offline=True))
    assert [type(error) for error in found.values()] == [ImageError] * 2


def test_the_first_bad_picture_ends_a_batch_of_python_before_its_work(together):
    with pytest.raises(ImageError, match=r"^missing\.png: no such file"):
        together(
            *([PHOTOS[0], "missing.png"], PAINTINGS),
            on_progress=lambda _: pytest.fail("began"),
        )
    with pytest.raises(ImageError, match=r"outside of \[0, 1\]: divide them by 255"):
        together(np.full((20, 20, 3), 7.0), PAINTINGS)


@pytest.mark.slow
def test_what_is_found_wrong_later_is_raised_when_the_others_are_finished(
    together, tmp_path
):
    finished = []

    def keep(place, result):
        finished.append(place)

    with pytest.raises(DivergenceError, match="starting image is not finite"):
        together(
            *(PHOTOS[0], PAINTINGS[0], SHALLOW),
            sweep={"style_weight": [NO_LOSS, 1.0]},
            on_result=keep,
        )
    files.write(tmp_path / "a.png", PHOTOS[0])
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:-500])
    photos = [PHOTOS[0], tmp_path / "a.png", PHOTOS[1]]
    with pytest.raises(ImageError, match=r"a\.png: can't be decoded"):
        together(photos, PAINTINGS[0], SHALLOW, lanes=1, on_result=keep)
    assert finished == [1, 0, 2]


def test_equal_paths_are_one_picture(run_jobs, tmp_path):
    files.write(tmp_path / "a.png", PHOTOS[0])
    path = Source(str(tmp_path / "a.png"))
    jobs = [Job(path, (Source.of(p),), Options(**vars(SHALLOW))) for p in FIVE[:2]]
    assert len({one.content for one in jobs}) == 1
    assert [r.iterations for r in run_jobs(jobs).values()] == [6, 6]


def test_a_style_that_is_a_list_is_a_blend(together, run_jobs, capsys):
    """Beside paintings by themselves, which have no shares, in one program."""
    shares = dataclasses.replace(SHALLOW, style_blend=(3.0, 1.0))
    blend = [PAINTINGS[0], PAINTINGS[1]]
    seen = []
    found = together(
        *(PHOTOS[0], [blend, PAINTINGS[1], tuple(blend[::-1])], shares),
        on_progress=lambda progress: seen.append(progress.jobs),
        progress=True,
    )
    assert set(seen) == {(0, 1, 2)}
    expected = run_jobs(
        [
            job(PHOTOS[0], blend, shares),
            job(PHOTOS[0], PAINTINGS[1], SHALLOW),
            job(PHOTOS[0], blend[::-1], shares),
        ]
    )
    for place, result in enumerate(found):
        assert_same(result, expected[place])
    assert [result.options.style_blend for result in found] == [
        *((3.0, 1.0), (), (3.0, 1.0))
    ]
    assert found[0].loss != found[2].loss
    assert "18/18" in capsys.readouterr().err
    # Where no painting is blended, shares are for nothing.
    with pytest.raises(OptionsError, match="2 shares for 1 painting;"):
        together(PHOTOS[0], PAINTINGS, shares)
    with pytest.raises(OptionsError, match="no painting given"):
        together(PHOTOS[0], [blend, []], shares)
