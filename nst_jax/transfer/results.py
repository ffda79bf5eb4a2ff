"""What comes out: progress on the way, and finished pictures."""

import base64
import dataclasses
import html
import math
import os
import platform
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from nst_jax.devices import backend
from nst_jax.display import loss_curve
from nst_jax.errors import DivergenceError, NstError, counted
from nst_jax.images import encode, files, resize
from nst_jax.optimize.chunk import State
from nst_jax.optimize.engine import Numbers
from nst_jax.options import Options
from nst_jax.transfer.lanes import Lane
from nst_jax.transfer.pictures import Pictures
from nst_jax.version import __version__

_SHOWN, _POINTS = 1024, 500  # Pixels and points that a notebook shows at most.


@dataclasses.dataclass(frozen=True)
class Progress(Numbers):
    """What happened to one picture up to the end of a chunk of iterations.

    Attributes:
      lane: what it is made of, at the size that is worked on.
      place: of the lane in `state`.
      state: of all lanes; its memory is reused when the next chunk is asked for.
      pictures: that `lane` is of.
    """

    lane: Lane = dataclasses.field(repr=False)
    place: int
    state: State = dataclasses.field(repr=False)
    pictures: Pictures = dataclasses.field(repr=False)

    def image(self) -> np.ndarray:
        """The best picture so far, `[h, w, 3]` float32 in [0, 1], as it is shown.

        To be called before the next chunk is asked for.
        """
        pixels = np.clip(jax.device_get(self.state.best_image[self.place]), 0, 1)
        return self.pictures.finished(self.lane, pixels)

    def whole(self) -> tuple[np.ndarray, np.ndarray | None]:
        """`image` and `opacity` at the full size, enlarged where it isn't reached."""
        full = self.pictures.full(self.lane.job)
        image, alpha = resize.resize(self.image(), full), self.opacity()
        if alpha is None:
            return image, None
        return image, resize.resize(alpha[..., None], full)[..., 0]

    def opacity(self) -> np.ndarray | None:
        """The alpha channel of `image`, `[h, w]` in [0, 1]; None: it is opaque."""
        if self.lane.opacity is None:
            return None
        channel = self.lane.opacity[..., None]
        return resize.resize(channel, self.lane.content.extent)[..., 0]


@dataclasses.dataclass(frozen=True)
class BatchProgress:
    """What happened up to the end of a chunk of one group of jobs.

    Attributes:
      jobs: places of the group's jobs in the batch.
      lanes: progress of each.
      finished: jobs finished before this group, given up ones included.
      total: jobs of the batch.
    """

    jobs: tuple[int, ...]
    lanes: tuple[Progress, ...]
    finished: int
    total: int

    @property
    def made(self) -> dict[int, int]:
        """The iterations that each of the group's jobs made, by its place."""
        lanes = zip(self.jobs, self.lanes, strict=True)
        return {place: lane.iteration for place, lane in lanes}

    @property
    def note(self) -> str:
        """How far the batch is: `3/12 done, 2 at work`."""
        return f"{self.finished}/{self.total} done, {len(self.jobs)} at work"


@dataclasses.dataclass(frozen=True, repr=False)
class Result:
    """A finished picture and how it came about.

    Attributes:
      image: `[h, w, 3]` float32, sRGB in [0, 1]: the iterate of the lowest loss, or the
        average of the iterates if `options.average` is above 0, in the colours that
        `options` ask for.
      loss: the lowest total loss of an iterate, before `--color` and `--color_after`
        change it; that of an average isn't computed.
      losses: `[n]` float32, the total loss of every iteration, of a resumed run those
        since it was resumed; `seconds` likewise.
      iterations: updates made, fewer than asked for if the run was stopped.
      seconds: of optimising, compilation left out.
      compile_seconds: of compiling.
      events: lines about what went wrong and was answered, such as a divergence.
      options: that made it.
      given_up: whether the run ended before all iterations, after divergences.
      at: the iteration that was asked for; None: the last.
      alpha: `[h, w]` float32, the photo's alpha channel, where `options` ask for it and
        the photo isn't opaque everywhere; else None.
      masks: the files that divided it, by flag, as they were given.
      device: that made it, as its maker calls it.
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
    at: int | None = None
    alpha: np.ndarray | None = None
    masks: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    device: str = dataclasses.field(default_factory=backend.name)

    @property
    def finished(self) -> bool:
        """Whether it is the picture that was asked for, not one on the way to it."""
        asked = self.options.steps if self.at is None else self.at
        return self.given_up or self.iterations >= asked

    @property
    def told(self) -> str:
        """How it came about: `loss 12.5 after 500 iterations`."""
        return f"loss {self.loss:.6g} after {counted(self.iterations, 'iteration')}"

    def __repr__(self) -> str:
        """What it is, in a line."""
        height, width, _ = self.image.shape
        return f"<Result {width}x{height}, {self._summary()}>"

    def _repr_png_(self) -> bytes:
        """The picture, for notebooks."""
        return encode.encode(self.image, "PNG", description=None, alpha=self.alpha)

    def _repr_html_(self) -> str:
        """The picture and the curve of its losses, for notebooks."""
        shown = self.image
        if max(shown.shape[:2]) > _SHOWN:
            shown = resize.resize_longest(shown, _SHOWN)
        picture = base64.b64encode(encode.encode(shown, "PNG", description=None))
        lines = [html.escape(line) for line in (self._summary(), *self.events)]
        first = max(0, self.iterations + 1 - len(self.losses))
        places = np.linspace(0, len(self.losses) - 1, _POINTS).round().astype(int)
        points = [(first + int(n), float(self.losses[n])) for n in np.unique(places)]
        return (
            f'<img src="data:image/png;base64,{picture.decode()}" style="max-width: '
            f'100%"><div style="max-width: 25em">{loss_curve.drawing(points)}'
            f"{'<br>'.join(lines)}</div>"
        )

    def _summary(self) -> str:
        return f"{self.told} in {self.seconds:.3g} s"

    def save(self, path: str | os.PathLike, *, bits: int | None = None) -> None:
        """Writes PNG, JPEG, WebP or TIFF by the ending, with `description` inside.

        Args:
          path: of the file, in which `~` is the home.
          bits: of each channel, 8 or 16 (PNG and TIFF); None: as `options` say.

        Raises:
          OptionsError: another number of bits.
          ImageError: another ending, one whose format can't hold the bits or the alpha
            channel, or a folder that can't be written to.
        """
        options = self.options
        if bits is not None:
            options = dataclasses.replace(options, bits=bits)
        files.write(
            files.expanded(path),
            self.image,
            description=self.description(),
            bits=options.bits,
            alpha=self.alpha,
        )

    def description(self) -> dict[str, Any]:
        """What made the picture: options, masks, versions, device, final loss."""
        return {
            "options": dataclasses.asdict(self.options),
            **({"masks": dict(self.masks)} if self.masks else {}),
            "loss": self.loss,
            "iterations": self.iterations,
            "versions": {
                "nst_jax": __version__,
                "jax": jax.__version__,
                "python": platform.python_version(),
            },
            "device": self.device,
        }


class Record:
    """Gathers the results of one job from its progress."""

    def __init__(
        self,
        options: Options,
        at: tuple[int, ...],
        masks: Mapping[str, Any] | None = None,
    ):
        """For a job with these options and masks that is wanted `at` iterations too."""
        self._options, self._masks = options, dict(masks or {})
        self._wanted = sorted(n for n in set(at) if 0 < n <= options.steps)
        self._losses: list[np.ndarray] = []
        self._events: list[str] = []
        self._last: Progress | None = None

    def add(self, progress: Progress) -> list[Result]:
        """Takes in the end of a chunk; gives the results that are wanted there.

        To be called before the next chunk is asked for; a run without a finite loss
        gives none.
        """
        if self._last is None:  # Earlier ones were given before the run was resumed.
            self._wanted = [n for n in self._wanted if n >= progress.iteration]
        self._losses.append(progress.losses)
        self._events += [progress.event] if progress.event else []
        self._last = progress
        # The last picture of a coarse size is the next size's first, too.
        between = progress.iteration == progress.steps < self._options.steps
        if between or not math.isfinite(progress.best_loss):
            return []
        reached = [n for n in self._wanted if n <= progress.iteration]
        self._wanted = self._wanted[len(reached) :]
        return self._results(reached)

    def last(self, *, ended: bool) -> list[Result | NstError]:
        """The last result, after those that a run given up early still owes.

        Args:
          ended: whether no chunk is left, rather than the run being stopped.
        """
        assert self._last is not None
        if not math.isfinite(self._last.best_loss):
            return [DivergenceError()]
        given_up = ended and self._last.iteration < self._options.steps
        owed = [*self._wanted, None] if given_up else [None]
        return [*self._results(owed, given_up=given_up)]

    def _results(
        self, wanted: Sequence[int | None], *, given_up: bool = False
    ) -> list[Result]:
        last = self._last
        if last is None or not wanted:
            return []
        image, alpha = last.whole()
        result = Result(
            image=image,
            alpha=alpha,
            loss=last.best_loss,
            losses=np.concatenate(self._losses),
            iterations=last.iteration,
            seconds=last.seconds,
            compile_seconds=last.compile_seconds,
            events=tuple(self._events),
            options=self._options,
            given_up=given_up,
            masks=self._masks,
        )
        return [dataclasses.replace(result, at=at) for at in wanted]
