"""Groups that have no room go on by less memory, and say so."""

import dataclasses

import pytest
from support.batch_pictures import SHALLOW, assert_close, job, picture

from nst_jax.errors import NoRoomError, OptionsError
from nst_jax.transfer import fitting
from nst_jax.transfer.problem import Studio

LARGE = (330, 400)


def full(*refused):
    """What shows progress, on a device that has no room for so many lanes."""

    def show(progress):
        if len(progress.lanes) in refused:
            raise NoRoomError
        return None

    return show


def test_fewer_lanes_then_smaller_tiles(tiny_network):
    options = dataclasses.replace(SHALLOW, size=1200)
    way, lines = fitting.first(Studio(tiny_network, options), 5, None), []
    while less := way.smaller((1200, 900)):
        way, line = less
        lines.append(line)
    assert lines == [
        "too little memory for 5 pictures side by side: now 2",
        "too little memory for 2 pictures side by side: now 1",
        "too little memory for the picture at once: now in tiles of 512 pixels",
        "too little memory for the picture at once: now in tiles of 256 pixels",
    ]
    assert (way.lanes, way.studio.tile) == (1, 256)


@pytest.mark.parametrize(
    ("change", "tile"), [({}, 0), ({"style_loss": "sliced"}, None)], ids=["0", "loss"]
)
def test_no_tiles_where_there_may_be_none(tiny_network, change, tile):
    studio = Studio(tiny_network, dataclasses.replace(SHALLOW, **change))
    assert fitting.first(studio, 1, tile).smaller((1200, 900)) is None


def test_pictures_of_one_tile_stay_whole(tiny_network):
    studio = Studio(tiny_network, SHALLOW)
    assert fitting.first(studio, 1, None).smaller((200, 200)) is None
    assert fitting.idle(studio, (200, 300), 256) == (
        "tile=256 has no effect on 300x200 pixels: one tile sees it all"
    )
    assert fitting.idle(studio, (900, 1200), 256) is None


def test_tiles_have_room_for_what_is_seen():
    with pytest.raises(OptionsError, match="tile=255 is out of range: give 256"):
        fitting.check(255)


@pytest.mark.slow
def test_a_batch_without_room_is_finished(run_jobs):
    photos = [picture(seed, 33, 24) for seed in (1, 2, 3, 4, 5)]
    jobs = [job(photo, picture(9, 30, 33), SHALLOW) for photo in photos]
    said = []
    found = run_jobs(jobs, lanes=5, on_progress=full(5, 4, 3), report=said.append)
    assert said == ["too little memory for 5 pictures side by side: now 2"]
    plain = run_jobs(jobs, lanes=5)
    assert sorted(found) == [0, 1, 2, 3, 4]
    for place, result in found.items():
        assert_close(result, plain[place])


@pytest.mark.slow
def test_a_picture_without_room_is_finished_in_tiles(run_jobs):
    one = job(
        picture(1, *LARGE),
        picture(2, 90, 100),
        dataclasses.replace(SHALLOW, size=400, steps=3),
    )
    said, tried = [], []

    def show(progress):
        tried.append(progress)
        if len(tried) == 1:
            raise NoRoomError

    found = run_jobs([one], on_progress=show, report=said.append)
    assert said[-1] == (
        "too little memory for the picture at once: now in tiles of 256 pixels"
    )
    assert_close(found[0], run_jobs([one], tile=0)[0])
