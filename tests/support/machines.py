"""Other machines, within this process: what goes there and back is pickled."""

import dataclasses
import pickle
from collections.abc import Callable, Iterator
from typing import Any


@dataclasses.dataclass
class Machines:
    """Stands for a pool of workers: one does it all, away from `hidden` files.

    Attributes:
      worker: that does the tasks.
      away: is called before a task is done, and what it gives after.
      size: how many workers it says it has.
      tasks: that were done.
    """

    worker: Any
    away: Callable[[], Callable[[], object]]
    size: int = 3
    tasks: list[Any] = dataclasses.field(default_factory=list)

    @property
    def about(self) -> Any:
        return self.worker.about

    def run(self, tasks: Any, **how: object) -> Iterator[tuple[Any, Any]]:
        for task in tasks:
            self.tasks.append(task)
            sent = pickle.loads(pickle.dumps(task))
            back = self.away()
            made = pickle.loads(pickle.dumps(self.worker.run(sent)))
            back()
            yield task, made


def renamed(path: Any) -> Callable[[], Callable[[], object]]:
    """Takes a folder away, and gives it back."""

    def away() -> Callable[[], object]:
        gone = path.rename(path.with_name("gone"))
        return lambda: gone.rename(path)

    return away
