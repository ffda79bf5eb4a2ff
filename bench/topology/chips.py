"""Chips as their vendors describe them, and the time that no program can beat."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType


@dataclasses.dataclass(frozen=True)
class Chip:
    """A chip.

    Attributes:
      flops: peak of bfloat16 products, FLOP/s.
      bandwidth: of its own memory (HBM), bytes/s.
      memory: how much that is, bytes.
      source: the page that says so.
      platform: "tpu" or "cuda".
    """

    flops: float
    bandwidth: float
    memory: float
    source: str
    platform: str = "tpu"


_NVIDIA = "https://www.nvidia.com/en-us/data-center/"

CHIPS: Mapping[str, Chip] = MappingProxyType(
    {
        "v5e": Chip(197e12, 819e9, 16e9, "https://cloud.google.com/tpu/docs/v5e"),
        "v6e": Chip(918e12, 1638e9, 32e9, "https://cloud.google.com/tpu/docs/v6e"),
        "h100": Chip(989e12, 3350e9, 80e9, f"{_NVIDIA}h100/", "cuda"),
        "h200": Chip(989e12, 4800e9, 141e9, f"{_NVIDIA}h200/", "cuda"),
    }
)
"""By the name that topologies begin with. Those of NVIDIA are the SXM ones, whose peak
is that of dense matrices. The page of v5e says 800 GiB/s of late, which
is 5 % more than its earlier 819 GB/s: the smaller one is taken."""


def roofline(chip: Chip, flops: float, bytes_accessed: float) -> tuple[float, str]:
    """Seconds that a chip needs at least, and what for: "compute" or "memory".

    Williams, Waterman and Patterson 2009, "Roofline: an insightful visual performance
    model for multicore architectures". That of bfloat16; products of float32 take
    several of these.
    """
    compute, memory = flops / chip.flops, bytes_accessed / chip.bandwidth
    return max((compute, "compute"), (memory, "memory"))
