"""A progress bar, in terminals and notebooks, from any thread."""

import warnings
from collections.abc import Mapping
from typing import Any, Self

import tqdm


class Bar:
    """A bar of the iterations of one picture or several; use it as a context."""

    def __init__(
        self,
        total: int | None,
        *,
        done: int = 0,
        unit: str = "it",
        terminals_only: bool = False,
    ):
        """Draws the bar.

        Args:
          total: iterations, or what is counted, in all; None: nobody knows.
          done: those made before.
          unit: what is counted.
          terminals_only: draw nothing where standard error is no terminal.
        """
        kind = tqdm.tqdm if terminals_only else _of_notebooks()
        self._bar = kind(
            total=total,
            initial=done,
            unit=unit,
            # None is tqdm's way to ask for terminals only.
            disable=None if terminals_only else False,
            leave=not terminals_only,
        )
        self._made: dict[int, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.close()

    def reach(
        self, made: Mapping[int, int], note: str, *, total: int | None = None
    ) -> None:
        """Shows how far some pictures are.

        What the first that is told of a picture says was made before, by a run that is
        gone on with: it counts, but not for the pace.

        Args:
          made: the iterations that each has made, by its place.
          note: shown beside the bar.
          total: how many there are in all, where that is known better by now.
        """
        self._bar.total = total or self._bar.total
        self._bar.set_postfix_str(note, refresh=False)
        for place, iteration in made.items():
            if place not in self._made and not self._bar.disable:
                self._bar.initial += iteration
                self._bar.n += iteration
                self._bar.last_print_n += iteration
            self._bar.update(iteration - self._made.get(place, iteration))
            self._made[place] = iteration


def _of_notebooks() -> Any:
    """A bar that is a widget in a notebook, where there are any; else text."""
    with warnings.catch_warnings():
        # It tells on import that there are none.
        warnings.simplefilter("ignore", tqdm.TqdmWarning)
        from tqdm import auto
    return auto.tqdm
