"""A run: lanes of pictures, optimised through the sizes of a pyramid."""

import concurrent.futures
import dataclasses
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from nst_jax.images import resize
from nst_jax.images.frames import Framed
from nst_jax.optimize import checkpoint, chunk, engine, solvers
from nst_jax.transfer import sizes
from nst_jax.transfer.framing import Framing
from nst_jax.transfer.pictures import Pictures
from nst_jax.transfer.problem import Lane, Problem, Studio


@dataclasses.dataclass(frozen=True)
class Stage:
    """A run at one of its sizes: the pictures at this size and what they pose."""

    scale: sizes.Scale
    lanes: tuple[Lane, ...]
    problem: Problem


@dataclasses.dataclass(frozen=True)
class Resumed:
    """Where a stopped run goes on: the place of its size in `Run.scales`, its state."""

    place: int
    state: chunk.State


class Run:
    """Lanes whose options differ in `sweep.VARYING` only.

    Attributes:
      solver: of all lanes.
      scales: the sizes that it goes through.
    """

    def __init__(
        self,
        studio: Studio,
        framing: Framing,
        pictures: Sequence[Pictures],
        *,
        share: bool = True,
    ):
        """Computes nothing yet.

        Args:
          studio: with the network, for options like these.
          framing: of these pictures, and of others with which to share programs.
          pictures: of each lane; at least one.
          share: see `Studio.pose`.
        """
        self.solver = solvers.solver(pictures[0].options)
        self.scales = sizes.scales(pictures[0].options)
        self._studio = studio
        self._framing = framing
        self._pictures = tuple(pictures)
        self._share = share

    def stage(self, scale: sizes.Scale) -> Stage:
        """Computes the targets of a size and compiles its program."""
        lanes = self._lanes(scale)
        stage = Stage(scale, lanes, self._studio.pose(lanes, share=self._share))
        self.program(stage)
        return stage

    def program(self, stage: Stage) -> jax.stages.Compiled:
        """`chunk.run_chunk` compiled for a stage."""
        shapes = self._shapes(stage.scale)
        objective = self._studio.objective
        return chunk.program(objective, self.solver, shapes, stage.problem)

    def load(self, path: Path, fingerprint: str) -> "Resumed":
        """The state in `path`, of whichever size it is.

        Raises:
          CheckpointError: see `checkpoint.load`; a `SpentError` if nothing is left to
            do.
        """
        for place, scale in enumerate(self.scales):
            like = self._shapes(scale)
            try:
                state = checkpoint.load(path, like, fingerprint)
            except checkpoint.CheckpointError:
                if scale == self.scales[-1]:
                    raise
                continue
            made, steps = int(state.iteration) - 1, self.scales[-1].until
            if made >= steps:
                raise checkpoint.SpentError(path, made, steps)
            return Resumed(place, state)
        raise AssertionError("a run has sizes")

    def chunks(
        self,
        *,
        every: Sequence[int] = (),
        resumed: "Resumed | None" = None,
    ) -> Iterator[engine.Chunk]:
        """Optimises, from the coarsest size to the finest.

        While one size is worked on, the next one's program is compiled.

        Args:
          every: see `engine.run`.
          resumed: from `load`, to go on from there.

        Yields:
          As `engine.run`, with seconds counted over all sizes, and the time of waiting
          for targets and programs as that of compiling.
        """
        seconds = waited = 0.0
        images = [p.start_at(self.scales[0].size) for p in self._pictures]
        first = resumed.place if resumed else 0
        ahead = concurrent.futures.ThreadPoolExecutor(1)
        try:
            began = time.perf_counter()
            coming = ahead.submit(self.stage, self.scales[first])
            for place, scale in enumerate(self.scales[first:], first):
                stage = coming.result()
                if place + 1 < len(self.scales):
                    coming = ahead.submit(self.stage, self.scales[place + 1])
                if resumed and place == first:
                    state = resumed.state
                else:
                    state = self._begin(stage, images, place)
                waited += time.perf_counter() - began
                seconds_here = 0.0
                for progress in engine.run(
                    self._studio.objective,
                    stage.problem,
                    self.solver,
                    state,
                    steps=scale.until,
                    every=every,
                ):
                    lanes = tuple(
                        _of_run(lane, pictures, one, seconds, waited)
                        for lane, pictures, one in zip(
                            stage.lanes, self._pictures, progress.lanes, strict=True
                        )
                    )
                    state = progress.state
                    yield engine.Chunk(lanes, state)
                    seconds_here = progress.lanes[0].seconds
                began = time.perf_counter()
                seconds += seconds_here
                images = _pictures(stage, state)
        finally:
            ahead.shutdown(wait=False, cancel_futures=True)

    def _lanes(self, scale: sizes.Scale) -> tuple[Lane, ...]:
        return tuple(self._framing.lane(p, scale.size) for p in self._pictures)

    def _shapes(self, scale: sizes.Scale) -> chunk.State:
        """Shapes and dtypes of the state at a size."""
        frame = self._framing.frame(self._pictures[0], scale.size)
        images = jax.ShapeDtypeStruct((len(self._pictures), *frame, 3), jnp.float32)
        return jax.eval_shape(lambda i: chunk.start(self.solver, i), images)

    def _begin(
        self, stage: Stage, images: Sequence[np.ndarray], place: int
    ) -> chunk.State:
        framed = []
        for lane, image in zip(stage.lanes, images, strict=True):
            resized = resize.resize(image, lane.content.extent)
            framed.append(Framed.put(resized, lane.content.pixels.shape[:2]).pixels)
        done = self.scales[place - 1].until if place else 0
        return chunk.start(self.solver, jnp.asarray(np.stack(framed)), np.int32(done))


def _pictures(stage: Stage, state: chunk.State) -> list[np.ndarray]:
    best = np.clip(jax.device_get(state.best_image), 0, 1)
    return [
        lane.content.cut(image) for lane, image in zip(stage.lanes, best, strict=True)
    ]


def _of_run(
    lane: Lane,
    pictures: Pictures,
    progress: engine.Progress,
    seconds: float,
    waited: float,
) -> engine.Progress:
    return dataclasses.replace(
        progress,
        seconds=seconds + progress.seconds,
        compile_seconds=waited + progress.compile_seconds,
        image=lambda: pictures.finished(lane.content.cut(progress.image())),
    )
