"""What needs less memory where a group has no room: fewer lanes, then tiles."""

import dataclasses

from nst_jax.errors import OptionsError
from nst_jax.images.frames import Shape
from nst_jax.transfer.problem import Studio

TILES = (2048, 1024, 512, 256)
"""Sides of the tiles that are tried, in pixels."""


@dataclasses.dataclass(frozen=True)
class Way:
    """How a group is computed.

    Attributes:
      lanes: side by side.
      studio: in tiles or not.
      may: whether it may be in tiles, or in smaller ones.
    """

    lanes: int
    studio: Studio
    may: bool = True

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
        tile = next(
            (
                side
                for side in TILES
                if side < (self.studio.tile or side + 1)
                and 2 * side**2 <= frame[0] * frame[1]
                and self.studio.tiling(frame, side)
            ),
            0,
        )
        if not (self.may and tile):
            return None
        return dataclasses.replace(self, studio=self.studio.in_tiles(tile)), (
            f"too little memory for the picture at once: now in tiles of {tile} pixels"
        )


def first(studio: Studio, lanes: int, tile: int | None) -> Way:
    """The way that a group is tried first.

    Args:
      studio: that sees pictures at once.
      lanes: of the group.
      tile: side of tiles in pixels, 256 or more; 0: never any; None: as the memory has
        it.

    Raises:
      OptionsError: tiles that are too small, or losses that need a picture at once.
    """
    check(tile)
    if tile:
        return Way(lanes, studio.in_tiles(tile))
    return Way(lanes, studio, may=tile is None and not studio.whole)


def idle(studio: Studio, frame: Shape, tile: int | None) -> str | None:
    """A line if tiles that were asked for change nothing of a frame."""
    if not tile or studio.tiling(frame, tile):
        return None
    height, width = frame
    return f"tile={tile} has no effect on {width}x{height} pixels: one tile sees it all"


def check(tile: int | None) -> None:
    """Raises `OptionsError` if tiles are too small."""
    if tile and tile < TILES[-1]:
        raise OptionsError(
            f"tile={tile} is out of range: give {TILES[-1]} pixels or more, or 0"
        )
