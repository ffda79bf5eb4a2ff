"""Batches of which something is wrong: it is said, and the rest is done."""

import dataclasses

import numpy as np
import pytest
from nst_jax.errors import ImageError
from support.batch_pictures import (
    ADAM,
    NO_LOSS,
    PAINTINGS,
    PHOTOS,
    SHALLOW,
    assert_close,
    assert_same,
    jobs_of,
)

from nst_jax.networks.extract import NetworkError
from nst_jax.optimize.engine import DivergenceError
from nst_jax.options import Options, OptionsError
from nst_jax.transfer import batch


def test_values_may_be_an_array():
    values = np.geomspace(1, 100, 3)
    found = batch.variations(ADAM, {"style_weight": values, "seed": [4, 5]})
    assert [(o.style_weight, o.seed) for o in found] == [
        (weight, seed) for weight in (1, 10, 100) for seed in (4, 5)
    ]


_VARYING = (
    "content_weight, style_weight, content_tap_weights, style_tap_weights, tv_weight, "
    "style_blend, style_scale, init, seed, color, color_after"
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
            "init='nowhere.png' is neither content, style, noise, mean, gaussian, pink "
            "nor a file",
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
    other = dataclasses.replace(ADAM, steps=7)
    jobs = [batch.Job(PHOTOS[0], (PAINTINGS[0],), one) for one in (ADAM, other)]
    with pytest.raises(OptionsError, match=r"^steps can't vary .*: 6 and 7$"):
        run_jobs(jobs)
    with pytest.raises(OptionsError, match=r"^no painting given: name one or more"):
        run_jobs([batch.Job(PHOTOS[0], (), ADAM)])
    wrong = dataclasses.replace(ADAM, content_taps=("relu9_9",))
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
    bad = dataclasses.replace(SHALLOW, style_weight=NO_LOSS)
    jobs = [
        batch.Job(PHOTOS[0], (PAINTINGS[0],), one) for one in (SHALLOW, bad, SHALLOW)
    ]
    found = run_jobs(jobs, lanes=lanes)
    assert isinstance(found[1], DivergenceError)
    for place in (0, 2):
        assert_close(found[place], alone(PHOTOS[0], PAINTINGS[0], SHALLOW))
    finished = []
    with pytest.raises(DivergenceError, match="starting image is not finite"):
        together(
            *(PHOTOS[0], PAINTINGS[0], SHALLOW),
            sweep={"style_weight": [NO_LOSS, 1.0]},
            lanes=lanes,
            on_result=lambda place, result: finished.append(place),
        )
    assert finished == [1]
    with pytest.raises(DivergenceError, match="starting image is not finite"):
        alone(PHOTOS[0], PAINTINGS[0], bad)


def test_a_start_that_is_no_file_fails_alone(run_jobs):
    bad = dataclasses.replace(SHALLOW, init="nowhere.png")
    jobs = [batch.Job(PHOTOS[0], (PAINTINGS[0],), one) for one in (bad, SHALLOW)]
    found = run_jobs(jobs, lanes=1)
    assert str(found[0]) == "nowhere.png: no such file; check the name"
    assert found[1].iterations == SHALLOW.steps


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
