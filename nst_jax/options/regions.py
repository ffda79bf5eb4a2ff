"""Options of masks and regions."""

import dataclasses

from nst_jax import fields
from nst_jax.fields import choices


@dataclasses.dataclass(frozen=True)
class Feathered:
    """The edges of masks, as painting in one pass has them too."""

    mask_feather: float = fields.regions(
        0.0,
        "Masks: pixels of the result over which their edges are softened.",
        check=(lambda value: 0 <= value <= 1024, "a number, 0 to 1024"),
    )


@dataclasses.dataclass(frozen=True)
class Regions(Feathered):
    """What masks mean to the losses."""

    mask_reach: str = fields.regions(
        "simple",
        "Masks: what counts of a layer. simple: the places that lie in a region; "
        "inside: those that see nothing else; all: those that see any of it.",
        choices=choices("networks.masks", "simple=SIMPLE inside=INSIDE all=ALL"),
    )
    mask_grow: int = fields.regions(
        0,
        "Masks: places of a layer by which they grow, after --mask_reach; below 0: by "
        "which they shrink.",
        check=(lambda value: -64 <= value <= 64, "a whole number, -64 to 64"),
    )
    mask_balance: str = fields.regions(
        "area",
        "Masks: how regions share the style's weight. area: each place is pulled as "
        "strongly; equal: each region as a whole, so that places of small ones are "
        "pulled harder (Gatys et al. 2017).",
        choices=choices("perceptual.regions", "area=area equal=equal"),
    )
    unmatched: str = fields.regions(
        "error",
        "Colours of --content_mask that have no painting, and of --style_mask that "
        "have no place: error; photo keeps the photo there; first paints it like the "
        "first painting.",
        choices=choices("", "error photo first"),
    )
