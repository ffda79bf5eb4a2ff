"""The paintings that a picture, or a region of it, is to be like."""

import dataclasses

from nst_jax.networks.masks import SIMPLE, Reach
from nst_jax.transfer.divided import reach_of
from nst_jax.transfer.lanes import Framed, Lane
from nst_jax.transfer.masks import Mask


@dataclasses.dataclass(frozen=True)
class Region:
    """The part of a painting that counts.

    Attributes:
      mask: of it, as the painting is without being turned; None: all of it.
      reach: `mask_reach`.
      quarters: by how many the painting is turned.
    """

    mask: Mask | None = None
    reach: Reach = SIMPLE
    quarters: int = 0


@dataclasses.dataclass(frozen=True)
class Painted:
    """A painting, or a turned one.

    Attributes:
      picture: framed.
      share: of the style, 0 or more.
      part: that counts; None: all, of a picture that isn't divided.
    """

    picture: Framed
    share: float
    part: Region | None = None


def paintings(lane: Lane) -> list[list[Painted]]:
    """The paintings of each region of a lane, or of the whole, turned as is asked."""
    shares = lane.job.options.style_blend or (1.0,) * len(lane.styles)
    reach = reach_of(lane.job.options)
    turns = range(0, 4, 4 // lane.job.options.style_turns)
    if not lane.form.regions or lane.masks is None:
        return [
            [
                Painted(style.turned(quarters), share)
                for style, share in zip(lane.styles, shares, strict=True)
                for quarters in turns
            ]
        ]
    return [
        [
            Painted(
                lane.styles[place].turned(quarters),
                shares[place] if any(shares[n] for n, _ in region) else 1.0,
                Region(mask, reach, quarters),
            )
            for place, mask in region
            for quarters in turns
        ]
        for region in lane.masks.styles
    ]
