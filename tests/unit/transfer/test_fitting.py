"""Groups that have no room go on by less memory, and say so."""

import dataclasses

import pytest
from support.batch_pictures import SHALLOW, assert_close, job, picture

from nst_jax.devices import memory, spaces
from nst_jax.errors import NoRoomError, OptionsError
from nst_jax.optimize import hosted
from nst_jax.transfer import estimate, fitting, room
from nst_jax.transfer.fitting import AUTO, Fit
from nst_jax.transfer.problem import Studio

LARGE = (330, 400)


def full(*refused):
    """What shows progress, on a device that has no room for so many lanes."""

    def show(progress):
        if len(progress.lanes) in refused:
            raise NoRoomError
        return None

    return show


@pytest.fixture
def apart(monkeypatch):
    """The device has a memory of its own, as GPUs have, which never runs out."""
    monkeypatch.setattr(memory, "is_shared", lambda: False)


IN_HOST = (
    "too little memory for the solver's state: now it is kept in the host's, which "
    "takes longer"
)


TILES = [
    f"too little memory for the picture at once: now in tiles of {side} pixels"
    for side in (512, 256)
]


@pytest.mark.parametrize("last", [[], [IN_HOST, *TILES]], ids=["shared", "apart"])
def test_fewer_lanes_then_smaller_tiles_then_the_host(tiny_network, last, request):
    if last:
        request.getfixturevalue("apart")
    options = dataclasses.replace(SHALLOW, size=1200)
    way, lines = fitting.first(Studio(tiny_network, options), 5, AUTO), []
    while less := way.smaller((1200, 900)):
        way, line = less
        lines.append(line)
    assert lines == [
        "too little memory for 5 pictures side by side: now 2",
        "too little memory for 2 pictures side by side: now 1",
        *TILES,
        *last,
    ]
    assert (way.lanes, way.studio.tile, way.hosted) == (1, 256, bool(last))


@pytest.mark.parametrize(
    ("change", "tile"), [({}, 0), ({"style_loss": "sliced"}, None)], ids=["0", "loss"]
)
def test_no_tiles_where_there_may_be_none(tiny_network, change, tile):
    studio = Studio(tiny_network, dataclasses.replace(SHALLOW, **change))
    assert fitting.first(studio, 1, Fit(tile)).smaller((1200, 900)) is None


def test_pictures_of_one_tile_stay_whole(tiny_network):
    studio = Studio(tiny_network, SHALLOW)
    assert fitting.first(studio, 1, AUTO).smaller((200, 200)) is None
    assert [*Fit(256).idle(studio, (200, 300))] == [
        "tile=256 has no effect on 300x200 pixels: one tile sees it all"
    ]
    assert [*Fit(256).idle(studio, (900, 1200))] == []


def test_tiles_have_room_for_what_is_seen():
    with pytest.raises(OptionsError, match="tile=255 is out of range: give 256"):
        Fit(255).check()


def test_where_the_device_s_memory_is_the_host_s_it_is_said(tiny_network, monkeypatch):
    studio = Studio(tiny_network, SHALLOW)
    line = "solver_memory=host has no effect here: it is the device's memory"
    on_host = Fit(solver_memory="host")
    assert [*on_host.idle(studio, (90, 90))] == [line]
    assert not on_host.hosted
    assert [*Fit(solver_memory="device").idle(studio, (90, 90))] == []
    monkeypatch.setattr(memory, "is_shared", lambda: False)
    assert [*on_host.idle(studio, (90, 90))] == []
    assert on_host.hosted


def test_a_solver_s_state_stays_where_it_is_asked_for(tiny_network, apart):
    studio = Studio(tiny_network, SHALLOW)
    for where in ("device", "host"):
        way = fitting.first(studio, 1, Fit(0, where))
        assert way.hosted is (where == "host")
        assert way.smaller((1200, 900)) is None


@pytest.mark.slow
def test_where_it_has_no_effect_pictures_go_side_by_side(run_jobs):
    photos = [picture(seed, 33, 24) for seed in (1, 2)]
    jobs = [job(photo, picture(9, 30, 33), SHALLOW) for photo in photos]
    lanes, said = set(), []

    def show(progress):
        lanes.add(len(progress.lanes))

    run_jobs(jobs, on_progress=show, solver_memory="host", report=said.append)
    assert lanes == {2}
    assert said == ["solver_memory=host has no effect here: it is the device's memory"]


@pytest.mark.slow
def test_a_batch_by_the_host_s_memory_goes_one_by_one(run_jobs, apart):
    photos = [picture(seed, 33, 24) for seed in (1, 2)]
    jobs = [job(photo, picture(9, 30, 33), SHALLOW) for photo in photos]
    lanes = set()

    def show(progress):
        lanes.add(len(progress.lanes))
        assert hosted.found(progress.lanes[0].state)

    assert len(run_jobs(jobs, on_progress=show, solver_memory="host")) == 2
    assert lanes == {1}


def test_what_can_t_be_is_refused():
    with pytest.raises(OptionsError, match="solver_memory=disk is neither device nor"):
        Fit(solver_memory="disk").check()
    with pytest.raises(
        OptionsError, match=r"lanes=2: with solver_memory=host .*one by"
    ):
        Fit(solver_memory="host").check(2)
    Fit(solver_memory="host").check(1)
    Fit(solver_memory="device").check(2)


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


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_it_is_the_same_picture_by_the_host_s_memory(run_jobs, solver, apart, tmp_path):
    """Through two sizes, with moments carried along, and a divergence on the way."""
    more = {"size": 90, "steps": 8, "pyramid": 2, "solver": solver}
    more |= {"carry": "moments"} if solver == "adam" else {}
    options = dataclasses.replace(SHALLOW, **more)
    one = job(picture(1, 80, 90), picture(2, 90, 100), options)
    states, said = [], []

    def show(progress):
        states.append(progress.lanes[0].state)

    found = run_jobs([one], on_progress=show, solver_memory="host", report=said.append)
    assert said == []
    pixels = {hosted.bytes_of(s) // s.image.nbytes for s in states}
    assert pixels == {2 * options.history if solver == "lbfgs" else 2}
    assert_close(found[0], run_jobs([one])[0])


@pytest.mark.slow
def test_a_group_that_has_no_room_for_its_solver_is_finished(run_jobs, apart):
    one = job(
        picture(1, *LARGE),
        picture(2, 90, 100),
        dataclasses.replace(SHALLOW, size=400, steps=3, solver="lbfgs"),
    )
    said = []

    def show(progress):
        if not hosted.found(progress.lanes[0].state):
            raise NoRoomError

    found = run_jobs([one], on_progress=show, report=said.append)
    assert said[-2:] == [
        "too little memory for the picture at once: now in tiles of 256 pixels",
        IN_HOST,
    ]
    assert_close(found[0], run_jobs([one], tile=0)[0])


def test_it_is_said_what_the_host_hasn_t(run_jobs, apart, monkeypatch):
    monkeypatch.setattr(memory, "host_bytes", lambda: 1000)
    one = job(picture(1, 33, 24), picture(2, 30, 33), SHALLOW)
    monkeypatch.setattr(spaces, "most_on_host", lambda: 0)
    line = r"0\.00 GB of the host's memory are needed for the .* there are 0\.00: try a"
    with pytest.raises(NoRoomError, match=line):
        run_jobs([one], solver_memory="host")


@pytest.mark.slow
def test_a_plan_counts_the_host_s_memory_apart(tiny_network, apart, monkeypatch):
    options = dataclasses.replace(SHALLOW, size=400, solver="lbfgs", history=10)
    one = job(picture(1, *LARGE), picture(2, 90, 100), options)

    def planned(**how):
        ((places, run),) = estimate.runs(
            [one], lambda: tiny_network, report=print, **how
        )
        before = estimate.Baseline(None, memory.free_bytes())
        return run, estimate.of_run(places, run, before)

    run, on_device = planned()
    run_host, on_host = planned(fit=Fit(solver_memory="host"))
    pixels = LARGE[0] * LARGE[1] * 12
    assert (on_device.host, on_host.host) == (0, 40 * pixels)
    assert on_device.needed - on_host.needed > 15 * pixels
    assert on_host.fits
    assert not dataclasses.replace(on_host, host_free=40 * pixels - 1).fits
    assert "of the host's, of" in room.expect(run_host, grey=False)
    assert "host" not in room.expect(run, grey=False)
    # Too large in tiles too, but for the solver.
    little = dataclasses.replace(on_device, free=on_host.needed + pixels // 10)
    assert "--solver_memory=host" in room.ways(little, run)[1]
    short = dataclasses.replace(on_host, host_free=pixels)
    ways = room.ways(short, run_host)
    assert not [way for way in ways if way.endswith("size=384")]
    assert estimate.timed(on_host, run_host).seconds > 0
