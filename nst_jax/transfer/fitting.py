"""What needs less memory where a group has no room.

Fewer lanes, then tiles, then a solver's state that is kept in the host's memory.
"""

import dataclasses
from collections.abc import Iterator

from nst_jax.devices import memory, shape
from nst_jax.errors import OptionsError
from nst_jax.images.frames import Shape
from nst_jax.transfer.problem import Studio

TILES = (2048, 1024, 512, 256)
"""Sides of the tiles that are tried, in pixels."""

DEVICE, HOST = "device", "host"
"""Where a solver's state may be kept."""


@dataclasses.dataclass(frozen=True)
class Fit:
    """How groups are to fit the memory, as far as that is asked for.

    Attributes:
      tile: side in pixels of the tiles in which larger pictures are seen, 256 or more;
        0: never in any; None: as the memory has it.
      solver_memory: `DEVICE` or `HOST`; None: as the memory has it.
    """

    tile: int | None = None
    solver_memory: str | None = None

    @property
    def hosted(self) -> bool:
        """Whether solvers' states are to be apart, in the host's memory."""
        return self.solver_memory == HOST and not memory.is_shared()

    def check(self, lanes: int | None = None, devices: str = "auto") -> None:
        """Raises `OptionsError` if that can't be, for so many lanes and devices."""
        if self.tile and self.tile < TILES[-1]:
            raise OptionsError(
                f"tile={self.tile} is out of range: give {TILES[-1]} pixels or more, "
                "or 0"
            )
        if self.solver_memory not in (None, DEVICE, HOST):
            raise OptionsError(
                f"solver_memory={self.solver_memory} is neither {DEVICE} nor {HOST}"
            )
        if self.solver_memory == HOST and lanes is not None and lanes > 1:
            raise OptionsError(
                f"lanes={lanes}: with solver_memory={HOST} pictures are done one by "
                "one: leave out one of both"
            )

        if self.solver_memory == HOST and (shape.parsed(devices) or (1, 1)) != (1, 1):
            raise OptionsError(
                f"devices={devices}: with solver_memory={HOST} a picture is on one "
                "device: leave out one of both"
            )

    def idle(self, studio: Studio, frame: Shape) -> Iterator[str]:
        """Yields lines about what changes nothing of a frame."""
        if self.tile and not studio.tiling(frame, self.tile):
            height, width = frame
            yield (
                f"tile={self.tile} has no effect on {width}x{height} pixels: one tile "
                "sees it all"
            )
        if self.solver_memory == HOST and not self.hosted:
            yield f"solver_memory={HOST} has no effect here: it is the device's memory"


AUTO = Fit()
"""As the memory has it."""


@dataclasses.dataclass(frozen=True)
class Way:
    """How a group is computed.

    Attributes:
      lanes: side by side.
      studio: in tiles or not.
      hosted: whether the solver's state is kept in the host's memory.
      may: whether it may be in tiles, or in smaller ones.
      may_host: whether it may be kept there.
    """

    lanes: int
    studio: Studio
    hosted: bool = False
    may: bool = True
    may_host: bool = False

    def smaller(self, frame: Shape) -> tuple["Way", str] | None:
        """The next way, which needs less memory, and a line that says so.

        Args:
          frame: of the photos at their full size.

        Returns:
          None: there is none.
        """
        if self.lanes > 1:
            lanes = self.lanes // 2
            return dataclasses.replace(self, lanes=lanes), (
                f"too little memory for {self.lanes} pictures side by side: now {lanes}"
            )
        if self.may and (tile := self._smaller_tile(frame)):
            return dataclasses.replace(self, studio=self.studio.in_tiles(tile)), (
                f"too little memory for the picture at once: now in tiles of {tile} "
                "pixels"
            )
        if self.may_host and not self.hosted:
            studio = self.studio.in_tiles(0) if self.may else self.studio
            return dataclasses.replace(self, hosted=True, studio=studio), (
                "too little memory for the solver's state: now it is kept in the "
                "host's, which takes longer"
            )
        return None

    def _smaller_tile(self, frame: Shape) -> int:
        """The side of the next smaller tiles; 0: there are none."""
        return next(
            (
                side
                for side in TILES
                if side < (self.studio.tile or side + 1)
                and 2 * side**2 <= frame[0] * frame[1]
                and self.studio.tiling(frame, side)
            ),
            0,
        )


def first(studio: Studio, lanes: int, fit: Fit) -> Way:
    """The way that a group is tried first.

    Args:
      studio: that sees pictures at once.
      lanes: of the group.
      fit: what is asked for.

    Raises:
      OptionsError: what can't be, such as tiles of losses that need a picture at once.
    """
    fit.check()
    may_host = fit.solver_memory is None and not memory.is_shared()
    if fit.tile:
        cut = studio.in_tiles(fit.tile)
        return Way(lanes, cut, hosted=fit.hosted, may_host=may_host)
    may = fit.tile is None and not studio.whole
    return Way(lanes, studio, hosted=fit.hosted, may=may, may_host=may_host)
