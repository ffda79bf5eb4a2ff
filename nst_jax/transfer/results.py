"""What comes out: a finished picture and how it came about."""

import dataclasses
import math
import os
import platform
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax
import numpy as np

from nst_jax.images import files
from nst_jax.optimize.engine import Chunk, DivergenceError, Progress, State
from nst_jax.options import Options
from nst_jax.version import __version__


@dataclasses.dataclass(frozen=True)
class Result:
    """A finished picture and how it came about.

    Attributes:
      image: `[h, w, 3]` float32, sRGB in [0, 1]: the iterate of the lowest loss, in the
        colours that `options` ask for.
      loss: its total loss, before `--color` and `--color_after` change it.
      losses: `[n]` float32, the total loss of every iteration, of a resumed run those
        since it was resumed; `seconds` likewise.
      iterations: updates made, fewer than asked for if the run was stopped.
      seconds: of optimising, compilation left out.
      compile_seconds: of compiling.
      events: lines about what went wrong and was answered, such as a divergence.
      options: that made it.
      given_up: whether the run ended before all iterations, after divergences.
    """

    image: np.ndarray
    loss: float
    losses: np.ndarray
    iterations: int
    seconds: float
    compile_seconds: float
    events: tuple[str, ...]
    options: Options
    given_up: bool = False

    @property
    def finished(self) -> bool:
        """Whether the run came to its end, rather than being stopped on the way."""
        return self.given_up or self.iterations >= self.options.steps

    def save(self, path: str | os.PathLike) -> None:
        """Writes PNG, JPEG, WebP or TIFF by the ending, with `description` inside.

        Raises:
          ImageError: another ending, or a folder that can't be written to.
        """
        files.write(path, self.image, description=self.description())

    def description(self) -> dict[str, Any]:
        """What made the picture: options, versions, device, final loss."""
        return {
            "options": dataclasses.asdict(self.options),
            "loss": self.loss,
            "iterations": self.iterations,
            "versions": {
                "nst_jax": __version__,
                "jax": jax.__version__,
                "python": platform.python_version(),
            },
            "device": jax.devices()[0].device_kind,
        }


class Record:
    """Gathers a result from the progress of one lane."""

    def __init__(self, options: Options):
        """For a run with these options; nothing is gathered yet."""
        self._options = options
        self._losses: list[np.ndarray] = []
        self._events: list[str] = []
        self._last: Progress | None = None

    def add(self, progress: Progress) -> None:
        """Takes in the end of a chunk."""
        self._losses.append(progress.losses)
        self._events += [progress.event] if progress.event else []
        self._last = progress

    def result(self, *, ended: bool = False) -> Result:
        """The result so far; to be called before the next chunk is asked for.

        Args:
          ended: whether no chunk is left.

        Raises:
          DivergenceError: the loss of the first image is not finite.
        """
        assert self._last is not None
        if not math.isfinite(self._last.best_loss):
            raise DivergenceError
        return Result(
            image=self._last.image(),
            loss=self._last.best_loss,
            losses=np.concatenate(self._losses),
            iterations=self._last.iteration,
            seconds=self._last.seconds,
            compile_seconds=self._last.compile_seconds,
            events=tuple(self._events),
            options=self._options,
            given_up=ended and self._last.iteration < self._options.steps,
        )


def gather(
    options: Sequence[Options],
    chunks: Iterable[Chunk],
    stop: Callable[[tuple[Progress, ...]], bool | None],
) -> tuple[list[Result | DivergenceError], State | None]:
    """Results of a run's first lanes, and its state if a true `stop` ended it.

    Nothing else that the run has on the device is held on to: the next has the room.

    Args:
      options: of each lane that counts.
      chunks: of the run.
      stop: is called with the lanes' progress after each chunk.

    Returns:
      For each lane its result, or the error where its first loss is not finite; and the
      state, or None if the run came to its end.
    """
    records, state = [Record(one) for one in options], None
    coming = iter(chunks)
    while True:
        try:
            chunk = next(coming, None)
        except DivergenceError as error:  # Of all lanes; `stop` may raise its own.
            return [error for _ in records], None
        if chunk is None:
            break
        lanes = chunk.lanes[: len(records)]
        for record, lane in zip(records, lanes, strict=True):
            record.add(lane)
        if stop(lanes):
            state = chunk.state
            break
    return [_outcome(record, ended=state is None) for record in records], state


def _outcome(record: Record, *, ended: bool) -> Result | DivergenceError:
    try:
        return record.result(ended=ended)
    except DivergenceError as error:
        return error
