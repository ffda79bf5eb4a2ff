"""The workload of the step benchmark: what both frameworks compute, defined once.

VGG-19 with seeded random weights (its cost does not depend on their values), the
content of relu4_2 and the style of relu1_1..relu5_1, starting from the photo. The
arrays are numpy, so that each runner takes them into its own framework.
"""

import dataclasses

import numpy as np

from nst_jax.networks import tables


@dataclasses.dataclass(frozen=True)
class Workload:
    """One optimisation step: loss, gradient and the solver's update.

    Attributes:
      size: of the square picture, in pixels.
      solver: "adam" or "lbfgs".
      history: of L-BFGS.
    """

    size: int = 256
    solver: str = "adam"
    history: int = 20

    content_tap = "relu4_2"
    style_taps = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
    content_weight = 5.0
    style_weight = 100.0
    learning_rate = 0.04  # Adam's.

    def pictures(self) -> tuple[np.ndarray, np.ndarray]:
        """Content and style, `[size, size, 3]` float32 in [0, 1]: smooth noise."""
        rng = np.random.default_rng(0)
        coarse = rng.random((2, 9, 9, 3))
        at = np.linspace(0, 8, self.size)
        low = np.minimum(at.astype(int), 7)
        t = at - low
        rows = (
            coarse[:, low] * (1 - t)[:, None, None]
            + coarse[:, low + 1] * t[:, None, None]
        )
        both = (
            rows[:, :, low] * (1 - t)[:, None] + rows[:, :, low + 1] * t[:, None]
        ).astype(np.float32)
        return both[0], both[1]

    def weights(self) -> dict[str, np.ndarray]:
        """He-normal kernels `[3, 3, i, o]` and zero biases of VGG-19, float32."""
        rng = np.random.default_rng(1)
        weights = {}
        for key, shape in tables.NETWORKS["vgg19"].shapes.items():
            if key.endswith("kernel"):
                scale = np.sqrt(2 / np.prod(shape[:-1]))
                weights[key] = (scale * rng.standard_normal(shape)).astype(np.float32)
            else:
                weights[key] = np.zeros(shape, np.float32)
        return weights
