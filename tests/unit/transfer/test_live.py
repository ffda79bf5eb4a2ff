"""Pictures of a run in a notebook: which are shown, how large, in place of which."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image
from support.classic import classic

import nst_jax
from nst_jax.errors import OptionsError
from nst_jax.optimize.chunk import State
from nst_jax.transfer.lanes import lane_of
from nst_jax.transfer.live import Live
from nst_jax.transfer.pictures import Pictures
from nst_jax.transfer.results import BatchProgress, Progress


def progress(iteration, *, shape=(32, 48), value=0.5, event=None, size=48):
    """Of five iterations; the best picture so far has one `value`."""
    photo = np.full((*shape, 3), 0.25, np.float32)
    lane = lane_of(photo, [photo], classic(size=size, steps=5))
    image = np.full((1, *shape, 3), value, np.float32)
    losses = np.array([2.5], np.float32)
    return Progress(
        *(iteration, 5, 2.5, {}, losses, 2.5, 1.0, 0.0, 1.0, event),
        lane=lane,
        place=0,
        state=State(image, None, image, losses, np.int32(0), np.ones(1)),
        pictures=Pictures([lane.job], {lane.job.content.key: shape}),
    )


@pytest.fixture
def places():
    """What was shown, a list for each place: all that was there, one by one."""
    return []


@pytest.fixture
def live(places):
    def begin(text):
        places.append([text])
        return places[-1].append

    return lambda **how: Live(begin, **{"seconds": 0.0, "longest": 64, **how})


def pictures(html: str) -> list[Image.Image]:
    found = re.findall('src="data:image/jpeg;base64,([^"]*)"', html)
    return [Image.open(io.BytesIO(base64.b64decode(one))) for one in found]


def test_each_picture_takes_the_place_of_the_one_before(live, places):
    show = live()
    for iteration, value in ((0, 0.2), (3, 0.4), (5, 0.8)):
        show(progress(iteration, value=value))
    (shown,) = places
    for html, iteration, level in zip(shown, (0, 3, 5), (51, 102, 204), strict=True):
        (picture,) = pictures(html)
        assert picture.size == (48, 32)
        np.testing.assert_allclose(np.asarray(picture), level, atol=1)
        assert f"iteration {iteration} of 5, loss 2.5<" in html


def test_only_first_and_last_are_shown_of_what_comes_too_soon(live, places):
    show = live(seconds=1000.0)
    for iteration in range(6):
        show(progress(iteration))
    assert [re.findall("iteration (.)", html) for html in places[0]] == [["0"], ["5"]]


def test_another_run_has_a_place_of_its_own(live, places):
    show = live(seconds=1000.0)
    for iteration in (0, 5, 0, 5):
        show(progress(iteration))
    assert [len(shown) for shown in places] == [2, 2]


def test_pictures_are_as_wide_as_they_will_be_and_bounded(live, places):
    live(longest=64)(progress(0, shape=(8, 16), size=32))
    live(longest=20)(progress(0, shape=(32, 48), size=48))
    coarse, large = (shown[0] for shown in places)
    assert pictures(coarse)[0].size == (16, 8)
    assert "width: 32px" in coarse
    assert pictures(large)[0].size == (20, 13)
    assert "width: 20px" in large


def test_lanes_of_a_batch_are_side_by_side_with_their_events(live, places):
    lanes = progress(2), progress(2, event="lost <x>")
    live()(BatchProgress((0, 1), lanes, 0, 2))
    ((html,),) = places
    assert len(pictures(html)) == 2
    assert html.count("<br>lost &lt;x&gt;</figcaption>") == 1


def test_without_a_notebook_it_says_so():
    with pytest.raises(OptionsError, match="in a notebook, and this is none"):
        nst_jax.live()
