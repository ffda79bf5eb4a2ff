"""A batch on other machines: the groups, and what comes back."""

import dataclasses

import numpy as np
import pytest
from support.batch_pictures import SHALLOW, assert_close, jobs_of, picture
from support.machines import Machines, renamed
from support.stored_weights import SMALL, home

from nst_jax.devices import memory
from nst_jax.errors import ImageError, LostError, NoRoomError
from nst_jax.images import files
from nst_jax.images.source import Source
from nst_jax.transfer import batch, plan, remote
from nst_jax.transfer.pictures import Pictures

__all__ = ["home"]

TAPS = {"content_taps": ("relu_conv1",), "style_taps": ("relu_conv1",)}
OPTIONS = dataclasses.replace(SHALLOW, network=SMALL, steps=3, **TAPS)


@pytest.mark.parametrize(
    ("helping", "workers", "lanes", "widths"),
    [
        (2**22, 1, None, [12]),
        (2**22, 3, None, [4, 4, 4]),
        (5 * 33 * 24, 1, None, [4, 4, 4]),
        (1, 1, None, [1] * 12),
        (1, 5, 6, [6, 6]),
    ],
)
def test_groups_are_for_all_workers(helping, workers, lanes, widths):
    photos = [picture(n, 33, 24) for n in range(6)]
    jobs = jobs_of(photos, [picture(n, 30, 33) for n in (11, 12)])
    shapes = {source.key: source.shape() for job in jobs for source in job.sources}
    pictures = Pictures(jobs, shapes)
    groups = plan.spread(
        dict(enumerate(jobs)), pictures, lanes, helping=helping, workers=workers
    )
    found = list(groups)
    assert [group.lanes for group in found] == widths
    assert [place for group in found for place in group.places] == list(range(12))


@pytest.fixture
def folder(tmp_path, home, monkeypatch):
    """Three photos of two frames, one of them with alpha, and a painting."""
    monkeypatch.setenv("NST_JAX_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for n, shape in enumerate([(33, 24), (33, 24), (25, 33)]):
        alpha = np.full(shape, 0.5) if n == 1 else None
        files.write(tmp_path / f"in/{n}.png", picture(n, *shape), alpha=alpha)
    files.write(tmp_path / "in/p.png", picture(11, 30, 33))
    return tmp_path


def jobs_in(options=OPTIONS):
    return jobs_of([f"in/{n}.png" for n in range(3)], ["in/p.png"], options)


def begun(jobs, folder, lines, worker=None):
    worker = worker or remote.Worker(*remote.given(jobs, "off"))
    pool = Machines(worker, renamed(folder / "in"))
    return pool, remote.Remote(lambda: pool, report=lines.append, stopped=lambda: False)


@pytest.mark.slow  # Compiles.
def test_other_machines_make_what_one_makes(folder):
    options = dataclasses.replace(OPTIONS, init="in/p.png")
    jobs = [dataclasses.replace(job, at=(2,)) for job in jobs_in(options)]
    said: list[str] = []
    local = [*batch.run_jobs(jobs, lanes=1, report=said.append)]
    lines: list[str] = []
    pool, far = begun(jobs, folder, lines)
    made = [*batch.run_jobs(jobs, lanes=1, remote=far, report=lines.append)]
    assert [place for place, _ in made] == [place for place, _ in local]
    assert len(made) == 6
    for (_, found), (_, wanted) in zip(made, local, strict=True):
        assert found.at == wanted.at
        assert found.device == wanted.device
        assert_close(found, wanted)
    assert sorted(lines) == sorted(said)
    assert any("transparency" in line for line in lines)
    assert [len(task.contents) for task in pool.tasks] == [2, 2, 2]


@pytest.mark.slow
def test_solvers_are_on_the_hosts_of_other_machines(folder, monkeypatch):
    """Whose devices have a memory of their own, whatever this machine has."""
    jobs = jobs_in()
    wanted = dict(batch.run_jobs(jobs, lanes=1))
    pool, far = begun(jobs, folder, lines := [])
    shared = iter([True])  # Here; there it isn't.
    monkeypatch.setattr(memory, "is_shared", lambda: next(shared, False))
    found = dict(
        batch.run_jobs(jobs, remote=far, solver_memory="host", report=lines.append)
    )
    assert [(task.group.lanes, task.fits) for task in pool.tasks] == [(1, True)] * 3
    assert not [line for line in lines if "solver_memory" in line]
    assert found.keys() == wanted.keys()
    for place, result in found.items():
        assert_close(result, wanted[place])


def test_what_is_wrong_with_one_is_its_own(folder):
    class Failing:
        about = 2**16

        def run(self, task):
            return LostError("three were lost")

    jobs = jobs_in()
    pool, far = begun(jobs, folder, [], Failing())
    begin = far.begin

    def begin_late():
        (folder / "in/1.png").unlink()  # After it was looked at.
        return begin()

    far.begin = begin_late
    made = dict(batch.run_jobs(jobs, remote=far))
    assert {place: type(of) for place, of in made.items()} == {
        0: LostError,
        1: ImageError,
        2: LostError,
    }
    assert str(made[1]) == "in/1.png: no such file; check the name"
    assert [task.group.places for task in pool.tasks] == [(0,), (2,)]


def test_what_is_wrong_with_all_ends_the_batch(folder):
    class Small:
        about = 2**16

        def run(self, task):
            return NoRoomError()

    jobs = jobs_in()
    _, far = begun(jobs, folder, [], Small())
    with pytest.raises(NoRoomError):
        list(batch.run_jobs(jobs, remote=far))


def test_what_is_done_is_not_sent(folder):
    class Nothing:
        about = 2**16

        def run(self, task):
            return remote.Made([(p, LostError("x")) for p in task.group.places], [])

    jobs = jobs_in()
    pool, far = begun(jobs, folder, [], Nothing())
    assert [place for place, _ in batch.run_jobs(jobs, remote=far, done={0, 2})] == [1]
    assert [set(task.contents) for task in pool.tasks] == [{"in/1.png", "in/p.png"}]
    assert Source.of("in/1.png") == pool.tasks[0].jobs[1].content
