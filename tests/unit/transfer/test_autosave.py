"""States of runs that go on: when they are written, and what comes of a run's end."""

import os
import threading
import time
from pathlib import Path

import jax
import jax.numpy as jnp
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
    assert_same,
    jobs_of,
)

from nst_jax.optimize import begin, checkpoint, solvers
from nst_jax.transfer import batch
from nst_jax.transfer.autosave import Autosave
from nst_jax.transfer.states import States


def state_of(iteration):
    """A state whose iteration tells it from others."""
    return begin.start(solvers.adam(), jnp.zeros((1, 4, 6, 3)), iteration)


def written(path) -> int | None:
    """The iteration of the state in a file."""
    if not path.exists():
        return None
    return int(checkpoint.load(path, [state_of(0)], "d")[1].iteration)


class Watch:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "run.state"


@pytest.fixture
def watch():
    return Watch()


def settled():
    """Waits for what other threads write."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(10)


def test_it_is_written_now_and_then(path, watch):
    with Autosave(States(lambda _: path, every=30), "d", print, clock=watch) as saving:
        for now, iteration, expected in (
            *((0, 1, None), (29, 2, None), (30, 3, 3), (31, 4, 3), (59, 5, 3)),
            (61, 6, 6),
        ):
            watch.now = now
            saving.offer(state_of(iteration))
            settled()
            assert written(path) == expected, now


def test_it_never_takes_more_than_a_fiftieth_of_the_time(path, watch):
    def slow(_):
        watch.now += 2
        return path

    with Autosave(States(slow, every=30), "d", print, clock=watch) as saving:
        watch.now = 30
        saving.offer(state_of(1))
        settled()
        assert (written(path), watch.now) == (1, 32)
        for now, expected in ((63, 1), (131, 1), (132, 2)):
            watch.now = now
            saving.offer(state_of(2))
            settled()
            assert written(path) == expected, now


def test_there_are_never_two_at_once(path):
    gate, asked = threading.Event(), []

    def held(_):
        asked.append(threading.current_thread())
        gate.wait(10)
        return path

    with Autosave(States(held, every=0), "d", print) as saving:
        for iteration in range(1, 5):
            saving.offer(state_of(iteration))  # Doesn't wait for the disk.
        assert written(path) is None
        gate.set()
    assert written(path) == 1  # It is waited for at the end.
    (thread,) = asked
    assert thread is not threading.current_thread()


def test_without_room_for_two_it_is_written_before_the_run_goes_on(path):
    asked = []

    def note(_):
        asked.append(threading.current_thread())
        return path

    states = States(note, every=0)
    with Autosave(states, "d", print, free=lambda: 0) as saving:
        saving.offer(state_of(1))
        assert written(path) == 1
    assert asked == [threading.current_thread()]


def test_the_next_chunk_does_not_write_over_what_is_on_its_way(path):
    gate = threading.Event()

    def held(_):
        gate.wait(10)
        return path

    state = state_of(1)
    before = np.array(state.image)
    with Autosave(States(held, every=0), "d", print) as saving:
        saving.offer(state)
        scale = jnp.full(1, 0.5)
        for _ in range(3):  # Donates it, and the memory of its results.
            state = begin.restart(solvers.adam(), state, scale)
            state = jax.tree.map(lambda leaf: leaf + 1, state)
        jax.block_until_ready(state)
        gate.set()
    _, kept = checkpoint.load(path, [state], "d")
    np.testing.assert_array_equal(kept.image, before)
    assert int(kept.iteration) == 1


def test_a_disk_that_is_full_is_told_of_once(tmp_path, path, watch):
    places, lines = [path], []
    states = States(lambda _: places[0], every=1)
    with Autosave(states, "d", lines.append, clock=watch) as saving:
        for iteration in range(1, 6):
            watch.now += 10
            saving.offer(state_of(iteration))
            settled()
            places[0] = tmp_path / "missing" / "run.state"
        saving.stop(state_of(6))
    assert written(path) == 1
    told, last = lines
    assert (
        told == f"{places[0]}: not written (No such file or directory); the run goes on"
    )
    assert last.endswith("; what was stopped goes on from the state before")


# Whole runs, killed and gone on with.


class KilledError(BaseException):
    """Ends a run as no error of ours does."""


@pytest.fixture
def killed(tiny_network):
    """Ends a batch when a state is there and an iteration is reached."""

    def run(jobs, states, folder, *, iteration, **keywords):
        def show(progress):
            while not os.listdir(folder):  # That the next chunk finds it written.
                if progress.lanes[0].iteration < 2:
                    return
                time.sleep(0.001)
            if progress.lanes[0].iteration >= iteration:
                raise KilledError

        with pytest.raises(KilledError):
            for _ in batch.run_jobs(
                jobs,
                network=tiny_network,
                states=states,
                on_progress=show,
                every=(1,),
                **keywords,
            ):
                pass

    return run


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(ADAM, id="adam"),
        pytest.param(LBFGS, id="lbfgs", marks=pytest.mark.slow),
    ],
)
def test_a_batch_that_was_killed_goes_on(run_jobs, killed, tmp_path, options):
    states = States(lambda d: tmp_path / d[:32], may=True, every=0)
    jobs = jobs_of(PHOTOS[:1], FIVE[:2], options)
    killed(jobs, states, tmp_path, iteration=4, lanes=2)
    assert len(list(tmp_path.iterdir())) == 1
    rest, whole = run_jobs(jobs, lanes=2, states=states), run_jobs(jobs, lanes=2)
    assert not list(tmp_path.iterdir())
    for place, result in rest.items():
        assert_same(result, whole[place])
        assert len(result.losses) < len(whole[place].losses)


@pytest.mark.slow  # A program of its own.
@pytest.mark.parametrize("iteration", [2, 5])
def test_so_does_a_pyramid(run_jobs, killed, tmp_path, iteration):
    """At whichever size it was."""
    path = tmp_path / "run.state"
    states = States(lambda _: path, every=0)
    jobs = jobs_of(LARGE[:1], PAINTINGS[:1], PYRAMID)
    killed(jobs, states, tmp_path, iteration=iteration)
    must = States(lambda _: path, must=True)
    (rest,), (whole,) = run_jobs(jobs, states=must).values(), run_jobs(jobs).values()
    assert_same(rest, whole)
    assert len(rest.losses) < len(whole.losses)
    assert not path.exists()


@pytest.mark.slow
def test_it_stays_until_the_pictures_are_safe(tiny_network, run_jobs, tmp_path):
    path = tmp_path / "run.state"
    jobs = jobs_of(PHOTOS[:1], FIVE[:1], ADAM)

    def outcomes(**keywords):
        states = States(lambda _: path, may=True, every=0, **keywords)
        return batch.run_jobs(jobs, network=tiny_network, states=states, every=(1,))

    for _, result in outcomes():  # As one whose disk is full.
        assert result.finished
        assert path.exists()
        break
    # As one who says so, and goes on to the next picture.
    assert [result.finished for _, result in outcomes(needed=lambda: True)] == [True]
    assert path.exists()
    (rest,) = dict(outcomes()).values()
    assert not path.exists()
    assert_same(rest, run_jobs(jobs)[0])
