"""What comes out of one pass: a picture, and what made it."""

import dataclasses
import os
import platform
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from nst_jax.devices import backend
from nst_jax.feedforward.options import Options
from nst_jax.images import files
from nst_jax.version import __version__


@dataclasses.dataclass(frozen=True)
class Painted:
    """A picture painted in one pass, as a folder of results takes it.

    Attributes:
      image: `[h, w, 3]` float32, sRGB in [0, 1].
      options: that made it.
      seconds: of painting, a share of those of its batch.
      loss: None: there is none.
      losses: none.
      iterations: 0.
      at: None: it is the last.
      finished: True.
      alpha: `[h, w]` in [0, 1], the photo's alpha channel, where `options` ask for it
        and the photo isn't opaque everywhere; else None.
      masks: the files that divided it, by flag, as they were given.
      device: that made it, as its maker calls it.
    """

    image: np.ndarray
    options: Options
    seconds: float = 0.0
    loss: float | None = None
    losses: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))
    iterations: int = 0
    at: int | None = None
    finished: bool = True
    alpha: np.ndarray | None = None
    masks: Mapping[str, str] = dataclasses.field(default_factory=dict)
    device: str = dataclasses.field(default_factory=backend.name)

    @property
    def told(self) -> str:
        """What a line about it says of how it came about."""
        return f"painted in {self.seconds:.2g} s"

    def save(self, path: str | os.PathLike) -> None:
        """Writes PNG, JPEG, WebP or TIFF by the ending, with `description` inside.

        Raises:
          ImageError: another ending, one whose format can't hold the bits or the alpha
            channel, or a folder that can't be written to.
        """
        files.write(
            path,
            self.image,
            description=self.description(),
            bits=self.options.bits,
            alpha=self.alpha,
        )

    def description(self) -> dict[str, Any]:
        """What made the picture: options, masks, versions, device."""
        return {
            "options": dataclasses.asdict(self.options),
            **({"masks": dict(self.masks)} if self.masks else {}),
            "versions": {
                "nst_jax": __version__,
                "jax": jax.__version__,
                "python": platform.python_version(),
            },
            "device": self.device,
        }
