"""What has no colour on both sides gets none, whatever the start, solver and lanes."""

import dataclasses

import numpy as np
import pytest
from support.batch_pictures import (
    LARGE,
    LBFGS,
    PAINTINGS,
    PHOTOS,
    PYRAMID,
    SHALLOW,
    assert_close,
    assert_same,
    job,
)
from support.classic import classic

from nst_jax import stylize
from nst_jax.images import color, files
from nst_jax.options import STARTS
from nst_jax.perceptual.grey import is_grey
from nst_jax.transfer.pictures import Pictures

GREY = [color.grey(photo) for photo in PHOTOS]
GREY_PAINTINGS = [color.grey(painting) for painting in PAINTINGS]
KEEPING = ("luminance", "luminance_unmatched", "histogram", "linear", "linear_cholesky")


def chroma(result) -> float:
    return float(np.ptp(result.image, axis=-1).max())


def changed(**options):
    return dataclasses.replace(SHALLOW, **options)


@pytest.fixture
def start(tmp_path) -> str:
    """The path of a picture in colour."""
    path = str(tmp_path / "start.png")
    files.write(path, PAINTINGS[1])
    return path


@pytest.mark.slow
def test_grey_lanes_stay_grey_beside_coloured_ones(run_jobs, alone, start):
    """From every start, by every way to keep colours, in padding too."""
    starts = [changed(init=init) for init in (*STARTS, start)]
    kept = [changed(color=color) for color in KEEPING]
    kept += [changed(color_after="histogram")]
    jobs = [
        *(job(GREY[0], GREY_PAINTINGS[0], one) for one in starts),
        job(GREY[1], GREY_PAINTINGS[1], changed(init="noise")),
        *(job(GREY[0], PAINTINGS[0], one) for one in kept),
        job(GREY[0], [*GREY_PAINTINGS, PAINTINGS[0]], changed(style_blend=(1, 1, 0.0))),
        job(PHOTOS[0], PAINTINGS[0], SHALLOW),
        job(PHOTOS[0], GREY_PAINTINGS[0], SHALLOW),
        job(GREY[0], PAINTINGS[0], SHALLOW),
    ]
    found = run_jobs(jobs, lanes=len(jobs))
    coloured = range(len(jobs) - 3, len(jobs))
    assert [p for p in range(len(jobs)) if chroma(found[p]) > 0] == list(coloured)
    assert min(chroma(found[place]) for place in coloured) > 0.02
    assert_close(found[coloured[0]], alone(PHOTOS[0], PAINTINGS[0], SHALLOW))
    # They are painted, not only turned grey.
    assert found[0].loss < 0.9 * found[0].losses[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("photo", "options"),
    [
        (GREY[0], dataclasses.replace(LBFGS, init="noise")),
        (color.grey(LARGE[0]), dataclasses.replace(PYRAMID, init="pink")),
    ],
    ids=["lbfgs", "pyramid"],
)
def test_by_every_solver_stopped_and_resumed_too(
    alone, tiny_network, tmp_path, photo, options
):
    whole = alone(photo, GREY_PAINTINGS[0], options)
    assert chroma(whole) == 0
    shown = []

    def stop(progress):
        shown.append(progress.image())
        return True

    run = {"network": tiny_network, "state_file": tmp_path / "run.state"}
    part = stylize(photo, GREY_PAINTINGS[0], options, on_progress=stop, **run)
    assert chroma(part) == np.ptp(shown[0], axis=-1).max() == 0
    rest = stylize(photo, GREY_PAINTINGS[0], options, resume=True, **run)
    assert_same(rest, whole)


@pytest.mark.parametrize(
    ("grey", "photo", "paintings", "options"),
    [
        (True, True, [True], {}),
        (False, False, [True], {}),
        (False, True, [False], {}),
        (False, True, [True, False], {}),
        (True, True, [True, False], {"style_blend": (2.0, 0.0)}),
        # Matched to the photo a painting is as grey as that is.
        (True, True, [False], {"color": "linear"}),
        (False, False, [True], {"color": "linear"}),
        # What has no weight asks for nothing.
        (True, True, [False], {"style_weight": 0.0}),
        (True, True, [False], {"style_tap_weights": (0.0,)}),
        (True, False, [True], {"content_weight": 0.0, "init": "noise"}),
        (False, False, [True], {"content_weight": 0.0}),
        (False, True, [True], dict.fromkeys(("content_weight", "style_weight"), 0.0)),
    ],
)
def test_what_asks_for_colour(grey, photo, paintings, options):
    if options.get("content_weight") == options.get("style_weight") == 0:
        options = {**options, "init": "noise"}
    one = classic(style_taps=("relu1_1",), **options)
    assert is_grey(one, photo, paintings) == grey


@pytest.mark.parametrize(
    ("picture", "grey"),
    [
        (GREY[0], True),
        (np.clip(GREY[0] + np.float32([2, -1, 0]) / 255, 0, 1), True),
        (np.clip(GREY[0] + np.float32([8, 0, -8]) / 255, 0, 1), False),  # Sepia.
        (np.where(np.arange(24)[:, None] == 9, PHOTOS[0], GREY[0]), False),
    ],
    ids=["exact", "rounded", "tinted", "a coloured line"],
)
def test_a_picture_is_grey_but_for_rounding(picture, grey):
    one = job(picture, GREY_PAINTINGS[0])
    made = Pictures([one], {s.key: s.shape() for s in one.sources})
    assert made.opened(made.lane(one, one.options.size)).grey == grey
