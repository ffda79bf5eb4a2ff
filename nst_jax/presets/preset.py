"""What a preset is."""

import dataclasses

from nst_jax.options import Options

RELU = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
"""The style taps of most systems."""


@dataclasses.dataclass(frozen=True)
class Preset:
    """A value of `Options` with its story.

    Attributes:
      options: that make it.
      source: the system or paper, and where its numbers stand.
      look: what to expect.
      deviations: from the source.
    """

    options: Options
    source: str
    look: str
    deviations: tuple[str, ...] = ()
