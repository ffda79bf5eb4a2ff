"""How many lanes fit: what a program needs, and what the device has."""

import math
from collections.abc import Callable
from typing import Any

import jax
import psutil

_SHARE = 0.85  # Of the free memory; the rest is for targets, and for fragments.


def free_bytes() -> int:
    """Memory that the default device can still give, in bytes."""
    device = jax.local_devices()[0]
    statistics = device.memory_stats() or {}
    if "bytes_limit" in statistics:
        return statistics["bytes_limit"] - statistics["bytes_in_use"]
    return psutil.virtual_memory().available


def needed_bytes(program: jax.stages.Compiled) -> int:
    """Memory that a compiled program takes while it runs, its arguments included."""
    found: Any = program.memory_analysis()
    return (
        found.temp_size_in_bytes
        + found.argument_size_in_bytes
        + found.output_size_in_bytes
        - found.alias_size_in_bytes
    )


def fitting_lanes(
    most: int, compiled: Callable[[int], jax.stages.Compiled], free: int
) -> int:
    """The largest number of lanes, up to `most`, whose program fits.

    Nothing is run: the compiler says what a program will need. In most cases the first
    one fits and is the one used.

    Args:
      most: lanes wanted.
      compiled: the program of that many lanes.
      free: bytes, as `free_bytes` gives.
    """
    lanes = most
    while lanes > 1:
        needed = needed_bytes(compiled(lanes))
        if needed <= _SHARE * free:
            return lanes
        # A program's need is at most in proportion to its lanes.
        lanes = max(1, min(lanes - 1, math.floor(lanes * _SHARE * free / needed)))
    return 1
