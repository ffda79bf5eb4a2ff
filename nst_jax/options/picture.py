"""Options of the picture: how large, how often, from where."""

import dataclasses
from typing import Literal

from nst_jax import fields
from nst_jax.fields import choices
from nst_jax.options.written import Written

STARTS = choices(
    "images.noise",
    "content style details noise=uniform mean=mean gaussian=gaussian pink=pink",
)
"""What `init` may be besides a file."""

STEPS: fields.Needs = {"steps": bool}
SIZES: fields.Needs = {"pyramid": lambda sizes: sizes != 1}


@dataclasses.dataclass(frozen=True)
class Picture(Written):
    """What is made, and how often it is gone over."""

    size: int | Literal["original"] = fields.picture(
        512,
        "Longest side of the result in pixels; the other follows from the aspect ratio "
        "of the photo, or of --crop. original: as many as the photo, or its crop, has.",
        check=(lambda value: 16 <= value <= 65536, "a whole number, 16 to 65536"),
    )
    crop: str | None = fields.picture(
        None,
        "Aspect ratio, as width:height, that photo and paintings are cropped to, from "
        "the middle, before they are resized: --crop=1:1 --size=550 gives 550x550 "
        "(default: no crop).",
        check=fields.RATIO,
    )
    steps: int = fields.picture(
        200,
        "Iterations: one gradient of the loss each.",
        check=fields.STEPS,
    )
    pyramid: int = fields.picture(
        0,
        "Sizes to go through, coarse to fine, each half of the next, with equal shares "
        "of --steps; 1: the full size only; 0: as many as --pyramid_from leaves. "
        "--pyramid alone means 3.",
        check=fields.NOT_NEGATIVE_INT,
        bare="3",
    )
    pyramid_step: float = fields.picture(
        2.0,
        "Each size of the pyramid is so many times the next smaller one.",
        check=(lambda value: 1.05 <= value <= 8, "a number, 1.05 to 8"),
        needs=SIZES,
    )
    pyramid_from: int = fields.picture(
        64,
        "Longest side in pixels below which the pyramid has no size: the deep taps see "
        "next to nothing there.",
        check=(lambda value: 16 <= value <= 65536, "a whole number, 16 to 65536"),
        needs=SIZES,
    )
    pyramid_first: float = fields.picture(
        1.0,
        "Iterations at the smallest size, as a multiple of those at each of the "
        "others.",
        check=fields.SCALE,
        needs={**SIZES, **STEPS},
    )
    init: str = fields.picture(
        "content",
        "Where to start: content; style; details, the photo's finest on the paintings' "
        "mean colour, and at further sizes but the last again on what was painted, as "
        "STROTSS does; noise of even colours; mean, the mean colour "
        "of ImageNet's photos (Caffe's); gaussian noise around it; pink noise, which "
        "is cloudy; or the path of a picture.",
    )
    seed: int = fields.picture(
        0,
        "Seed of the starting noise, and of what is drawn anew at each step.",
        check=fields.NOT_NEGATIVE_INT,
    )
