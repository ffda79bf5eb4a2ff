"""Gatys's loss at one size, which compiles soonest."""

import dataclasses
from typing import Any

from nst_jax.options import Options
from nst_jax.presets import PRESETS


def classic(**changes: Any) -> Options:
    """The options of the preset `classic`, but for these."""
    return dataclasses.replace(PRESETS["classic"].options, **changes)
