"""Workers of a cluster that loses them; the cluster is a stand-in, Ray's is in parity.

In the stand-in a worker that ends takes the answer before its end with it, each time:
on a real cluster that is seen now and then.
"""

import types

import pytest
from support.ray_cluster import Counting

from nst_jax.devices import workers
from nst_jax.errors import ClusterError, LostError, OptionsError


class RayError(Exception):
    """As of Ray: the actor is gone."""


class Lossy(Counting):
    """Counts, and ends without ending this process."""

    def run(self, task):
        if task == "end":
            raise KeyboardInterrupt
        return super().run(task)


class Reference:
    """What comes of a call: nothing yet, a value, or that it's lost."""

    value, lost = None, False


class Handle:
    """An actor that does one call at a look, and answers it at the next."""

    def __init__(self, kind, *given):
        self.actor, self.calls, self.done = kind(*given), [], None
        self.most = 0

    def __getattr__(self, name):
        def remote(*given):
            self.calls.append((Reference(), name, given))
            self.most = max(self.most, len(self.calls))
            return self.calls[-1][0]

        return types.SimpleNamespace(remote=remote)

    def look(self):
        before, self.done = self.done, None
        if self.calls:
            reference, name, given = self.calls[0]
            try:
                self.done = reference, getattr(self.actor, name)(*given)
            except KeyboardInterrupt:
                self.done = before
                self.end()
                return
            self.calls.pop(0)
        if before:
            before[0].value = before[1]

    def end(self):
        left = [*self.calls, *([self.done] if self.done else [])]
        for reference, *_ in left:
            reference.lost = True
        self.calls, self.done = [], None


class Cluster:
    """Three machines of a CPU each, and Ray's functions on them."""

    exceptions = types.SimpleNamespace(
        RayError=RayError, RayTaskError=ZeroDivisionError
    )

    def __init__(self):
        self.handles = []

    def nodes(self):
        return [{"Alive": True, "Resources": {"CPU": 1}}] * 3

    def put(self, value):
        return value

    def remote(self, **_):
        def actor(kind):
            def made(*given):
                self.handles.append(Handle(kind, *given))
                return self.handles[-1]

            return types.SimpleNamespace(remote=made)

        return actor

    def wait(self, references, **_):
        for handle in self.handles:
            handle.look()
        ready = [one for one in references if one.lost or one.value is not None]
        return ready[:1], references

    def get(self, reference, timeout=None):
        if reference.lost or reference.value is None:
            raise RayError("the actor died")
        return reference.value

    def kill(self, handle):
        handle.end()


@pytest.fixture
def cluster(monkeypatch):
    made = Cluster()
    monkeypatch.setattr(workers, "imported", lambda: made)
    return made


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_neighbor_of_what_ends_workers_is_done(cluster, size, ordered):
    tasks = [*range(5), "end", *range(5, 10), "fail", *range(10, 15), "fault"]
    lines = []
    pool = workers.Pool(Lossy, [7], workers=size, say=lines.append)
    made = list(pool.run(iter(tasks), ordered=ordered))
    assert sorted(map(str, tasks)) == sorted(str(task) for task, _ in made)
    if ordered:
        assert [task for task, _ in made] == tasks
    assert all(of == task**2 for task, of in made if isinstance(task, int))
    kinds = {task: type(of) for task, of in made if isinstance(task, str)}
    assert kinds == {"end": LostError, "fail": LostError, "fault": OptionsError}
    assert len(lines) == 6


@pytest.mark.parametrize("size", [1, 2])
def test_two_that_end_workers_side_by_side_are_given_up(cluster, size):
    pool = workers.Pool(Lossy, [7], workers=size, say=print)
    made = list(pool.run(iter([1, 2, "end", "end", 3]), ordered=True))
    assert [task for task, _ in made] == [1, 2, "end", "end", 3]
    kinds = [type(of) for _, of in made]
    assert kinds == [int, int, LostError, LostError, int]


def test_what_a_worker_was_lost_with_is_another_s_only_task(cluster):
    pool = workers.Pool(Lossy, [7], workers=1, say=print)
    assert len(list(pool.run(iter(["end", *range(9)])))) == 10
    assert [handle.most for handle in cluster.handles] == [2, 1, 1, 2]


def test_a_failure_of_a_device_is_laid_to_the_task_that_met_it(cluster):
    pool = workers.Pool(Lossy, [7], workers=1, say=print)
    made = dict(pool.run(iter(["fail", 2, 3])))
    assert isinstance(made.pop("fail"), LostError)
    assert made == {2: 4, 3: 9}


def test_a_worker_that_does_nothing_is_done_without(cluster):
    pool = workers.Pool(Lossy, [7], workers=1, say=print)
    made = []
    with pytest.raises(ClusterError, match="a device that fails"):
        made.extend(pool.run(iter(["fail"] * 9), ordered=True))
    assert {type(of) for _, of in made} == {LostError}
