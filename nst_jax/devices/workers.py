"""Workers on a cluster: tasks handed out to them, those that are lost once more.

A worker is an actor of Ray's: a process that keeps what it has made, such as compiled
programs.
"""

import collections
import contextlib
import dataclasses
import os
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any, Generic, TypeVar

from nst_jax.devices.cluster import check_versions, imported, one_line, room, versions
from nst_jax.errors import ClusterError, DeviceError, LostError, NstError, counted

Task = TypeVar("Task")

_AHEAD = 2  # Tasks of a worker: one that it is at, one that is on its way to it.
_TRIES = 3  # Of a task whose workers are lost.
_LOSSES = 10  # Of a worker in a row, without a task done, after which it is given up.
_WAITS = 30.0  # Seconds without a worker after which a line says so.
_TICK = 0.2  # Seconds between looks at whether to stop.
_KEPT = 2  # Results for each worker that wait for those before them.


class Actor:
    """A worker's process; Ray makes it."""

    def __init__(self, variables: dict[str, str]):
        """Sets variables of the environment, before JAX is imported."""
        os.environ.update(variables)
        self._worker: Any = None

    def begin(self, versions: dict[str, str], make: Any, *given: Any) -> Any:
        """Makes the worker; returns what it says `about` itself, or what is wrong."""
        try:
            check_versions(versions)
            self._worker = make(*given)
        except NstError as error:
            return error
        return self._worker.about

    def run(self, task: Any) -> Any:
        """What the worker makes of a task, or what is wrong."""
        try:
            return self._worker.run(task)
        except NstError as error:
            return error


@dataclasses.dataclass(eq=False)
class _Asked(Generic[Task]):
    """A task, its number, and how many workers were lost with it."""

    task: Task
    number: int
    lost: int = 0


@dataclasses.dataclass(eq=False)
class _Worker:
    """An actor, the reference of its beginning, and what it has to do, by reference."""

    actor: Any
    beginning: Any
    tasks: dict[Any, _Asked[Any]] = dataclasses.field(default_factory=dict)
    begun: bool = False
    losses: int = 0

    def takes(self, asked: _Asked[Any] | None) -> bool:
        """Whether it has room for a task (None: a new one).

        One that a worker was lost with is a worker's only one, so that it is known
        what the next is lost at, and no neighbor is held for the cause.
        """
        if not self.begun or any(task.lost for task in self.tasks.values()):
            return False
        alone = asked is not None and asked.lost > 0
        return len(self.tasks) < (1 if alone else _AHEAD)


class Pool:
    """Workers, one for each GPU of the cluster; where it has none, for some CPUs.

    Attributes:
      about: what the first worker that began says about itself.
      size: how many workers there are.
    """

    def __init__(
        self,
        make: Callable[..., Any],
        given: Sequence[Any],
        *,
        workers: int | None = None,
        say: Callable[[str], None],
    ):
        """Begins workers, and waits for the first one.

        Args:
          make: makes a worker, an object with `about` and `run(task)`, of `given`; a
            function that can be imported on all machines.
          given: data that all workers get, sent once to each machine.
          workers: how many; None: as many as the cluster has room for.
          say: takes lines for the user.

        Raises:
          ClusterError: no machine has room for a worker, or none begins.
          NstError: what `make` raises, on all machines.
        """
        self._ray, self._say, self._make = imported(), say, make
        self._given = [self._ray.put(one) for one in given]
        self._versions = versions()
        self._gpu, self._cpus, most = room(self._ray)
        self._said: set[str] = set()
        self._workers = [
            self._begun(_Worker(None, None)) for _ in range(workers or most)
        ]
        self.about: Any = None
        self._wait_for_one()

    @property
    def size(self) -> int:
        """How many workers there are."""
        return len(self._workers)

    def run(
        self,
        tasks: Iterable[Task],
        *,
        ordered: bool = False,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Generator[tuple[Task, Any]]:
        """Each task with what its worker gives, as they are done.

        Tasks are asked for as workers have room for them, so that few are in memory.
        One whose worker is lost goes to another.

        Args:
          tasks: data that can be sent.
          ordered: results come in the order of the tasks.
          stopped: asked now and then; when it is true, what is done already comes, and
            nothing else.

        Yields:
          A task and what came of it: of a `NstError` that the worker raised, that; a
          `LostError` if it lost three workers.

        Raises:
          ClusterError: all workers are lost.
        """
        source = (_Asked(task, number) for number, task in enumerate(tasks))
        again: collections.deque[_Asked[Task]] = collections.deque()
        kept: dict[int, tuple[Task, Any]] = {}
        due, ended = 0, False
        while True:
            while not ended or again:
                worker = self._free(again[0] if again else None)
                full = ordered and len(kept) >= _KEPT * self.size
                if worker is None or (full and not again):
                    break
                asked = again.popleft() if again else next(source, None)
                if asked is None:
                    ended = True
                    break
                reference = worker.actor.run.remote(asked.task)
                worker.tasks[reference] = asked
            at_work = again or any(worker.tasks for worker in self._workers)
            if ended and not at_work:
                return
            for asked, made in self._made(again):
                if not ordered:
                    yield asked.task, made
                    continue
                kept[asked.number] = asked.task, made
                while due in kept:
                    yield kept.pop(due)
                    due += 1
            if stopped():
                return

    def _free(self, asked: _Asked[Any] | None) -> _Worker | None:
        """The worker that has least to do, of those with room for a task."""
        free = (worker for worker in self._workers if worker.takes(asked))
        return min(free, key=lambda worker: len(worker.tasks), default=None)

    def _made(
        self, again: "collections.deque[_Asked[Any]]"
    ) -> list[tuple[_Asked[Any], Any]]:
        """What is done by now, after a moment; tasks of lost workers go to `again`."""
        waits = {
            reference: worker
            for worker in self._workers
            for reference in ([*worker.tasks] if worker.begun else [worker.beginning])
        }
        ready, _ = self._ray.wait([*waits], num_returns=1, timeout=_TICK)
        found = []
        for reference in ready:
            worker = waits[reference]
            try:
                value = self._ray.get(reference)
            except self._ray.exceptions.RayTaskError:
                raise  # A bug.
            except self._ray.exceptions.RayError as error:
                found += self._lost(worker, again, error)
                continue
            if not worker.begun:
                self._note_beginning(worker, value)
            elif isinstance(value, DeviceError):
                found += self._lost(worker, again, value, reference)
            else:
                worker.losses = 0
                found.append((worker.tasks.pop(reference), value))
        return found

    def _lost(
        self,
        worker: _Worker,
        again: "collections.deque[_Asked[Any]]",
        error: Exception,
        at: Any = None,
    ) -> list[tuple[_Asked[Any], Any]]:
        """Puts another in the place of a lost worker; gives what is done or given up.

        `at` is what it was lost at, if that is known: else it may be any that has no
        answer, the first as well, as an answer is lost with a worker that ends soon.
        """
        found: list[tuple[_Asked[Any], Any]] = []
        for reference in [*worker.tasks]:
            with contextlib.suppress(self._ray.exceptions.RayError):
                value = self._ray.get(reference, timeout=0)
                if not isinstance(value, DeviceError):
                    found.append((worker.tasks.pop(reference), value))
        for reference in [*worker.tasks] if at is None else [at]:
            worker.tasks[reference].lost += 1
            if worker.tasks[reference].lost >= _TRIES:
                why = one_line(error)
                line = f"{counted(_TRIES, 'worker')} were lost at it ({why})"
                found.append((worker.tasks.pop(reference), LostError(line)))
        again.extendleft(reversed(worker.tasks.values()))
        if worker.begun:
            self._say("nst-jax: a worker was lost; another goes on with what it was at")
        else:
            self._say_once(
                f"nst-jax: a worker ended before it began: {one_line(error)}"
            )
        self._ray.kill(worker.actor)
        worker.losses += 1
        if worker.losses < _LOSSES:
            self._begun(worker)
        else:
            self._drop(worker, ClusterError(one_line(error)))
        return found

    def _begun(self, worker: _Worker) -> _Worker:
        """Has an actor begin in the place of a worker, wherever there is room."""
        variables = (
            {} if self._gpu else {"JAX_PLATFORMS": "cpu", "NPROC": f"{self._cpus}"}
        )
        actor = self._ray.remote(num_cpus=self._cpus, num_gpus=int(self._gpu))(Actor)
        worker.actor = actor.remote(variables)
        worker.beginning = worker.actor.begin.remote(
            self._versions, self._make, *self._given
        )
        worker.begun, worker.tasks = False, {}
        return worker

    def _note_beginning(self, worker: _Worker, said: Any) -> None:
        if isinstance(said, NstError):
            self._say_once(f"nst-jax: a worker could not begin: {said}")
            self._drop(worker, said)
            return
        worker.begun = True
        self.about = said if self.about is None else self.about

    def _say_once(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            self._say(line)

    def _drop(self, worker: _Worker, error: NstError) -> None:
        """Does without a worker.

        Raises:
          NstError: it was the last one.
        """
        self._workers.remove(worker)
        with contextlib.suppress(Exception):  # It may have ended by itself.
            self._ray.kill(worker.actor)
        if not self._workers:
            raise error

    def _wait_for_one(self) -> None:
        began = time.monotonic()
        what = "a GPU" if self._gpu else counted(self._cpus, "CPU")
        while self.about is None:
            self._made(collections.deque())
            if time.monotonic() - began > _WAITS and self.about is None:
                self._say_once(f"nst-jax: waits for a worker to begin, with {what}")
