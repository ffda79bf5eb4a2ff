"""Whether a run moves its pictures at all."""

import dataclasses

import jax
import numpy as np

from nst_jax.optimize import engine

_UNMOVED = (
    "the picture stays as it began: none of {} iterations lowered its loss; check the "
    "learning rate and the weights of the losses"
)


class Watch:
    """Watches whether a lane has had a better picture than the one it began with."""

    def __init__(self, lanes: int, *, known: bool):
        self._moved = np.full(lanes, known)
        self._first: list[float] | None = None
        self._images: np.ndarray | None = None

    def begin(self, images: np.ndarray | None) -> None:
        """A size begins, whose losses are others; with these images if they count."""
        self._first, self._images = None, images

    def told(self, made: engine.Chunk, *, until: int) -> engine.Chunk:
        """A chunk, which at the end says which pictures stay as they began."""
        if self._first is None:
            self._first = [lane.losses[0] for lane in made.lanes]
        for place, (lane, first) in enumerate(
            zip(made.lanes, self._first, strict=True)
        ):
            if self._images is None:
                self._moved[place] |= not lane.best_loss >= first
            elif not self._moved[place]:
                now = jax.device_get(made.state.image[place])
                self._moved[place] = not np.array_equal(now, self._images[place])
        if made.lanes[0].iteration < max(1, until) or self._moved.all():
            return made
        line = _UNMOVED.format(until)
        lanes = tuple(
            lane
            if moved
            else dataclasses.replace(
                lane, event=f"{lane.event}; {line}" if lane.event else line
            )
            for lane, moved in zip(made.lanes, self._moved, strict=True)
        )
        return dataclasses.replace(made, lanes=lanes)
