"""What a study asks for, and which runs and programs make it."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from nst_jax.collection import naming
from nst_jax.collection.manifest import Entry
from nst_jax.commands.asked import Pair

PLATE, CURVES = "figure.png", "curves.png"


@dataclasses.dataclass(frozen=True)
class Study:
    """A grid of pictures whose options differ by row and column.

    Attributes:
      title: of the figure.
      rows: what differs from row to row, such as "style layers".
      columns: what differs from column to column.
      pairs: the pictures; `varied` of each has its labels by `rows` and `columns`.
      notes: lines on the settings.
      left_out: what could not be made, and what to do about it, a line each.
      originals: paths of what the pictures were made of, by label.
      heads: paths of pictures that stand above the columns, by the columns' labels.
      caption: a line below each picture, of what is known about it and its pixels.
    """

    title: str
    rows: str
    columns: str
    pairs: Sequence[Pair]
    notes: Sequence[str] = ()
    left_out: Sequence[str] = ()
    originals: Mapping[str, str] = dataclasses.field(default_factory=dict)
    heads: Mapping[str, str] = dataclasses.field(default_factory=dict)
    caption: Callable[[Entry, np.ndarray], str] | None = None

    @property
    def remarks(self) -> list[str]:
        """`notes`, and `left_out` marked as such."""
        return [*self.notes, *(f"Left out: {line}" for line in self.left_out)]

    @property
    def row_labels(self) -> list[str]:
        """Each once, from top to bottom."""
        return list(dict.fromkeys(pair.varied[self.rows] for pair in self.pairs))

    @property
    def column_labels(self) -> list[str]:
        """Each once, from left to right."""
        return list(dict.fromkeys(pair.varied[self.columns] for pair in self.pairs))

    @property
    def names(self) -> list[str]:
        """File names of the pictures, by row and column.

        Raises:
          OptionsError: two pictures at one place.
        """
        labels = [
            {"row": pair.varied[self.rows], "column": pair.varied[self.columns]}
            for pair in self.pairs
        ]
        jobs = [
            {kind: "-".join(label.split()) for kind, label in of_pair.items()}
            for of_pair in labels
        ]
        return naming.file_names(
            "{row}_{column}.png", jobs, reserved=(PLATE, CURVES), option="cells"
        )


@dataclasses.dataclass(frozen=True)
class Run:
    """One optimisation and the pictures that are taken of it.

    Attributes:
      places: of the pictures in the study, by iteration.
      ends: the iterations at which they are taken, ascending.
    """

    places: tuple[int, ...]
    ends: tuple[int, ...]

    def at(self, iteration: int) -> int:
        """Which picture, by its index here, is being worked on at an iteration."""
        return next(i for i, end in enumerate(self.ends) if iteration <= end)

    def begins(self, index: int) -> int:
        """The iteration at which the picture before ends."""
        return self.ends[index - 1] if index else 0


def runs(pairs: Sequence[Pair]) -> list[Run]:
    """The runs that give the pictures: one for those that differ in steps only.

    Where the course of a run depends on its steps, as with a decaying step size or a
    pyramid, each is a run of its own.
    """
    from nst_jax.transfer import verbs

    found: dict[Any, list[int]] = {}
    for place, pair in enumerate(pairs):
        options = pair.options
        if verbs.can_grow(options):
            options = dataclasses.replace(options, steps=0)
        found.setdefault((pair.content, pair.style, options), []).append(place)
    made = []
    for places in found.values():
        places.sort(key=lambda place: pairs[place].options.steps)
        ends = tuple(pairs[place].options.steps for place in places)
        made.append(Run(tuple(places), ends))
    return made


def programs(pairs: Sequence[Pair]) -> list[list[Run]]:
    """Runs whose options are such that they can be lanes of one program, together."""
    from nst_jax.transfer import batch

    found: dict[Any, list[Run]] = {}
    for run in runs(pairs):
        fields = dataclasses.asdict(pairs[run.places[-1]].options)
        fixed = (value for name, value in fields.items() if name not in batch.VARYING)
        found.setdefault(tuple(fixed), []).append(run)
    return list(found.values())
