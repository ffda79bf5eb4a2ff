"""Pictures of pairs by systems: saved in 8 bits, each once."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bench.quality import rates
from bench.quality.painters import NotPaintedError, Painted, Studio
from bench.quality.pairs import Pair
from bench.quality.records import PICTURES, Folder, key
from bench.quality.systems import System
from bench.runners.record import machine
from nst_jax.images import files


@dataclasses.dataclass(frozen=True)
class Task:
    """A picture that is asked for.

    Attributes:
      system: that paints it.
      pair: what is painted.
      strength: a name of `systems.STRENGTHS`.
      size: longest side in pixels.
      limit: seconds that it may take about; 0: as many as the system takes by itself.
    """

    system: System
    pair: Pair
    strength: str
    size: int
    limit: float = 0.0

    @property
    def fields(self) -> dict[str, Any]:
        """Plain data, as records have it."""
        return {
            "pair": self.pair.name,
            "system": self.system.name,
            "recipe": self.system.recipe,
            "strength": self.strength,
            "size": self.size,
            "limit": self.limit,
        }

    @property
    def file(self) -> str:
        """The picture's file, in the folder of pictures."""
        strength = self.strength.replace("/", "_")
        limit = f"_{self.limit:g}s" if self.limit else ""
        name = f"{self.system.name}_{self.system.recipe}_x{strength}{limit}.png"
        return f"{self.size}/{self.pair.name}/{name}"


def tasks(
    systems: Sequence[System],
    pairs: Sequence[Pair],
    *,
    strengths: Sequence[str],
    size: int,
    limit: float = 0.0,
) -> Iterator[Task]:
    """All that these systems can paint of it, system by system.

    A system that makes no steps isn't limited; it takes less than others do.
    """
    for system in systems:
        for strength in strengths:
            for pair in pairs:
                if system.paints(pair.painting) and strength in system.strengths:
                    allowed = limit if system.steps_made else 0.0
                    yield Task(system, pair, strength, size, allowed)


def paint(
    wanted: Sequence[Task],
    folder: Folder,
    studio: Studio,
    *,
    say: Callable[[str], None],
) -> list[dict[str, Any]]:
    """Paints what isn't painted yet.

    Args:
      wanted: pictures.
      folder: where they and their records go.
      studio: that paints.
      say: takes a line for each picture.

    Returns:
      The records of all that were wanted, but those that couldn't be painted.
    """
    done = folder.painted()
    found = []
    for task in wanted:
        told = done.get(key(task.fields))
        if told is None:
            try:
                told = _painted(task, folder, studio, done, say)
            except NotPaintedError as error:
                say(f"not painted: {error}")
                continue
        found.append(told)
    return found


def _painted(
    task: Task,
    folder: Folder,
    studio: Studio,
    done: dict[tuple[Any, ...], dict[str, Any]],
    say: Callable[[str], None],
) -> dict[str, Any]:
    steps, alone = 0, {}
    if task.limit:
        system = task.system
        own = rates.rate(system, task.pair, folder, studio, size=task.size, say=say)
        spent = own["steps"], own["seconds"]
        steps = rates.within(task.limit, *spent, unit=system.unit)
        alone = {"alone": steps * own["seconds"] / own["steps"]}
    made = studio.paint(
        task.system,
        task.pair,
        share=task.system.strengths[task.strength],
        size=task.size,
        steps=steps,
    )
    told = _kept(task, made, folder, alone)
    done[key(told)] = told
    say(
        f"{task.pair.name}: {task.system.name} x{task.strength}, {made.steps} steps, "
        f"{made.seconds:.1f} s"
    )
    return told


def _kept(
    task: Task, made: Painted, folder: Folder, more: Mapping[str, float]
) -> dict[str, Any]:
    path = folder.pictures / task.file
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write(path, made.image)
    record = {
        **task.fields,
        "file": task.file,
        "sha256": files.digest(path),
        "steps": made.steps,
        "seconds": made.seconds,
        **more,  # What the rate makes of the steps: others may have computed beside.
        "compile_seconds": made.compile_seconds,
        **machine(),
    }
    folder.add(PICTURES, record)
    return record
