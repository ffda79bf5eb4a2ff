"""Systems at work: a photo's and a painting's files in, pixels out."""

import dataclasses
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

import nst_jax
from bench.quality.pairs import Pair
from bench.quality.systems import System
from bench.runners import programs
from bench.runners.run_process import timed
from bench.workload import NETWORK, STYLE_WEIGHT, Job, Workload
from nst_jax.images import files, resize
from weights_convert import store


class NotPaintedError(Exception):
    """A program that failed, or can't be had here; one line says why."""


@dataclasses.dataclass(frozen=True)
class Painted:
    """A picture and what it took.

    Attributes:
      image: `[h, w, 3]` float32 in [0, 1], of the photo's shape at the size.
      steps: iterations that were made; 0 of what makes none.
      seconds: of painting; programs' start, compilation and loading left out.
      compile_seconds: of compiling.
    """

    image: np.ndarray
    steps: int
    seconds: float
    compile_seconds: float = 0.0


class Studio:
    """Paints with systems one after the other; what they load is kept for the next."""

    def __init__(
        self, *, offline: bool = False, report: Callable[[str], None] | None = None
    ):
        """Takes what loading takes: whether to fetch, and who is told of it."""
        self._loading: dict[str, Any] = {"offline": offline, "report": report}
        self._networks: dict[tuple[str, ...], Any] = {}
        self._starts: dict[tuple[str, int, int], float] = {}

    def paint(
        self, system: System, pair: Pair, *, share: float, size: int, steps: int = 0
    ) -> Painted:
        """A picture.

        Args:
          system: that paints.
          pair: what it paints.
          share: how strong the style is, of the system's own strength.
          size: longest side in pixels.
          steps: iterations; 0: the system's own number.

        Raises:
          NstError: pictures or options that don't fit.
          NotPaintedError: a program that failed.
        """
        kinds = {
            "photo": self._photo,
            "optimised": self._optimised,
            "pass": self._passed,
        }
        make = kinds.get(system.kind, self._program)
        return make(system, pair, share, size, steps)

    @staticmethod
    def _photo(
        system: System, pair: Pair, share: float, size: int, steps: int
    ) -> Painted:
        return Painted(photo_of(pair, size), 0, 0.0)

    def _optimised(
        self, system: System, pair: Pair, share: float, size: int, steps: int
    ) -> Painted:
        options = nst_jax.Options(**system.options)
        options = dataclasses.replace(
            options,
            size=size,
            steps=steps or options.steps,
            style_weight=share * options.style_weight,
        )
        named = options.network, options.pooling, options.precision
        if named not in self._networks:
            name, pooling, precision = named
            self._networks[named] = nst_jax.load_network(
                name, pooling=pooling, precision=precision, **self._loading
            )
        result = nst_jax.stylize(
            pair.photo, pair.painting, options, network=self._networks[named]
        )
        spent = result.seconds, result.compile_seconds
        return Painted(result.image, result.iterations, *spent)

    def _passed(
        self, system: System, pair: Pair, share: float, size: int, steps: int
    ) -> Painted:
        model = system.options["model"]
        if (model,) not in self._networks:
            found = nst_jax.load_stylizer(model, **self._loading)
            self._networks[model,] = jax.jit(found.__call__)
        paint, photo = self._networks[model,], photo_of(pair, size)
        seconds = []
        for _ in range(2):  # The first compiles.
            began = time.perf_counter()
            image = np.asarray(paint(photo, strength=share))
            seconds.append(time.perf_counter() - began)
        return Painted(np.clip(image, 0, 1), 0, seconds[1], seconds[0] - seconds[1])

    def _program(
        self, system: System, pair: Pair, share: float, size: int, steps: int
    ) -> Painted:
        steps = steps or system.steps
        place = system.name, *resize.fit(*files.shape(pair.photo), size)
        if place not in self._starts:
            # The first reads files that later ones find in memory.
            alone = min(self._ran(system, pair, share, size, 0)[1] for _ in range(2))
            self._starts[place] = alone
        image, seconds = self._ran(system, pair, share, size, steps)
        spent = max(0.0, seconds - self._starts[place])
        return Painted(image, steps, spent)

    def _ran(
        self, system: System, pair: Pair, share: float, size: int, steps: int
    ) -> tuple[np.ndarray, float]:
        """The picture of a program, and its seconds from start to end."""
        height, width = resize.fit(*files.shape(pair.photo), size)
        framework, command = _PROGRAMS[system.kind]
        workload = Workload(height, width, solver="lbfgs", weights="stored")
        job = Job("process", framework, system.name, workload, steps=steps)
        if not store.weights_path(NETWORK).is_file():
            nst_jax.load_network(NETWORK.name, **self._loading)
        try:
            with programs.prepared(job) as (folder, environment):
                output = folder / "out.png"
                line = command(job, pair, output, share)
                seconds = timed(line, environment, folder / "log.txt").seconds
                image = files.read(output)
        except (RuntimeError, ValueError, OSError) as error:
            told = " ".join(str(error).split())[-200:]
            raise NotPaintedError(f"{system.name}, {pair.name}: {told}") from error
        return resize.resize(image, (height, width)), seconds


def photo_of(pair: Pair, size: int) -> np.ndarray:
    """A pair's photo at a size, `[h, w, 3]` float32 in [0, 1]."""
    return _at(pair.photo, size)


def painting_of(pair: Pair, size: int) -> np.ndarray:
    """Its painting at the same size, as all systems see it by default."""
    return _at(pair.painting, size)


def _at(path: Path, size: int) -> np.ndarray:
    return files.read(path, size=resize.fit(*files.shape(path), size))


def _pytorch(job: Job, pair: Pair, output: Path, share: float) -> list[str]:
    line = programs.plain_torch(job, pair.photo, pair.painting, output)
    return [*line, f"--style_weight={share * STYLE_WEIGHT}"]


def _pastiche(job: Job, pair: Pair, output: Path, share: float) -> list[str]:
    """Its own weights; its size is the side of a square of the same area."""
    line = programs.pastiche(job, pair.photo, pair.painting, output)
    area = round((job.workload.height * job.workload.width) ** 0.5)
    return [*line, f"--content-weight={1 / share:g}", f"--size={area}"]


_PROGRAMS: Mapping[str, tuple[str, Callable[[Job, Pair, Path, float], list[str]]]] = {
    "pytorch": ("PyTorch", _pytorch),
    "pastiche": ("pastiche", _pastiche),
}
