"""A run: the lanes of a group, optimised through the sizes of a pyramid."""

import concurrent.futures
import dataclasses
import functools
import time
from collections.abc import Callable, Collection, Generator, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from nst_jax.devices import heap, memory, programs, sharding
from nst_jax.devices.sharding import Layout
from nst_jax.fields import unmet
from nst_jax.images import resize
from nst_jax.images.frames import pad
from nst_jax.optimize import begin, checkpoint, chunk, engine, hosted
from nst_jax.options import FIELDS, Options, chosen
from nst_jax.perceptual.objective import Problem, SeenObjective
from nst_jax.transfer.following import followed
from nst_jax.transfer.jobs import Job
from nst_jax.transfer.lanes import Lane
from nst_jax.transfer.pictures import Pictures
from nst_jax.transfer.problem import Studio
from nst_jax.transfer.results import Progress
from nst_jax.transfer.sizes import Scale, scales
from nst_jax.transfer.watch import Watch


@dataclasses.dataclass(frozen=True)
class Resumed:
    """Where a stopped run goes on: the place of its size in `Run.scales`, its state."""

    place: int
    state: chunk.State


@dataclasses.dataclass(frozen=True)
class Run:
    """Jobs whose options differ in `options.VARYING` only, of one frame and form.

    Attributes:
      studio: with the network, for options like these.
      pictures: of these jobs, and of others with which programs are shared.
      jobs: of each lane; at least one.
      share: see `Studio.pose`.
      layout: on devices; its lanes divide those of the run.
      hosted: whether the solver's state is kept in the host's memory.
    """

    studio: Studio
    pictures: Pictures
    jobs: tuple[Job, ...]
    share: bool = True
    layout: Layout = sharding.ONE
    hosted: bool = False

    @property
    def scales(self) -> tuple[Scale, ...]:
        """The sizes that it goes through, with the iterations done after each."""
        return scales(self.jobs[0].options)

    @property
    def host_bytes(self) -> int:
        """Bytes of the solver's state, where that is in the host's memory."""
        if not self.hosted:  # Nothing is traced for it at each start.
            return 0
        return max(hosted.bytes_of(self._shapes(scale)) for scale in self.scales)

    @property
    def solver(self) -> optax.GradientTransformation:
        """Of all lanes."""
        return solver(self.jobs[0].options, on_host=self.hosted)

    def objective(self, scale: Scale) -> SeenObjective:
        """Of all lanes, whose pictures are divided alike."""
        return self.studio.at(scale).of_form(self.pictures.form(self.jobs[0]))

    def program(self, scale: Scale, *, grey: bool = False) -> jax.stages.Compiled:
        """`chunk.run_chunk` compiled for a size; see `shapes`."""
        shapes = self.shapes(scale, grey=grey)
        pixels = shapes[2].image.size // 3
        options = programs.compiler_options(pixels)
        return chunk.program(*shapes, options=options)

    def shapes(
        self, scale: Scale, *, grey: bool = False
    ) -> tuple[SeenObjective, optax.GradientTransformation, chunk.State, Problem]:
        """What `chunk.program` takes for a size, from no pixel at all.

        Args:
          scale: the size.
          grey: whether a lane is to have no colour, which pixels say.
        """
        job, lanes = self.jobs[0], len(self.jobs)
        problem = self.studio.at(scale).shapes(
            self.pictures.frame(job, scale.size),
            lanes,
            masked=self.pictures.masked(job, scale.size),
            share=self.share,
            grey=grey,
            form=self.pictures.form(job),
        )
        state = hosted.placed(self._placed(self._shapes(scale), scale))
        return self.objective(scale), self.solver, state, problem.planned(self.layout)

    def load(self, path: Path, digest: str) -> Resumed:
        """The state in `path`, of whichever size it is.

        Raises:
          CheckpointError: see `checkpoint.load`; a `SpentError` if nothing is left to
            do.
        """
        scales = self.scales
        shapes = [self._shapes(scale) for scale in scales]
        place, state = checkpoint.load(path, shapes, digest)
        made, steps = int(state.iteration) - 1, scales[-1].until
        if made >= steps:
            raise checkpoint.SpentError(path, made, steps)
        return Resumed(place, state)

    def chunks(
        self, *, stops: Collection[int] = (), resumed: Resumed | None = None
    ) -> Generator[tuple[tuple[Progress, ...], chunk.State], None, None]:
        """Optimises, from the coarsest size to the finest.

        While one size is worked on, the next one's targets and program are prepared, by
        a thread that ends before the run does; but a run that is stopped doesn't wait
        for it, as nothing follows.

        Args:
          stops: see `engine.run`.
          resumed: from `load`, to go on from there.

        Yields:
          The progress of every lane, with seconds counted over all sizes and the time
          of waiting for targets and programs as that of compiling; and the state.
        """
        if resumed is None:
            memory.expect_pinned_room(self.host_bytes)
        first = resumed.place if resumed else 0
        state = resumed.state if resumed else None
        precision = jax.config.jax_default_matmul_precision  # type: ignore[attr-defined]
        ahead, wait = concurrent.futures.ThreadPoolExecutor(1), True
        average = self.jobs[0].options.average  # It moves whatever the losses do.
        moves = bool(average) or self.objective(self.scales[-1]).losses.fresh
        watch = Watch(len(self.jobs), known=resumed is not None)
        try:
            room = memory.room_bytes()
            coming = ahead.submit(self._prepared, first, precision, room)
            seconds = waited = 0.0
            before: tuple[Lane, ...] = ()
            for place, scale in enumerate(self.scales[first:], first):
                began = time.perf_counter()
                lanes, problem = coming.result()
                if place + 1 < len(self.scales):
                    coming = ahead.submit(self._prepared, place + 1, precision, room)
                if resumed is None or place > first:
                    state = self._begin(lanes, place, before, state)
                assert state is not None
                if state.began is not None:
                    problem = followed(
                        *(self.studio.at(scale), problem, lanes, state.began),
                        coarsest=place == 0,
                    )
                watch.begin(jax.device_get(state.image) if moves else None)
                state = self._placed(state, scale)
                problem = problem.placed(self.layout)
                waited += time.perf_counter() - began
                here = compiling = 0.0
                for made in engine.run(
                    *(self.objective(scale), problem, self.solver, state),
                    steps=scale.until,
                    stops=stops,
                ):
                    made = watch.told(made, until=self.scales[-1].until)
                    state, here = made.state, made.lanes[0].seconds
                    compiling = made.lanes[0].compile_seconds
                    yield self._progress(lanes, made, seconds, waited), state
                seconds, waited = seconds + here, waited + compiling
                before = lanes
        except GeneratorExit:
            wait = False
            raise
        finally:
            ahead.shutdown(wait=wait, cancel_futures=True)

    def _prepared(
        self, place: int, precision: str | None, room: int
    ) -> tuple[tuple[Lane, ...], Problem]:
        """Pictures, targets and program of a size, in the caller's arithmetic.

        Raises:
          NoRoomError: the program needs more than `room`, in bytes.
        """
        scale, pictures = self.scales[place], self.pictures
        made = {
            job: pictures.opened(pictures.lane(job, scale.size)) for job in self.jobs
        }
        lanes = tuple(made[job] for job in self.jobs)
        with jax.default_matmul_precision(precision):
            grey = any(lane.grey for lane in lanes)
            memory.expect_room(self.program(scale, grey=grey), room)
            heap.trim()
            studio = self.studio.at(scale)
            _ = studio.network.fastest  # Not while targets are found, which needs room.
            problem = studio.pose(lanes, share=self.share)
            heap.trim()
        return lanes, problem

    def _placed(self, state: chunk.State, scale: Scale) -> chunk.State:
        frame = self.pictures.frame(self.jobs[0], scale.size)
        return self.layout.images(state, frame)

    def _shapes(self, scale: Scale) -> chunk.State:
        """Shapes and dtypes of the state at a size."""
        frame = self.pictures.frame(self.jobs[0], scale.size)
        images = jax.ShapeDtypeStruct((len(self.jobs), *frame, 3), jnp.float32)
        start = functools.partial(self._start, scale, start=begin.begun)
        return jax.eval_shape(start, images)

    def _begin(
        self,
        lanes: Sequence[Lane],
        place: int,
        before: Sequence[Lane],
        state: chunk.State | None,
    ) -> chunk.State:
        """The first state of a size: from the starts, or the best pictures so far."""
        size = self.scales[place].size
        if state is None:
            images = [self.pictures.start(lane, size) for lane in lanes]
        else:
            best = np.clip(jax.device_get(state.best_image), 0, 1)
            last = size == self.scales[-1].size
            images = [
                self.pictures.enlarged(lane, old.content.cut(pixels), last=last)
                for lane, old, pixels in zip(lanes, before, best, strict=True)
            ]
        framed = [
            pad(image, lane.content.frame)
            for lane, image in zip(lanes, images, strict=True)
        ]
        done = self.scales[place - 1].until if place else 0
        began = jnp.asarray(np.stack(framed))
        options = self.jobs[0].options
        idle = unmet(FIELDS["carry"].metadata["needs"], options)
        carry = None if idle else chosen(options, "carry")
        last_solver = hosted.opened(state.solver) if state and carry else None
        hosted.delete(state)  # The host may not have the memory of both.
        begun = self._start(self.scales[place], began, np.int32(done))
        if carry is None or last_solver is None:
            return begun
        resized = functools.partial(_resized, lanes, before)
        solver = carry(hosted.opened(begun.solver), last_solver, resized)
        solver = hosted.closed(solver, begun.solver)
        return dataclasses.replace(begun, solver=solver)

    def _start(
        self,
        scale: Scale,
        images: jax.Array,
        done: Any = 0,
        start: Callable[..., chunk.State] = begin.start,
    ) -> chunk.State:
        losses = self.objective(scale).losses
        decay = self.jobs[0].options.average
        # Losses that are drawn anew don't tell which iterate is best: the last one is
        # the result, the average that keeps nothing.
        kept = decay if decay or losses.fresh else None
        begun = start(self.solver, images, done, kept)
        follows = losses.follows
        return dataclasses.replace(
            begun, began=images if follows else None, again=scale.finishing
        )

    def _progress(
        self,
        lanes: Sequence[Lane],
        made: engine.Chunk,
        seconds: float,
        waited: float,
    ) -> tuple[Progress, ...]:
        found = []
        for place, (lane, numbers) in enumerate(zip(lanes, made.lanes, strict=True)):
            values = vars(numbers) | {
                "seconds": seconds + numbers.seconds,
                "compile_seconds": waited + numbers.compile_seconds,
            }
            found.append(
                Progress(
                    **values,
                    lane=lane,
                    place=place,
                    state=made.state,
                    pictures=self.pictures,
                )
            )
        return tuple(found)


def _resized(
    lanes: Sequence[Lane], before: Sequence[Lane], values: jax.Array, *, linear: bool
) -> jax.Array:
    """Values of each pixel of lanes, `[n, *frame, c]`, at the size of other lanes."""
    found = [
        pad(
            resize.resampled(old.content.cut(of), new.content.extent, linear=linear),
            new.content.frame,
        )
        for new, old, of in zip(lanes, before, jax.device_get(values), strict=True)
    ]
    return jnp.asarray(np.stack(found))


def solver(options: Options, *, on_host: bool = False) -> optax.GradientTransformation:
    """The solver that `options` ask for; equal options give the same object.

    So do settings that have no effect: they stay as they are by default. `on_host`: its
    state is kept in the host's memory.
    """
    kind = chosen(options, "solver")
    rate, decay = kind.learning_rate, kind.decay
    if options.learning_rate is not None:
        rate = float(options.learning_rate)
    if options.learning_rate_decay is not None:
        decay = chosen(options, "learning_rate_decay")
    settings = {
        name: chosen(options, name)
        for name in kind.settings
        if not unmet(FIELDS[name].metadata["needs"], options)
    }
    settings |= {"hosted": True} if on_host else {}
    return kind.make(decay(rate, options.steps) if decay else rate, **settings)
