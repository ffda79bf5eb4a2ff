"""Options that may vary within a batch, and all combinations of their values."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from nst_jax.options import Options, OptionsError

VARYING = (
    *("content_weight", "style_weight", "content_tap_weights", "style_tap_weights"),
    *("tv_weight", "style_blend", "style_scale", "init", "seed"),
    *("color", "color_after"),
)
"""Options that lanes of one program may differ in."""


def variations(options: Options, sweep: Mapping[str, Sequence[Any]]) -> list[Options]:
    """`options` with every combination of the sweep's values, the first slowest.

    Raises:
      OptionsError: an option that can't vary, no values, or a value not allowed.
    """
    for name, values in sweep.items():
        if name not in VARYING:
            raise OptionsError(
                f"{name} can't vary within a batch; these can: {', '.join(VARYING)}"
            )
        if not len(values):
            raise OptionsError(f"{name}: the sweep names no values")
    return [
        dataclasses.replace(options, **dict(zip(sweep, values, strict=True)))
        for values in itertools.product(*sweep.values())
    ]
