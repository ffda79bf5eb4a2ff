"""The pictures that the checks ask for: each is painted once."""

import dataclasses
import functools

import jax
import numpy as np

import nst_jax
from bench.runners import run_jax
from bench.workload import Job, Workload

LANES = 3
_PHOTO = "examples/photos/cat.jpg"
_PAINTINGS = ("examples/styles/swirls.jpg", "examples/styles/woodcut.jpg")


@dataclasses.dataclass(frozen=True)
class Painted:
    """What a run made.

    Attributes:
      losses: `[n]`, at each iteration.
      image: `[h, w, 3]`, the result.
    """

    losses: np.ndarray
    image: np.ndarray


class Runs:
    """Paints a photo by VGG-19 with random weights, whose arithmetic is the same.

    Attributes:
      steps: iterations of a run.
    """

    def __init__(self, side: int, steps: int):
        """Of squares with so many pixels a side."""
        self.steps = steps
        self._workload = of = Workload(
            *(side, side, LANES, "lbfgs"), photo=_PHOTO, paintings=_PAINTINGS
        )
        self.alone = functools.cache(self._alone)
        self._network = functools.cache(functools.partial(run_jax.network, of))

    def _options(self, precision: str, solver: str, style_loss: str) -> nst_jax.Options:
        workload = dataclasses.replace(self._workload, solver=solver)
        how = {"style_loss": style_loss, "steps": self.steps}
        return run_jax.options(
            Job("step", "nst_jax", "default", workload, precision, options=how)
        )

    def _alone(
        self,
        precision: str = "float32",
        *,
        solver: str = "lbfgs",
        style_loss: str = "gram",
        painting: int = 0,
    ) -> Painted:
        """One picture, of the painting in a place."""
        result = nst_jax.stylize(
            self._workload.content(),
            self._workload.styles()[painting],
            self._options(precision, solver, style_loss),
            network=self._network(precision),
        )
        return Painted(result.losses, result.image)

    def together(self, precision: str = "float32") -> list[Painted]:
        """All paintings side by side, in one program."""
        results = nst_jax.stylize_batch(
            [self._workload.content()],
            list(self._workload.styles()),
            self._options(precision, "lbfgs", "gram"),
            lanes=LANES,
            network=self._network(precision),
        )
        return [Painted(result.losses, result.image) for result in results]

    def one_pass(self, precision: str, count: int) -> np.ndarray:
        """The photo, and more like it, by a network that comes with the package.

        Returns:
          `[count, h, w, 3]`.
        """
        stylizer = nst_jax.load_stylizer("starry_night", precision=precision)
        photo = self._workload.content()
        several = np.stack([np.roll(photo, 7 * n, axis=1) for n in range(count)])
        return np.asarray(jax.jit(stylizer.__call__)(several))
